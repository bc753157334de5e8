"""What goes wrong with jobs on boxes: one line that says what to do, and runs that live on."""

import contextlib
from pathlib import Path

import pytest
from servers.sshd import Network, Sshd
from support import Xt, wait_until

from xt_core.errors import UnavailableError
from xt_core.nodes.boxcontroller import BoxController
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.submission import extend

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

    def box(self, name: str, *settings: str, is_known: bool = True) -> Sshd:
        """A new box, of that name in the client's configuration too."""
        box = self.network.box(name, *settings, is_known=is_known)
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


@pytest.mark.embedded
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
            extend(session, RunRequest(command=[], extend="job1", runs=1))
    assert caught.value.message == (
        "job1 is stored, but not all of its nodes know of it yet: gpu1: the connection was lost"
    )
    assert caught.value.hint == ("try again; xt status tries again, xt cancel job job1 gives it up")
    lab.gate.touch()
    xt("status")
    lab.wait_status("run1.3", "completed")
    assert [run.status for run in xt.children("job1")] == ["completed"] * 3


@pytest.mark.embedded
def test_a_box_that_has_unfinished_runs_is_not_mistaken_for_another(lab: Lab) -> None:
    xt, box, other = lab.xt, lab.box("gpu1"), lab.box("gpu2")
    xt("run", "--target", "gpu1", "waits.py")
    lab.wait_status("run1", "running")

    lab.configure(f'  gpu1: {{address: "{other.place}"}}', without=box)
    for command in (["cancel", "job", "job1"], ["attach", "run1"], ["sync"]):
        failed = xt(*command, code=5).stderr
        assert f"xt: error: gpu1 at {other.place} is another machine" in failed
        assert "hint: give it its old address back" in failed

    lab.configure(without=box)
    told = "gpu1 is not in the configuration any more, and has what is not here yet{}"
    told += f"xt box add gpu1 {box.place}\n"
    assert told.format("; bring it back: ") in xt("status").stderr
    failed = xt("cancel", "job", "job1", code=3).stderr
    assert told.format("\nhint: bring it back: ") in failed

    lab.configure()
    assert lab.status("run1") == "running"
    lab.gate.touch()
    lab.wait_status("run1", "completed")
    assert xt("status").stderr == ""
