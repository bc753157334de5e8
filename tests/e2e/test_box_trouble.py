"""What goes wrong with jobs on boxes: one line that says what to do, and runs that live on."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

import pytest
from servers.sshd import Network, Sshd
from support import Xt, small_disk, wait_until

import xt_core
from xt_core.errors import UnavailableError
from xt_core.nodes.boxcontroller import BoxController
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import extend, submit

_WAITS = """\
import os, time
print("began", flush=True)
while not os.path.exists({gate!r}):
    time.sleep(0.02)
print("done", flush=True)
"""


class Lab:
    """A client and its boxes, on which runs wait for a gate."""

    def __init__(self, xt: Xt, network: Network, folder: Path) -> None:
        self.xt, self.network, self.gate = xt, network, folder / "gate"
        xt.environ["XT_SSH_CONFIG"] = str(network.config_file)
        xt.environ.pop("SSH_AUTH_SOCK", None)
        xt.script("waits.py", _WAITS.format(gate=str(self.gate)))

    def box(self, name: str, *settings: str, is_known: bool = True, **environ: str) -> Sshd:
        """A new box, of that name in the client's configuration too."""
        box = self.network.box(name, *settings, is_known=is_known, environ=environ)
        self.configure()
        return box

    def configure(self, *more: str, without: Sshd | None = None) -> None:
        """Write the configuration of the client's boxes anew."""
        boxes = [box for box in self.network.boxes if box is not without]
        lines = [f'  {box.name}: {{address: "{box.place}"}}' for box in boxes]
        file = self.xt.home.config_file
        marked = "# boxes\n"
        before = file.read_text().partition(marked)[0] if file.exists() else ""
        text = "\n".join([marked, "boxes:", *lines, *more, ""])
        self.xt.configure(before + text, instead=True)

    def status(self, run: str) -> str | None:
        """As the commands tell it."""
        runs = self.xt.json("list", "runs", "--all")["runs"]
        return next((str(each["status"]) for each in runs if each["name"] == run), None)

    def wait_status(self, run: str, status: str) -> None:
        wait_until(lambda: self.status(run) == status, f"{run} to be {status}")

    def session(self) -> Session:
        """One of this process, by the configuration as it is."""
        return Session(home=self.xt.session.home, cwd=self.xt.code, environ=self.xt.environ)


@pytest.fixture
def lab(xt: Xt, network: Network, tmp_path: Path) -> Lab:
    return Lab(xt, network, tmp_path)


