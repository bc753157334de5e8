"""Blob storage in trouble: one clear line each, nothing lost, nothing half-written looks whole."""

import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import (
    BlobClient,
    ContainerSasPermissions,
    ContentSettings,
    generate_container_sas,
)
from blob_support import (
    SETTING,
    blob_account,
    new_container,
    open_blob_store,
    sdk_blob,
    sdk_container,
)
from servers.azurite import ACCOUNT, KEY, Azurite
from servers.process import free_port

from xt_core import clock
from xt_core.artifacts.blob import BlobStore
from xt_core.artifacts.blob_container import BlobAccount
from xt_core.errors import ConfigError, RefusedError, UnavailableError, UsageError, WorkFailedError

LARGE = 40 * 1024 * 1024


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    server = Azurite(tmp_path / "azurite")
    yield server
    server.stop()


@pytest.fixture
def opened() -> Iterator[Callable[..., BlobStore]]:
    """Opens stores, and closes them at the end."""
    stores: list[BlobStore] = []

    def open_store(account: BlobAccount, container: str = "") -> BlobStore:
        stores.append(BlobStore(account, container or new_container()))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


Opened = Callable[..., BlobStore]


def large_file(folder: Path, size: int = LARGE) -> Path:
    path = folder / "large"
    path.write_bytes(random.Random(1).randbytes(size))
    return path


def sas_account(azurite: Azurite, container: str, permissions: str, hours: float) -> BlobAccount:
    sas = generate_container_sas(
        ACCOUNT,
        container,
        account_key=KEY,
        permission=ContainerSasPermissions.from_string(permissions),
        expiry=datetime.now(UTC) + timedelta(hours=hours),
    )
    url = f"http://127.0.0.1:{azurite.port}/{ACCOUNT}"
    return BlobAccount("labblobs", "external-services.labblobs.sas", url=url, credential=sas)


# What the settings may get wrong -----------------------------------------------------------


@pytest.mark.parametrize("text", ["nonsense", "AccountName=a;Key", "a=b;c=d", "=;=", "sig=SECRET"])
def test_what_is_no_connection_string_is_a_mistake_of_the_setting(
    text: str, opened: Opened
) -> None:
    with pytest.raises(ConfigError, match=f"{SETTING} is not a usable connection string") as caught:
        opened(blob_account(text)).get_bytes("a")
    assert "SECRET" not in str(caught.value) + caught.value.hint


def test_a_key_that_is_not_base64_is_a_mistake_of_the_setting(opened: Opened) -> None:
    account = blob_account("AccountName=a;AccountKey=SECRET.;EndpointSuffix=core.windows.net")
    with pytest.raises(ConfigError, match=f"the account key in {SETTING} is not base64") as caught:
        opened(account).put_bytes("a", b"x")
    assert "SECRET" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("name", ["", "ab", "Capital", "a--b", "-ab", "a_b", "x" * 64, "a/b"])
def test_what_can_be_no_container_is_told_at_once(name: str) -> None:
    with pytest.raises(ConfigError, match=r"not a name of a blob container \(labblobs\)"):
        BlobStore(blob_account("AccountName=a;AccountKey=b"), name)


def test_secrets_are_not_shown_with_an_account() -> None:
    account = BlobAccount(
        "labblobs", SETTING, "AccountKey=SECRET", "https://a?sig=SECRET", "SECRET"
    )
    assert "SECRET" not in repr(account)


# Who may not ---------------------------------------------------------------------------------


def test_a_wrong_key_is_refused(azurite: Azurite, opened: Opened) -> None:
    store = opened(blob_account(azurite.connection_string.replace("Eby8", "Eby9")))
    for call in (store.exists, store.get_bytes, lambda key: store.put_bytes(key, b"x")):
        with pytest.raises(RefusedError, match=f"does not accept the sign-in of {SETTING}") as e:
            call("a")
        assert "\n" not in str(e.value)
        assert "rotated" in e.value.hint


def test_an_expired_signature_is_refused(azurite: Azurite, opened: Opened) -> None:
    container = new_container()
    sdk_container(azurite, container).create_container()
    store = opened(sas_account(azurite, container, "rwdlac", -1), container)
    with pytest.raises(RefusedError, match=r"labblobs\.sas") as caught:
        store.put_bytes("a", b"x")
    assert "expired" in str(caught.value) + caught.value.hint
    assert "sig=" not in str(caught.value) + caught.value.hint


