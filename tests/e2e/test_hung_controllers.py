"""A controller that hangs while its run lives: every command says so, and it is replaced."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from cli_support import Commands
from support import PATIENCE_SECONDS, Xt, wait_until

from xt_core.cli import list_, restart, status
from xt_core.console import stream_console
from xt_core.nodes import client, heartbeat, requests
from xt_core.session import Session

WAITING = 'echo begun; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo end\n'
NOTE = "the controller of node0 does not answer; waiting for it"
REPLACE = "xt restart controller --hung node0 ends it and starts a new one, its runs live on"


@pytest.fixture
def here(xt: Xt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands in this process, which has little patience."""
    monkeypatch.setenv("XT_HOME", str(xt.home.root))
    monkeypatch.chdir(xt.code)
    set_patience(monkeypatch, 0.5)
    monkeypatch.setattr(requests, "NOTE_SECONDS", 0.1)
    monkeypatch.setattr(heartbeat, "QUIET_SECONDS", 0.1)
    return Commands(capsys)


def set_patience(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """How long commands wait for a controller that does not answer."""
    for module, name in (
        (requests, "STATUS_SECONDS"),
        (client, "HANGS_AFTER_SECONDS"),
        (status, "OWN_PATIENCE_SECONDS"),
        (list_, "OWN_PATIENCE_SECONDS"),
        (restart, "_PATIENCE_SECONDS"),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def asleep(xt: Xt) -> Iterator[int]:
    """The process of the first node's controller, stopped while run1 lives."""
    xt.script("t.sh", WAITING)
    xt.submit("t.sh")
    xt.wait_output("run1", "begun")
    pid = xt.pause_controller()
    yield pid
    if xt.controller_pid == pid:
        os.kill(pid, signal.SIGCONT)


def test_every_command_says_so_soon_and_one_of_them_helps(
    xt: Xt, asleep: int, here: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = set(xt.processes_of_run("run1"))
    for command in (
        ("cancel", "run", "run1"),
        ("cancel", "node", "node0"),
        ("restart", "controller", "job1"),
        ("run", "t.sh"),
        ("view", "system", "node0"),
    ):
        lines = here(*command, code=4).err.splitlines()
        assert lines[:2] == [
            NOTE,
            "xt: error: the controller of node0 is running but does not answer",
        ], command
        assert len(lines) == 3
        assert lines[2].startswith(f"hint: {REPLACE}")
    shown = here("status")
    assert shown.lines == ["node0 (local) unresponsive: job1 unfinished"]
    assert shown.err.splitlines() == [
        NOTE,
        f"the controller of node0 does not answer; {REPLACE}",
    ]
    assert here("status", "--json").json["nodes"][0]["state"] == "unresponsive"
    assert here("list", "nodes", "--json").json["nodes"][0]["state"] == "unresponsive"
    assert xt.run("run1").status == "running"

    out = here("restart", "controller", "--hung").out
    assert out == f"node0: process {asleep} was killed, a new controller runs\n"
    assert xt.controller_pid != asleep
    assert processes & set(xt.processes_of_run("run1")), "the script is still the same process"
    set_patience(monkeypatch, PATIENCE_SECONDS)  # from now on it answers, however slow the machine
    assert here("status", "--json").json["runs"][0]["name"] == "run1"
    assert here("restart", "controller", "--hung").out == "no controller of this machine hangs\n"
    refused = here("restart", "controller", "--hung", "node0", code=5).err
    assert "the controller of node0 answers: it was left alone" in refused

    (xt.home.node_dir / "data" / "go").touch()
    assert xt.wait_status("run1", "completed").restarts == 0
    assert xt.console("run1") == b"begun\nend\n"
    events = ["created", "queued", "download_before", "started", "ended", "capture_after"]
    assert xt.events("run1") == events


@pytest.mark.usefixtures("here")
def test_who_is_attached_is_told_and_reads_on_at_the_next_byte(
    xt: Xt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_PATIENCE_SECONDS", 0.5)
    xt.script("t.sh", WAITING)
    xt.submit("t.sh")
    xt.wait_output("run1", "begun")
    read, told = list[bytes](), list[str]()
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    run = xt.run("run1")
    attached = threading.Thread(
        target=lambda: stream_console(session, run, "start", read.append, told=told.append)
    )
    attached.start()
    wait_until(lambda: b"".join(read) == b"begun\n", "what there is")
    asleep = xt.pause_controller()
    said = wait_until(lambda: told, "the news that it hangs")
    assert len(said) == 1
    assert said[0].startswith(
        f"the controller of node0 is running but does not answer; waiting for it ({REPLACE}"
    )
    assert xt.session.controllers.replace_hung(["node0"]) == {"node0": asleep}
    wait_until(lambda: told[1:] == ["node0 answers again"], "the news that there is a new one")
    (xt.home.node_dir / "data" / "go").touch()
    attached.join(PATIENCE_SECONDS)
    assert not attached.is_alive()
    assert b"".join(read) == b"begun\nend\n"
    session.close()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("--hung", "gpu1"), "'gpu1' is no node of this machine"),
        (("--hung", "--delay", "1"), "--hung goes with no other option"),
        (("--hung", "node0", "--node-index", "1"), "--hung goes with no other option"),
        ((), "no job is named"),
        (("node0",), "'node0' is no job name"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    here: Commands, command: tuple[str, ...], message: str
) -> None:
    assert message in here("restart", "controller", *command, code=2).err


def test_a_node_that_was_not_used_is_no_such_node(here: Commands) -> None:
    assert "no node named node7" in here("restart", "controller", "--hung", "node7", code=3).err
