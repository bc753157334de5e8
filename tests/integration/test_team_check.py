"""`xt team check` against real services, and real faults: precisely what is wrong, and where."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from blob_support import sdk_container
from cli_support import Commands
from pymongo import MongoClient, common
from servers.azurite import ACCOUNT, KEY, Azurite
from servers.mongod import Mongod, StandaloneMongod
from servers.process import free_port
from support import small_disk

from xt_core import clock
from xt_core.artifacts.directory import DirectoryStore
from xt_core.session import Session
from xt_core.teams.checks.check import Status, results
from xt_core.teams.checks.services import checks_of

MONGO = [
    "read its settings", "connect", "sign in", "ask its version", "compare clocks",
    "write a document, acknowledged by a majority", "read it back", "make an index", "delete it",
]  # fmt: skip
FOLDER = [
    "read its settings", "find the folder", "see how much space is free",
    "write 64 KiB to the folder", "read it back", "list it", "compare clocks", "delete it",
]  # fmt: skip
MONGO_SETTING = "external-services.labmongo.mongo-connection-string"
BLOB_SETTING = "external-services.labblobs.connection-string"
Steps = list[dict[str, Any]]


@pytest.fixture
def xt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    """Commands of an XT_HOME of the test's own."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("XT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XT_TEAM", raising=False)
    monkeypatch.chdir(tmp_path)
    return Commands(capsys)


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., None]:
    """Writes the configuration of a team `lab`, of the services that are given."""

    def write(mongo: str = "", storage: str = "") -> None:
        services = [f"  labmongo: {{type: mongo, {mongo}}}"] * bool(mongo)
        services += [f"  labstore: {{type: storage, {storage}}}"] * bool(storage)
        if "azure-blob" in storage:
            services[-1] = services[-1].replace("labstore", "labblobs")
        name = "labblobs" if "azure-blob" in storage else "labstore"
        roles = ["mongo: labmongo"] * bool(mongo) + [f"storage: {name}"] * bool(storage)
        lines = ["external-services:", *services, f"teams: {{lab: {{{', '.join(roles)}}}}}",
                 "general: {xt-team-name: lab}"]  # fmt: skip
        (tmp_path / "home" / "config.yaml").write_text("\n".join(lines) + "\n")

    return write


Configure = Callable[..., None]


def url(text: str, database: str = "") -> str:
    named = f', database: "{database}"' if database else ""
    return f'mongo-connection-string: "{text}"{named}'


def blobs(text: str, container: str) -> str:
    return f'provider: azure-blob, connection-string: "{text}", container: "{container}"'


def checked(xt: Commands, role: str, code: int = 0, timeout: str = "30") -> Steps:
    """The steps of one role, of a check that ends with this exit code."""
    document = xt("team", "check", "--json", "--timeout", timeout, code=code).json
    assert document["ok"] == (code == 0)
    return [step for step in document["steps"] if step["role"] == role]


def failed(steps: Steps, what: str, *, stops: bool = True) -> dict[str, str]:
    """The error of the one step that failed; with `stops` nothing was tried after it."""
    position = next(n for n, step in enumerate(steps) if step["what"] == what)
    statuses = [step["status"] for step in steps]
    after = "skipped" if stops else "passed"
    rest = len(steps) - position - 1
    assert statuses == ["passed"] * position + ["failed"] + [after] * rest, steps
    return dict(steps[position]["error"])


# What is well --------------------------------------------------------------------------------


def test_services_that_work_are_found_to_and_nothing_is_left(
    xt: Commands, configure: Configure, mongod: Mongod, azurite: Azurite
) -> None:
    name = f"check-{uuid.uuid4().hex}"
    configure(url(mongod.url, name), blobs(azurite.connection_string, name))
    lines = xt("team", "check").lines
    assert lines[0] == "team lab"
    assert len(lines) == 1 + 9 + 6
    assert all(line.startswith("✓ ") for line in lines[1:])
    assert lines[2].startswith(
        f"✓ stats     labmongo: connect: 127.0.0.1:{mongod.port}, without TLS ("
    )
    assert lines[11].startswith(
        f"✓ artifacts labblobs: write 64 KiB to the container {name}, made if need be ("
    )
    with mongod.client() as client:
        assert name not in client.list_database_names()
    container = sdk_container(azurite, name)
    assert list(container.list_blob_names()) == []
    container.delete_container()