def test_a_signature_that_only_reads_can_read_and_is_told_what_it_lacks(
    azurite: Azurite, opened: Opened
) -> None:
    writer = open_blob_store(azurite, container := new_container())
    writer.put_bytes("a", b"x")
    reader = opened(sas_account(azurite, container, "rl", 1), container)
    assert reader.get_bytes("a") == b"x"
    assert [info.key for info in reader.list()] == ["a"]
    calls: list[Callable[[], None]] = [
        lambda: reader.put_bytes("a", b"y"),
        lambda: reader.delete("a"),
    ]
    for call in calls:
        with pytest.raises(RefusedError, match=r"labblobs\.sas lacks the permission") as caught:
            call()
        assert "Storage Blob Data Contributor" in caught.value.hint
    assert writer.get_bytes("a") == b"x"
    writer.close()


def test_a_full_signature_does_all_that_a_key_does(
    azurite: Azurite, opened: Opened, tmp_path: Path
) -> None:
    container = new_container()
    sdk_container(azurite, container).create_container()
    store = opened(sas_account(azurite, container, "rwdlac", 1), container)
    path = large_file(tmp_path, 9 * 1024 * 1024)
    store.append("log", 0, b"x")
    store.put_file("log", path)
    store.put_shared("shared", path, "d1")
    assert store.get_bytes("log") == store.get_bytes("shared") == path.read_bytes()
    assert store.delete_prefix("") == 2


class FailingCredential:
    """A user who has not signed in."""

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        raise ClientAuthenticationError("Please run 'az login'\nand more lines")


def test_who_has_not_signed_in_is_told_how(opened: Opened) -> None:
    url = f"https://127.0.0.1:{free_port()}"
    account = BlobAccount("labblobs", SETTING, url=url, credential=FailingCredential())
    with pytest.raises(RefusedError, match=r"no sign-in for labblobs: Please run 'az login'$") as e:
        opened(account).put_bytes("a", b"x")
    assert "xt login" in e.value.hint


