"""Storage by sign-in: a node reaches its team's container by a SAS, which is renewed.

Blob storage is a real server, which checks signatures of SAS; the authority is the fake one.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import pytest
from azure.core.credentials import AzureSasCredential
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient
from servers.azurite import Azurite
from servers.mongod import Mongod
from servers.vault import CLIENT_SECRET, FakeCloud
from sign_in_support import blob_entry, services, sign_in
from support import Xt, wait_until

from controller.access import HeldAccess
from xt_core import clock
from xt_core.artifacts.blob import BlobStore
from xt_core.artifacts.blob_container import BlobAccount
from xt_core.errors import RefusedError, UsageError
from xt_core.home import Home
from xt_core.identity.delegation import delegated
from xt_core.nodes.controllers import Controllers
from xt_core.services.stores import SAS_LIFE_SECONDS, BlobAccess, StoreAccess
from xt_core.session import Session

SETTING = "external-services.labblobs.account-url"
MARK = "s3cret-word-of-the-lab"


class Refusal:
    """What the SDK keeps of an answer; the emulator refuses nobody by role."""

    headers: ClassVar[dict[str, str]] = {}


@pytest.fixture
def container() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def access(cloud: FakeCloud, token_azurite: Azurite, container: str) -> BlobAccess:
    """What the configuration says."""
    return BlobAccess("labblobs", SETTING, container, account_url=token_azurite.account_url)


def open_by_sas(access: BlobAccess, credential: AzureSasCredential, **options: int) -> BlobStore:
    account = BlobAccount(
        access.service, access.setting, url=access.account_url, credential=credential
    )
    return BlobStore(account, access.container, **options)


def expired(access: BlobAccess, monkeypatch: pytest.MonkeyPatch) -> BlobAccess:
    """The access as it was made three days ago."""
    now = clock.now
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: now() - 3 * 24 * 3600.0)
        return delegated(access, sign_in("auto"))


@pytest.mark.usefixtures("principal")
def test_a_sas_does_all_that_an_artifact_store_does(access: BlobAccess, tmp_path: Path) -> None:
    given = delegated(access, sign_in("auto"))
    store = open_by_sas(given, AzureSasCredential(given.sas), most_appends=2)
    store.put_bytes("a/one", b"1")
    store.put_bytes("a/one", b"2")
    offset = 0
    for word in (b"first ", b"second ", b"third ", b"fourth"):  # with more than two, by a copy
        offset = store.append("a/log", offset, word)
    large, copy = tmp_path / "large", tmp_path / "copy"
    large.write_bytes(os.urandom(20 << 20))
    store.put_file("a/large", large)
    store.get_file("a/large", copy)
    assert copy.read_bytes() == large.read_bytes()
    assert [info.key for info in store.list("a")] == ["a/large", "a/log", "a/one"]
    assert store.get_bytes("a/one") == b"2"
    assert store.get_bytes("a/log") == b"first second third fourth"
    store.delete("a/one")
    assert not store.exists("a/one")
    store.close()


@pytest.mark.usefixtures("principal")
def test_a_sas_is_for_one_container_by_https_and_for_a_time(
    access: BlobAccess, token_azurite: Azurite
) -> None:
    given = delegated(access, sign_in("auto"))
    query = {name: values[0] for name, values in parse_qs(given.sas).items()}
    assert (query["sr"], query["sp"], query["spr"]) == ("c", "racwdl", "https")
    assert given.sas_expires is not None
    assert 0 < given.sas_expires - clock.now() <= SAS_LIFE_SECONDS
    assert query["st"] < clock.iso(clock.now() - 600) < clock.iso(clock.now()) < query["se"]
    assert given.sas not in repr(given)
    other = BlobAccess("labblobs", SETTING, f"{access.container}-2", account_url=access.account_url)
    delegated(other, sign_in("auto"))  # makes the container
    store = open_by_sas(other, AzureSasCredential(given.sas))
    with pytest.raises(RefusedError):
        store.put_bytes("a", b"1")
    with pytest.raises(RefusedError):
        list(store.list(""))
    store.close()


@pytest.mark.usefixtures("principal")
def test_who_may_not_sign_for_nodes_is_told_the_roles(
    access: BlobAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        error = HttpResponseError("This request is not authorized using this permission.")
        error.status_code, error.response = 403, Refusal()  # type: ignore[assignment]
        error.error_code = "AuthorizationPermissionMismatch"  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(BlobServiceClient, "get_user_delegation_key", refuse)
    with pytest.raises(RefusedError) as caught:
        delegated(access, sign_in("auto"))
    assert caught.value.message == (
        f"cannot make a SAS for container {access.container} of labblobs: the sign-in of {SETTING} "
        "lacks the permission (AuthorizationPermissionMismatch)"
    )
    assert "Storage Blob Delegator on the account" in caught.value.hint


@pytest.mark.usefixtures("principal")
def test_a_renewed_sas_is_used_by_the_store_that_is_open(
    access: BlobAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = StoreAccess("lab", None, expired(access, monkeypatch))
    held = HeldAccess(old)
    assert held.sas is not None
    store = open_by_sas(access, held.sas)
    with pytest.raises(RefusedError):
        store.put_bytes("a", b"1")
    new = StoreAccess("lab", None, access).for_node(sign_in("auto"))
    held.renew(new)
    store.put_bytes("a", b"1")
    held.renew(old)  # of a client that was slow
    assert store.get_bytes("a") == b"1"
    assert held.now == new
    with pytest.raises(UsageError, match="not the access to this node's stores"):
        held.renew(StoreAccess("raven", None, access))
    store.close()


@pytest.fixture
def xt(cloud: FakeCloud, token_azurite: Azurite, container: str, tmp_path: Path) -> Iterator[Xt]:
    """An XT whose artifacts are in storage that is reached by sign-in."""
    text = services(cloud, blob_entry(token_azurite, container), roles="storage: labblobs")
    own = Xt(tmp_path / "home", tmp_path / "code", text)
    yield own
    own.close()


def expires(xt: Xt) -> float:
    """When the access that the controller holds ends."""
    return float(xt.json("status")["nodes"][0]["access_expires"])


GATED = """
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
os.makedirs("output")
open("output/result", "w").write("done")
"""


@pytest.mark.usefixtures("principal")
def test_what_an_expired_access_holds_up_arrives_once_somebody_signs_in(
    xt: Xt, access: BlobAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    xt.script("gated.py", GATED)
    xt.submit("gated.py", str(gate))
    xt.wait_status("run1", "running")
    old = StoreAccess("default", None, expired(access, monkeypatch))
    controllers = Controllers(xt.home, xt.environ, lambda: xt.session.access, lambda: old)
    controllers.of("node0").shut_down()
    controllers.of("node0").ensure_running()  # the run lives on; its controller may not store
    gate.touch()
    log = xt.home.node("node0").controller_log
    wait_until(lambda: "artifacts wait on this node" in log.read_text(), "the refusal")
    key = "ws1/runs/run1/after/output/result"
    assert not xt.session.artifacts.exists(key)
    document = xt.json("login")
    assert document["controllers"] == ["node0"]
    assert xt.wait_job("job1") == "completed"
    assert xt.artifact(key) == b"done"
    assert expires(xt) > clock.now()


@pytest.mark.usefixtures("principal")
def test_a_command_that_comes_by_renews_an_access_that_ends_soon(
    xt: Xt, access: BlobAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = StoreAccess("default", None, expired(access, monkeypatch))
    controllers = Controllers(xt.home, xt.environ, lambda: xt.session.access, lambda: old)
    controllers.of("node0").ensure_running()
    pid = xt.controller_pid
    xt.script("t.py", "print('hello')")
    xt.submit("t.py")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"hello\n"
    assert expires(xt) > clock.now() + SAS_LIFE_SECONDS / 2
    assert xt.controller_pid == pid  # not replaced: it was given a newer one
    before = expires(xt)
    xt.submit("t.py")
    assert expires(xt) == before  # there is time enough left


@pytest.mark.usefixtures("principal")
def test_a_secret_that_was_changed_reaches_the_controllers_at_the_next_login(
    cloud: FakeCloud, mongod: Mongod, container: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    cloud.secrets["labmongo"] = mongod.url
    mongo = f'labmongo: {{type: mongo, mongo-connection-string: "$vault", database: "{container}"}}'
    xt = Xt(tmp_path / "home", tmp_path / "code", services(cloud, mongo, roles="mongo: labmongo"))
    try:
        xt.script("gated.py", GATED)
        xt.submit("gated.py", str(gate))
        xt.wait_status("run1", "running")
        before = xt.controller_pid
        cloud.secrets["labmongo"] = f"{mongod.url}&appName=new"
        assert xt.json("login")["controllers"] == ["node0"]
        assert xt.controller_pid != before
        gate.touch()
        assert xt.wait_job("job1") == "completed"
        assert (xt.run("run1").status, xt.run("run1").restarts) == ("completed", 0)
    finally:
        xt.session.close()
        xt.session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)  # with the new secret
        xt.close()
        with mongod.client() as client:
            client.drop_database(container)


def test_who_signed_out_may_still_steer_a_node(
    xt: Xt, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    xt("login", "--authentication", "device-code")
    xt.script("t.py", "import time\nwhile True: time.sleep(0.1)")
    xt.submit("t.py")
    xt.wait_status("run1", "running")
    xt("logout")
    xt("cancel", "job", "job1", "--grace", "0")
    assert xt.wait_job("job1") == "cancelled"
    assert "not signed in" in xt("view", "run", "run1", code=5).stderr


# Nothing secret is anywhere ------------------------------------------------------------------

REVEALING = """
import os, subprocess
print(*(f"{name}={value}" for name, value in sorted(os.environ.items())), sep="\\n")
for entry in os.listdir("/proc"):
    if entry.isdigit():
        try:
            print(open(f"/proc/{entry}/cmdline", "rb").read())
        except OSError:
            pass