def test_an_extension_of_which_no_box_was_told_is_told_later(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    xt = lab.xt
    lab.box("gpu1")
    xt("run", "--target", "gpu1", "--runs", "2", "waits.py")
    lab.wait_status("run1.1", "running")

    def lost(*_: object) -> None:
        raise UnavailableError("gpu1: the connection was lost", "try again")

    with contextlib.closing(lab.session()) as session, monkeypatch.context() as patched:
        patched.setattr(BoxController, "take_up", lost)
        with pytest.raises(UnavailableError) as caught:
            extend(session, RunRequest(command=[], extend="job1", runs=1), print)
    assert caught.value.message == (
        "job1 is stored, but not all of its nodes know of it yet: gpu1: the connection was lost"
    )
    assert caught.value.hint == ("try again; xt status tries again, xt cancel job job1 gives it up")
    lab.gate.touch()
    xt("status")
    lab.wait_status("run1.3", "completed")
    assert [run.status for run in xt.children("job1")] == ["completed"] * 3


def test_a_box_that_has_unfinished_runs_is_not_mistaken_for_another(lab: Lab) -> None:
    xt, box, other = lab.xt, lab.box("gpu1"), lab.box("gpu2")
    xt("run", "--target", "gpu1", "waits.py")
    lab.wait_status("run1", "running")

    lab.configure(f'  gpu1: {{address: "{other.place}"}}', without=box)
    for command in (["cancel", "job", "job1"], ["attach", "run1"], ["sync"]):
        failed = xt(*command, code=5).stderr
        assert f"xt: error: gpu1 at {other.place} is another machine" in failed
        assert "hint: give it its old address back" in failed

    lab.configure('  gpu1: {address: "a b"}', without=box)
    assert "gpu1 (gpu1) misconfigured" in xt("status").stdout

    lab.configure(without=box)
    told = "gpu1 is not in the configuration any more, and has what is not here yet{}"
    told += f"xt box add gpu1 {box.place}; or give that up: xt box remove gpu1 --give-up"
    assert told.format("; bring it back: ") in xt("status").stderr
    failed = xt("cancel", "job", "job1", code=3).stderr
    assert told.format("\nhint: bring it back: ") in failed

    lab.configure()
    assert lab.status("run1") == "running"
    lab.gate.touch()
    lab.wait_status("run1", "completed")
    assert xt("status").stderr == ""


def test_a_box_that_is_gone_for_good_is_given_up(lab: Lab) -> None:
    xt, box = lab.xt, lab.box("gpu1")
    xt("run", "--target", "gpu1", "--runs", "3", "--concurrent", "1", "waits.py")
    xt("run", "--target", "gpu1", "waits.py")
    lab.wait_status("run1.1", "running")
    refused = xt("box", "remove", "gpu1", code=5).stderr
    assert refused.startswith("xt: error: gpu1 has unfinished runs, or what is not here yet\n")
    box.crash()
    assert f"removed from {xt.home.config_file}" in xt("box", "remove", "gpu1", "--give-up").stdout
    assert xt("status").stderr == ""
    runs = {run["name"]: run["status"] for run in xt.json("list", "runs")["runs"]}
    assert runs == {"run1.1": "cancelled", "run2": "cancelled"}
    assert [job["status"] for job in xt.json("list", "jobs")["jobs"]] == ["cancelled"] * 2
    assert xt.run("run1.1").error == "gpu1 was given up"
    assert "there is no box 'gpu1'" in xt("box", "remove", "gpu1", "--give-up", code=3).stderr

    box.start()  # it comes back all the same
    lab.configure()
    lab.gate.touch()
    xt("sync", "gpu1")
    lab.wait_status("run1.3", "completed")


def test_a_host_key_that_changes_in_mid_job_is_refused_and_runs_live_on(lab: Lab) -> None:
    xt, box = lab.xt, lab.box("gpu1")
    xt("run", "--target", "gpu1", "waits.py")
    attached = xt.start("attach", "run1")
    assert attached.stdout is not None
    assert attached.stderr is not None
    assert attached.stdout.readline() == b"began\n"

    connections = box.sessions()
    box.change_host_key()
    for pid in connections:
        os.kill(pid, signal.SIGKILL)
    assert attached.wait() == 5
    lost, error, hint = attached.stderr.read().decode().splitlines()
    assert lost == "the connection to gpu1 was lost; reconnecting…"
    assert "the host key of" in error
    assert "has changed" in error
    assert "ssh-keygen -f" in hint
    status = xt("status")
    assert status.stderr.startswith("gpu1: what it did since")
    assert "has changed" in status.stderr
    assert "gpu1 (gpu1) unreachable: job1 unfinished" in status.stdout
    refused = xt("cancel", "job", "job1", code=5).stderr
    assert refused.startswith("xt: error: gpu1 (")
    assert refused.count("has changed") == 1

    lab.network.known_hosts.unlink()
    lab.network.know(box)
    assert lab.status("run1") == "running"
    lab.gate.touch()
    lab.wait_status("run1", "completed")


def test_boxes_that_let_nobody_in_get_no_job(lab: Lab) -> None:
    box = lab.box("asks", "PubkeyAuthentication no", "PasswordAuthentication yes")
    lab.box("new", is_known=False)
    lab.configure("compute-targets:", "  lab: {service: pool, boxes: [asks, new]}")
    failed = lab.xt("run", "--target", "lab", "waits.py", code=5).stderr
    asks, _, new = failed.partition("; new (")
    assert asks.startswith("xt: error: asks (")
    assert asks.endswith("): it takes passwords only, no keys")
    assert "is not known (ED25519 SHA256:" in new
    assert f"send it your key: ssh-copy-id -p {box.port} " in new
    assert lab.xt.json("list", "jobs")["jobs"] == []


@pytest.mark.mounts
def test_a_box_without_space_is_named_and_told_later(lab: Lab, tmp_path: Path) -> None:
    xt = lab.xt
    with small_disk(tmp_path / "disk", 60) as disk:
        box = lab.box("gpu1", XT_HOME=str(disk / "xt"))
        try:
            xt("run", "--target", "gpu1", "waits.py")
            lab.wait_status("run1", "running")
            fill(disk / "full")
            failed = xt("run", "--target", "gpu1", "waits.py", code=4).stderr
            assert "job2 is stored, but not all of its nodes know of it yet: gpu1: " in failed
            assert "no space left" in failed
            status = xt("status")
            assert status.stderr.startswith("gpu1: what it did since")
            assert "no space left" in status.stderr
            assert "gpu1 (gpu1) running: 1 running" in status.stdout
            (disk / "full").unlink()
            lab.gate.touch()
            lab.wait_status("run1", "completed")
            lab.wait_status("run2", "completed")
        finally:
            box.crash()


def fill(file: Path) -> None:
    """Leave no room on the disk of a file."""
    with file.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


def test_an_older_client_is_refused_and_harms_nothing(lab: Lab, tmp_path: Path) -> None:
    xt = lab.xt
    lab.box("gpu1")
    xt("run", "--target", "gpu1", "waits.py")
    lab.wait_status("run1", "running")
    older = tmp_path / "older"
    older.mkdir()
    (older / "sitecustomize.py").write_text("import xt_core\nxt_core.__version__ = '0.0.1'\n")
    root = str(Path(xt_core.__file__).parent.parent)
    environ = {"PYTHONPATH": os.pathsep.join([str(older), root])}
    message = f"the controller of gpu1 is of XT {xt_core.__version__}, and this is 0.0.1\n"
    for command in (["run", "--target", "gpu1", "waits.py"], ["cancel", "job", "job1"]):
        failed = xt(*command, code=5, env=environ).stderr
        assert f"xt: error: {message}" in failed
        assert f"hint: upgrade XT here to {xt_core.__version__}\n" in failed
    assert message in xt("list", "runs", env=environ).stderr
    lab.gate.touch()
    lab.wait_status("run1", "completed")


def test_a_box_whose_folder_of_xt_was_removed_gets_it_anew(lab: Lab) -> None:
    xt, box = lab.xt, lab.box("gpu.1.example")
    lab.gate.touch()
    xt("run", "--target", "gpu.1.example", "--wait", "waits.py")
    xt("sync")
    shutil.rmtree(box.home / ".xt")
    xt("run", "--target", "gpu.1.example", "--wait", "waits.py")
    assert xt.console("run2") == b"began\ndone\n"


@pytest.mark.services
def test_two_clients_of_one_team_steer_the_same_box(lab: Lab, tmp_path: Path) -> None:
    xt = lab.xt
    lab.box("gpu1")
    other = Xt(tmp_path / "other", tmp_path / "other-code", xt.home.config_file.read_text())
    other.environ |= {"XT_SSH_CONFIG": xt.environ["XT_SSH_CONFIG"]}
    try:
        xt("run", "--target", "gpu1", "waits.py")
        lab.wait_status("run1", "running")
        pid = xt.json("status")["nodes"][-1]["controller"]["pid"]
        other.script("waits.py", (xt.code / "waits.py").read_text())
        other("run", "--target", "gpu1", "waits.py")
        nodes = {node["name"]: node for node in other.json("status")["nodes"]}
        assert (nodes["gpu1"]["running"], nodes["gpu1"]["controller"]["pid"]) == (2, pid)
        assert other.json("cancel", "run", "run1")["runs"][0]["status"] == "cancelled"
        lab.wait_status("run1", "cancelled")
        lab.gate.touch()
        lab.wait_status("run2", "completed")
    finally:
        other.close()


@pytest.mark.parametrize("what", [("job", "job1"), ("run", "run1"), ("node", "gpu1")])
def test_a_job_that_is_cancelled_before_its_box_is_told_does_not_go_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, what: tuple[str, str]
) -> None:
    xt = lab.xt
    lab.box("gpu1")
    request = RunRequest(command=["waits.py"], target="gpu1")

    def lost(*_: object) -> None:
        raise UnavailableError("gpu1: the connection was lost", "try again")

    overrides = {"xt-services.target": "gpu1"}
    session = Session(xt.session.home, xt.code, xt.environ, overrides)
    with contextlib.closing(session), monkeypatch.context() as patched:
        patched.setattr(BoxController, "take_up", lost)
        with pytest.raises(UnavailableError, match="job1 is stored, but not all"):
            submit(session, prepare(session, request), print)
    assert xt("cancel", *what).stdout == "run1 cancelled\n"
    xt("status")
    assert lab.status("run1") == "cancelled"