def test_a_clock_that_is_wrong_is_told(
    azurite: Azurite, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(blob_account(azurite.connection_string.replace("Eby8", "Eby9")))
    real = clock.now()
    for hours, told in ((2, "120 minutes ahead of"), (-1, "60 minutes behind")):
        monkeypatch.setattr(clock, "now", lambda shift=hours: real + shift * 3600)
        with pytest.raises(RefusedError, match=f"clock is {told} the service's") as caught:
            store.put_bytes("a", b"x")
        assert "set the clock" in caught.value.hint


# What is not there ---------------------------------------------------------------------------


def test_a_port_where_nobody_listens_is_told(opened: Opened) -> None:
    url = f"http://127.0.0.1:{free_port()}/{ACCOUNT}?sv=2024&sig=SECRET"
    account = BlobAccount("labblobs", SETTING, url=url, retry_seconds=0.5)
    with pytest.raises(UnavailableError, match=r"cannot be reached: connection refused$") as caught:
        opened(account, "artifacts").put_bytes("a", b"x")
    assert caught.value.message.startswith("cannot store a (container artifacts of labblobs): ")
    assert SETTING in caught.value.hint
    assert "SECRET" not in str(caught.value) + caught.value.hint


def test_a_container_that_was_deleted_is_not_made_anew(azurite: Azurite, tmp_path: Path) -> None:
    store = open_blob_store(azurite, container := new_container())
    store.put_bytes("a", b"x")
    client = sdk_container(azurite, container)
    client.delete_container()
    path = large_file(tmp_path, 9 * 1024 * 1024)
    calls: list[Callable[[], object]] = [
        lambda: store.put_bytes("a", b"x"),
        lambda: store.put_file("a", path),
        lambda: store.put_files([("a", path), ("b", path)]),
        lambda: store.put_shared("a", path, "d1"),
        lambda: store.append("log", 0, b"x"),
        lambda: store.get_bytes("a"),
        lambda: store.exists("a"),
        lambda: list(store.list()),
        lambda: store.delete_prefix("a"),
    ]
    for call in calls:
        with pytest.raises(UnavailableError, match=r"the container was deleted while in use$") as e:
            call()
        assert container in e.value.message
    assert not client.exists()
    client.create_container()
    store.put_bytes("a", b"again")
    assert store.get_bytes("a") == b"again"
    store.close()


def test_a_container_that_never_was_is_empty(azurite: Azurite) -> None:
    store = open_blob_store(azurite)
    assert list(store.list()) == []
    assert list(store.list("a", 1)) == []
    assert store.delete_prefix("a") == 0
    assert not store.exists("a")
    store.sweep()
    store.close()


def test_a_service_that_hangs_is_told_and_used_again_when_it_answers(
    own_azurite: Azurite, opened: Opened, tmp_path: Path
) -> None:
    text = own_azurite.connection_string
    container = new_container()
    hasty = opened(blob_account(text, retry_seconds=1.0, answer_seconds=1.0), container)
    patient = opened(blob_account(text, retry_seconds=90.0, answer_seconds=1.0), container)
    hasty.put_bytes("a", b"x")
    own_azurite.pause()
    for call in (hasty.get_bytes, hasty.exists, lambda key: hasty.put_bytes(key, b"y")):
        with pytest.raises(UnavailableError, match=r"cannot be reached: no answer in time$"):
            call("a")
    with pytest.raises(UnavailableError, match="no answer in time"):
        hasty.get_file("a", tmp_path / "got")
    assert os.listdir(tmp_path) == ["azurite"]
    waiting = threading.Thread(target=lambda: patient.put_bytes("b", b"late"))
    waiting.start()
    own_azurite.resume()
    waiting.join()
    assert patient.get_bytes("b") == b"late"


def test_an_upload_outlasts_a_service_that_is_killed_and_comes_back(
    own_azurite: Azurite, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(blob_account(own_azurite.connection_string, retry_seconds=90.0))
    store.put_bytes("before", b"x")
    own_azurite.stop()  # what it has acknowledged it keeps only in good order
    own_azurite.start()
    path = large_file(tmp_path)
    staged, go_on = threading.Event(), threading.Event()
    stage_block, calls = BlobClient.stage_block, iter(range(1000))

    def stage(self: BlobClient, *args: Any, **kwargs: Any) -> Any:
        if next(calls) == 2:
            staged.set()
            go_on.wait()
        return stage_block(self, *args, **kwargs)

    monkeypatch.setattr(BlobClient, "stage_block", stage)
    upload = threading.Thread(target=lambda: store.put_file("large", path))
    upload.start()
    staged.wait()
    own_azurite.kill()
    go_on.set()
    own_azurite.start()
    upload.join()
    assert store.get_bytes("large") == path.read_bytes()
    assert [info.key for info in store.list()] == ["before", "large"]


# What is damaged -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 9 * 1024 * 1024])
def test_a_blob_that_is_not_what_was_stored_is_told(
    azurite: Azurite, tmp_path: Path, size: int
) -> None:
    store = open_blob_store(azurite, container := new_container())
    store.put_file("a", large_file(tmp_path, size))
    wrong = hashlib.md5(b"another").digest()
    sdk_blob(azurite, container, "a").set_http_headers(
        ContentSettings(content_md5=bytearray(wrong))
    )
    with pytest.raises(WorkFailedError, match=f"a is damaged: its MD5 is .*{wrong.hex()}"):
        store.get_file("a", tmp_path / "got")
    with pytest.raises(WorkFailedError, match="a is damaged"):
        store.get_bytes("a")
    assert os.listdir(tmp_path) == ["large"]
    store.close()


@pytest.mark.parametrize("size", [1000, 9 * 1024 * 1024])
def test_bytes_that_change_on_their_way_are_not_stored(
    azurite: Azurite, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_blob_store(azurite)
    store.put_bytes("a", b"before")
    send = requests.Session.request

    def damage(self: requests.Session, method: str, url: str, **kwargs: Any) -> Any:
        if isinstance(kwargs.get("data"), bytes) and len(kwargs["data"]) >= 1000:
            kwargs["data"] = b"!" + kwargs["data"][1:]
        return send(self, method, url, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(requests.Session, "request", damage)
        with pytest.raises(UnavailableError, match="the bytes arrived damaged"):
            store.put_file("a", large_file(tmp_path, size))
    assert store.get_bytes("a") == b"before"
    store.close()


def test_a_blob_that_another_program_holds_is_told(azurite: Azurite) -> None:
    store = open_blob_store(azurite, container := new_container())
    store.put_bytes("a", b"x")
    lease = sdk_blob(azurite, container, "a").acquire_lease()
    calls: list[Callable[[], None]] = [
        lambda: store.put_bytes("a", b"y"),
        lambda: store.delete("a"),
    ]
    for call in calls:
        with pytest.raises(RefusedError, match=r"another program holds the blob \(LeaseIdMissing"):
            call()
    lease.release()
    store.put_bytes("a", b"y")
    store.close()


def test_a_name_too_long_for_a_blob_is_told(azurite: Azurite) -> None:
    store = open_blob_store(azurite)
    for key in ("a" * 1025, "%" * 342, "/".join("a" * 255)):
        with pytest.raises(UsageError, match="too long for a blob"):
            store.put_bytes(key, b"x")
    store.put_bytes("b" * 1024, b"x")
    assert store.get_bytes("b" * 1024) == b"x"
    store.close()
