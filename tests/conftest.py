"""Fixtures of all tests.

Tests marked `mounts` mount small disks: as root, or else in a user namespace of their own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.azurite import Azurite
from servers.certificate import Certificate
from servers.mongod import Mongod
from servers.sshd import Network
from servers.vault import FakeCloud
from support import Xt

os.environ["TZ"] = "UTC"  # times are shown in the local zone
time.tzset()

_ROOM = 3 * 10**9
"""Bytes that the tests need on the disk of temporary files, at most at once."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """A full disk is said in one line: else each server fails in its own words."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if not hasattr(session.config, "workerinput") and free < _ROOM:
        pytest.exit(
            f"only {free / 1e9:.1f} GB free in {tempfile.gettempdir()}, and the tests need "
            f"{_ROOM / 1e9:.0f}: make room there, or set TMPDIR",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In CI a failure is shown when it happens: a run that is cut off tells nothing at its end."""
    if report.failed and "CI" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n=== {report.nodeid} failed in {report.when}\n{report.longreprtext}", flush=True)


_SERVICES = """
external-services:
  stats: {{type: mongo, mongo-connection-string: "{url}", database: "{name}"}}
  files: {{type: storage, provider: azure-blob, connection-string: "{blobs}", container: "{name}"}}
xt-services: {{storage: files, mongo: stats}}
"""


@pytest.fixture
def xt(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Xt]:
    """A whole XT of the test's own; its processes end with the test.

    With the parameter "services" its team keeps its stats in a MongoDB server and its artifacts
    in a blob service; else all is embedded.
    """
    if getattr(request, "param", "embedded") == "embedded":
        own = Xt(tmp_path / "home", tmp_path / "code")
        yield own
        own.close()
        return
    server: Mongod = request.getfixturevalue("mongod")
    blobs: Azurite = request.getfixturevalue("azurite")
    name = f"xt-{uuid.uuid4().hex}"
    text = _SERVICES.format(url=server.url, name=name, blobs=blobs.connection_string)
    own = Xt(tmp_path / "home", tmp_path / "code", text)
    yield own
    own.close()
    with server.client() as client:
        client.drop_database(name)
    blobs.delete_container(name)


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """The MongoDB server of this test process."""
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """The blob service of this test process."""
    server = Azurite(tmp_path_factory.mktemp("azurite") / "blobs")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """What the servers of this test process that speak HTTPS show."""
    return Certificate(tmp_path_factory.mktemp("certificate") / "own")


@pytest.fixture(scope="session")
def token_azurite(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Azurite]:
    """A blob service that is reached by sign-in."""
    server = Azurite(tmp_path_factory.mktemp("azurite") / "blobs", certificate)
    yield server
    server.stop()


@pytest.fixture
def cloud(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    """A vault and an authority of the test's own, which its environment leads to; nobody has
    signed in, in a session of the test's own."""
    server = FakeCloud(certificate)
    foreign = ("AZURE_", "MSI_", "IDENTITY_", "XDG_", "DISPLAY", "WAYLAND_DISPLAY")
    for name in [name for name in os.environ if name.startswith(foreign)]:
        monkeypatch.delenv(name)
    folder = Path(tempfile.mkdtemp(prefix="xt-test-", dir="/dev/shm"))
    for name, value in (server.environ | {"XDG_RUNTIME_DIR": str(folder)}).items():
        monkeypatch.setenv(name, value)
    yield server
    server.close()
    shutil.rmtree(folder)


@pytest.fixture
def principal(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's environment is that of a service principal."""
    for name, value in cloud.principal.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Boxes that are reached by SSH, and what the user has to reach them."""
    folder = Path(tempfile.mkdtemp(prefix="xt-ssh-"))  # short: it holds the sockets of agents
    own = Network(folder)
    monkeypatch.setenv("XT_SSH_CONFIG", str(own.config_file))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield own
    own.close()
    shutil.rmtree(folder)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mounts: the test mounts file systems")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Who may not mount runs the test by a pytest of its own, within `unshare`."""
    if pyfuncitem.get_closest_marker("mounts") is None or os.geteuid() == 0:
        return None
    environ = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", pyfuncitem.nodeid]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *command],
        cwd=pyfuncitem.config.rootpath,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return True