def test_the_document_tells_each_step(
    xt: Commands, configure: Configure, mongod: Mongod, tmp_path: Path
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    configure(url(mongod.url), f'path: "{folder}"')
    document = xt("team", "check", "lab", "--json").json
    assert (document["team"], document["ok"]) == ("lab", True)
    assert [step["what"] for step in document["steps"]] == MONGO + FOLDER
    assert {step["status"] for step in document["steps"]} == {"passed"}
    assert {(step["service"], step["setting"]) for step in document["steps"]} == {
        ("labmongo", MONGO_SETTING),
        ("labstore", "external-services.labstore.path"),
    }
    details = {step["what"]: step["detail"] for step in document["steps"][:9]}
    assert details["read its settings"] == f"127.0.0.1:{mongod.port}, database xt-lab"
    assert details["sign in"] == "without a user"
    assert details["ask its version"].endswith("; 4.4 or later will do")
    assert details["compare clocks"] == "within 1 s of each other"
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    with mongod.client() as client:
        assert "xt-lab" not in client.list_database_names()


def test_the_embedded_team_is_checked_too(xt: Commands, tmp_path: Path) -> None:
    document = xt("team", "check", "--json").json
    assert (document["team"], document["ok"], len(document["steps"])) == ("local", True, 10)
    assert {step["setting"] for step in document["steps"]} == {"XT_HOME"}
    left = [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [name for name in left if "check" in name] == []


def test_a_team_that_is_not_there_is_told(xt: Commands, configure: Configure) -> None:
    configure(url("mongodb://127.0.0.1/"))
    error = xt("team", "check", "raven", code=3).err
    assert error == "xt: error: there is no team 'raven'\nhint: teams: local, lab\n"


# MongoDB -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that asks for a sign-in: ann may all, eve may read, bob not index."""
    server = StandaloneMongod(tmp_path_factory.mktemp("guarded") / "mongod", "--auth")
    narrow = {
        "resource": {"db": "xt-lab", "collection": ""},
        "actions": ["find", "insert", "remove"],
    }
    with MongoClient[dict[str, Any]](f"mongodb://127.0.0.1:{server.port}/") as client:
        client.admin.command("createUser", "ann", pwd="secret", roles=["root"])
    with MongoClient[dict[str, Any]](f"mongodb://ann:secret@127.0.0.1:{server.port}/") as client:
        admin = client.admin
        admin.command("createRole", "narrow", privileges=[narrow], roles=[])
        reads = {"role": "read", "db": "xt-lab"}
        admin.command("createUser", "eve", pwd="secret", roles=[reads])
        admin.command("createUser", "bob", pwd="secret", roles=["narrow"])
    yield server.port
    server.stop()


def left_in(port: int) -> int:
    """How many documents are in the team's database."""
    with MongoClient[dict[str, Any]](f"mongodb://ann:secret@127.0.0.1:{port}/") as client:
        database = client["xt-lab"]
        return sum(database[name].count_documents({}) for name in database.list_collection_names())


def test_a_user_who_may_all_passes(xt: Commands, configure: Configure, guarded: int) -> None:
    configure(url(f"mongodb://ann:secret@127.0.0.1:{guarded}/"))
    steps = checked(xt, "stats")
    assert [step["what"] for step in steps] == MONGO
    assert steps[2]["detail"] == "as ann"
    assert left_in(guarded) == 0


def test_a_wrong_password_is_told(xt: Commands, configure: Configure, guarded: int) -> None:
    configure(url(f"mongodb://ann:Wrong1@127.0.0.1:{guarded}/"))
    error = failed(checked(xt, "stats", code=5), "sign in")
    assert error["kind"] == "refused"
    assert error["message"] == (
        f"MongoDB at 127.0.0.1:{guarded} (setting {MONGO_SETTING}) refused the sign-in"
    )
    assert error["hint"] == f"check user, password and authSource in {MONGO_SETTING}"
    answer = xt("team", "check", code=5)
    assert "Wrong1" not in answer.out + answer.err
    assert answer.lines[3].startswith("✗ stats     labmongo: sign in (")
    assert answer.lines[4] == f"    {error['message']}"
    assert answer.lines[5] == f"    {error['hint']}"
    assert answer.lines[6] == f"– stats     labmongo: not tried: {'; '.join(MONGO[3:])}"
    assert answer.lines[7].startswith("✓ artifacts embedded: ")
    assert answer.err == "xt: error: team lab: 1 of 17 steps failed\n"


def test_a_user_who_may_only_read_is_told(xt: Commands, configure: Configure, guarded: int) -> None:
    configure(url(f"mongodb://eve:secret@127.0.0.1:{guarded}/"))
    error = failed(checked(xt, "stats", code=5), MONGO[5])
    assert error["message"].endswith("not permit this: not authorized on xt-lab to execute insert")
    assert error["hint"] == "give its user the role readWrite on the database xt-lab"


def test_no_user_where_one_is_needed_is_told(
    xt: Commands, configure: Configure, guarded: int
) -> None:
    configure(url(f"mongodb://127.0.0.1:{guarded}/"))
    steps = checked(xt, "stats", code=5)
    error = failed(steps, MONGO[5])
    assert "does not permit this" in error["message"]
    assert steps[2]["detail"] == "without a user"


def test_a_user_who_may_make_no_index_is_told_and_leaves_no_document(
    xt: Commands, configure: Configure, guarded: int
) -> None:
    configure(url(f"mongodb://bob:secret@127.0.0.1:{guarded}/"))
    error = failed(checked(xt, "stats", code=5), "make an index")
    assert "does not permit this" in error["message"]
    assert left_in(guarded) == 0


def test_a_port_where_nobody_listens_is_told(xt: Commands, configure: Configure) -> None:
    port = free_port()
    configure(url(f"mongodb://127.0.0.1:{port}/"))
    error = failed(checked(xt, "stats", code=4, timeout="0.5"), "connect")
    assert error["kind"] == "unavailable"
    assert error["message"].startswith(
        f"MongoDB at 127.0.0.1:{port} (setting {MONGO_SETTING}) cannot be reached: "
    )
    assert "refused" in error["message"]
    assert MONGO_SETTING in error["hint"]


def test_a_server_without_tls_where_tls_is_asked_for_is_told(
    xt: Commands, configure: Configure, mongod: Mongod
) -> None:
    configure(url(f"mongodb://127.0.0.1:{mongod.port}/?tls=true"))
    error = failed(checked(xt, "stats", code=4, timeout="1"), "connect")
    assert "cannot be reached by TLS" in error["message"]


def test_another_replica_set_is_told(xt: Commands, configure: Configure, mongod: Mongod) -> None:
    configure(url(mongod.url.replace("rs0", "rs7")))
    error = failed(checked(xt, "stats", code=4, timeout="1"), "connect")
    assert "is not the replica set that is asked for" in error["message"]
    assert f"check replicaSet in {MONGO_SETTING}" == error["hint"]


def test_a_server_that_hangs_is_told_and_passes_when_it_answers(
    xt: Commands, configure: Configure, tmp_path: Path
) -> None:
    server = Mongod(tmp_path / "mongod")
    try:
        configure(url(server.url))
        server.pause()
        error = failed(checked(xt, "stats", code=4, timeout="0.5"), "connect")
        assert "did not answer within 0.5 s" in error["message"]
        server.resume()
        assert len(checked(xt, "stats")) == 9
        check = checks_of(Session(), 1.0)[0]
        taking = results(check, 1.0)
        assert [next(taking).status for _ in range(5)] == [Status.PASSED] * 5
        server.pause()
        hung = next(taking)
        assert hung.error is not None
        assert "did not answer within 1 s" in hung.error.message
        assert [result.status for result in taking] == [Status.SKIPPED] * 3
    finally:
        server.stop()


def test_a_server_that_is_too_old_is_told(
    xt: Commands, configure: Configure, mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "MIN_SUPPORTED_WIRE_VERSION", 99)
    monkeypatch.setattr(common, "MAX_SUPPORTED_WIRE_VERSION", 99)
    monkeypatch.setattr(common, "MIN_SUPPORTED_SERVER_VERSION", "12.0")
    configure(url(mongod.url))
    error = failed(checked(xt, "stats", code=4), "connect")
    assert error["message"].endswith(f"(setting {MONGO_SETTING}) is too old")
    assert error["hint"] == "upgrade it to MongoDB 12.0 or later"


def test_a_clock_that_is_wrong_is_told_and_the_rest_is_tried(
    xt: Commands,
    configure: Configure,
    mongod: Mongod,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    configure(url(mongod.url), f'path: "{folder}"')
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + 7200)
    document = xt("team", "check", "--json", code=1).json
    for role in ("stats", "artifacts"):
        steps = [step for step in document["steps"] if step["role"] == role]
        error = failed(steps, "compare clocks", stops=False)
        assert error["message"].startswith("this machine's clock is 7")
        assert error["message"].endswith(" s ahead of the service's")
        assert "set the one that is wrong" in error["hint"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$env:LAB_URL", f"{MONGO_SETTING} is $env:LAB_URL, and the variable LAB_URL is not set"),
        ("http://example.org", f"{MONGO_SETTING} is no URL that MongoDB can be reached by"),
        ("mongodb://a:p:q@h/", f"{MONGO_SETTING} is no URL that MongoDB can be reached by"),
    ],
)
def test_a_setting_that_is_wrong_is_told_and_other_services_are_checked(
    xt: Commands, configure: Configure, tmp_path: Path, text: str, message: str
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    configure(url(text), f'path: "{folder}"')
    steps = xt("team", "check", "--json", code=2).json["steps"]
    error = failed(steps[:9], "read its settings")
    assert error["kind"] == "config"
    assert error["message"].startswith(message)
    assert "p:q" not in error["message"] + error["hint"]
    assert [step["status"] for step in steps[9:]] == ["passed"] * 8


# Folders -------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_told_and_not_made(
    xt: Commands, configure: Configure, tmp_path: Path
) -> None:
    folder = tmp_path / "not" / "mounted"
    configure(storage=f'path: "{folder}"')
    error = failed(checked(xt, "artifacts", code=4), "find the folder")
    assert error["message"] == f"there is no folder {folder}"
    assert "mount it, or make it" in error["hint"]
    assert not folder.parent.exists()
    lines = xt("team", "check", code=4).lines
    assert f"    external-services.labstore.path: there is no folder {folder}" in lines


@pytest.mark.parametrize(("path", "told"), [("", ""), ("path: shared", "shared")])
def test_a_folder_that_is_not_named_from_the_root_is_told(
    xt: Commands, configure: Configure, path: str, told: str
) -> None:
    configure(storage=path or "provider: directory")
    error = failed(checked(xt, "artifacts", code=2), "read its settings")
    assert error["message"] == f"external-services.labstore.path is {told or 'not set'}"


@pytest.mark.mounts
def test_a_folder_that_only_can_be_read_is_told(
    xt: Commands, configure: Configure, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "shared", 2000) as folder:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        configure(storage=f'path: "{folder}"')
        error = failed(checked(xt, "artifacts", code=5), "write 64 KiB to the folder")
        assert error["kind"] == "refused"
        assert "Read-only file system" in error["message"]
        assert str(folder) in error["message"]


@pytest.mark.mounts
def test_a_disk_that_is_nearly_full_is_told_and_the_rest_is_tried(
    xt: Commands, configure: Configure, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "shared", 16) as folder:
        configure(storage=f'path: "{folder}"')
        error = failed(checked(xt, "artifacts", code=4), FOLDER[2], stops=False)
        assert error["message"] == f"only 16 MiB are free on the disk of {folder}"


def test_bytes_that_come_back_changed_are_told_and_removed(
    xt: Commands, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    configure(storage=f'path: "{folder}"')
    monkeypatch.setattr(DirectoryStore, "get_bytes", lambda self, key: b"x" * 65536)
    error = failed(checked(xt, "artifacts", code=1), "read it back")
    assert error["message"] == "the bytes that came back are not those that were written"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


# Blob storage --------------------------------------------------------------------------------


def test_a_wrong_key_is_told(xt: Commands, configure: Configure, azurite: Azurite) -> None:
    configure(storage=blobs(azurite.connection_string.replace("Eby8", "Eby9"), "some"))
    steps = checked(xt, "artifacts", code=5)
    error = failed(steps, "write 64 KiB to the container some, made if need be")
    assert f"does not accept the sign-in of {BLOB_SETTING}" in error["message"]
    assert "container some of labblobs" in error["message"]
    assert "Eby9" not in str(steps)


def test_a_signature_that_only_reads_is_told(
    xt: Commands, configure: Configure, azurite: Azurite
) -> None:
    name = f"check-{uuid.uuid4().hex}"
    sdk_container(azurite, name).create_container()
    sas = generate_container_sas(
        ACCOUNT,
        name,
        account_key=KEY,
        permission=ContainerSasPermissions.from_string("rl"),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    endpoint = f"http://127.0.0.1:{azurite.port}/{ACCOUNT}"
    text = f"BlobEndpoint={endpoint};SharedAccessSignature={sas}"
    configure(storage=blobs(text, name))
    steps = checked(xt, "artifacts", code=5)
    error = failed(steps, f"write 64 KiB to the container {name}, made if need be")
    assert "lacks the permission" in error["message"]
    assert "Storage Blob Data Contributor" in error["hint"]
    assert "sig=" not in str(steps)
    azurite.delete_container(name)


def test_a_blob_port_where_nobody_listens_is_told(
    xt: Commands, configure: Configure, azurite: Azurite
) -> None:
    text = azurite.connection_string.replace(f":{azurite.port}/", f":{free_port()}/")
    configure(storage=blobs(text, "some"))
    steps = checked(xt, "artifacts", code=4, timeout="1")
    error = failed(steps, "write 64 KiB to the container some, made if need be")
    assert error["message"].endswith("the service cannot be reached: connection refused")
    assert BLOB_SETTING in error["hint"]


def test_a_blob_service_that_hangs_is_told(
    xt: Commands, configure: Configure, tmp_path: Path
) -> None:
    server = Azurite(tmp_path / "azurite")
    try:
        configure(storage=blobs(server.connection_string, "some"))
        server.pause()
        steps = checked(xt, "artifacts", code=4, timeout="2")
        error = failed(steps, "write 64 KiB to the container some, made if need be")
        assert error["message"].endswith("the service cannot be reached: no answer in time")
        server.resume()
        assert len(checked(xt, "artifacts")) == 6
    finally:
        server.stop()