os.makedirs("output")
open("output/result", "w").write("kept: a-public-word")
"""


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()


def texts_of(xt: Xt, folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that could give a secret away: files, artifacts, processes, and what commands print."""
    yield from ((str(path), data) for path, data in contents(xt.home.root))
    for key in xt.artifacts(""):
        copy = folder / "artifact"
        xt.session.artifacts.get_file(key, copy)
        yield key, copy.read_bytes()
    for pid in xt.processes():
        for name in ("cmdline", "environ"):
            yield f"{pid} {name}", Path(f"/proc/{pid}/{name}").read_bytes()
    for command in (
        ("view", "config", "--origin"), ("view", "team"), ("status", "--json"),
        ("view", "log", "controller"), ("view", "run", "run1", "--json"),
        ("list", "runs", "--json"),
    ):  # fmt: skip
        done = xt(*command)
        yield " ".join(command), (done.stdout + done.stderr).encode()


@pytest.mark.parametrize("kind", ["device-code", "service-principal"])
def test_no_secret_is_in_a_file_a_run_a_process_an_artifact_or_a_log(
    cloud: FakeCloud,
    token_azurite: Azurite,
    mongod: Mongod,
    container: str,
    tmp_path: Path,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    if kind == "service-principal":
        request.getfixturevalue("principal")
    cloud.secrets["labmongo"] = f"{mongod.url}&appName={MARK}"
    mongo = f'labmongo: {{type: mongo, mongo-connection-string: "$vault", database: "{container}"}}'
    roles = "storage: labblobs, mongo: labmongo"
    text = services(cloud, blob_entry(token_azurite, container), mongo, roles=roles)
    xt = Xt(tmp_path / "home", tmp_path / "code", text)
    try:
        xt("login", "--authentication", kind)
        xt.script("revealing.py", REVEALING)
        xt.submit("--runs", "2", "revealing.py")
        assert xt.wait_job("job1") == "completed"
        found = dict(texts_of(xt, tmp_path))
    finally:
        xt.close()
        with mongod.client() as client:
            client.drop_database(container)
    assert cloud.reads == ["labmongo"]
    secrets = [MARK, "refresh-token-of-alice", CLIENT_SECRET, "sig=", "skoid=", *cloud.given]
    shown = [
        (name, secret[:20])
        for name, data in found.items()
        for secret in secrets
        if secret.encode() in data
    ]
    assert shown == []
    # The search finds what may be found:
    assert any(b"a-public-word" in data for data in found.values())
    assert any(name.endswith("/mrc.json") for name in found)
    assert any(name.endswith("/logs/output.txt") for name in found)
    assert any(name.endswith("controller.log") and data for name, data in found.items())
    assert any(name.endswith(" cmdline") for name in found)
    assert b'"$vault"' in found["view config --origin"]
    kept = [data for _, data in contents(Path(os.environ["XDG_RUNTIME_DIR"]))]
    assert any(MARK.encode() in data for data in kept)  # in memory, for the session
    xt("logout")
    assert list(contents(Path(os.environ["XDG_RUNTIME_DIR"]))) == []
    shutil.rmtree(Home(tmp_path / "home").root)
