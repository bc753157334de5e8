"""The terminal UI with a real controller and real processes; and once in a real terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import Xt, wait_until
from textual.widgets import Input
from tui_support import attached, names, text_of, told, until

from xt_core.errors import UnavailableError
from xt_core.nodes import client
from xt_core.session import Session
from xt_tui import feed
from xt_tui.app import XtApp
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.launch import LaunchScreen

SCRIPT = """
import os, sys, time
from xt_core import Run
run = Run()
print("hello from", sys.argv[1:], flush=True)
run.log_metrics({"loss": 0.25}, step=0)
while not os.path.exists(os.environ["XT_DATA_DIR"] + "/go"):
    time.sleep(0.02)
print("bye", flush=True)
"""


async def test_launch_watch_attach_restart_and_cancel_by_keyboard(xt: Xt) -> None:
    xt.script("t.py", SCRIPT)
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.state.loaded)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        app.screen.query_one("#option-concurrent", Input).value = "2"
        app.screen.query_one("#command", Input).value = "t.py --lr=[.1,.2,.3]"
        await until(pilot, lambda: not app.screen.query_one("#go").disabled)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: not isinstance(app.screen, LaunchScreen))
        await until(pilot, lambda: names(app) == ["run1.1", "run1.2"])
        await until(pilot, lambda: xt.run("run1.1").metrics == {"loss": 0.25})
        await until(pilot, lambda: app.metrics.metrics == ["loss"])

        await pilot.press("3", "g", "a")
        await until(pilot, lambda: app.output.view.lines == ["hello from ['--lr=0.1']"])

        await pilot.press("3", "R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: xt.run("run1.1").restarts == 1)
        assert xt.run("run1.2").restarts == 0
        await until(pilot, lambda: len(app.output.view.lines) == 2, "the restarted run's output")
        await until(pilot, lambda: app.state.runs["ws1/run1.1"].status == "running")

        await pilot.press("3", "g", "c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: xt.run("run1.1").status == "cancelled")
        await until(pilot, lambda: names(app) == ["run1.1", "run1.2", "run1.3"])
        (xt.home.node_dir / "data" / "go").touch()
        await until(pilot, lambda: app.state.jobs["job1"].counts.completed == 2)
        assert app.state.jobs["job1"].counts.status() == "completed"
        assert app.state.pending == {}
    session.close()


async def test_what_is_written_late_is_told(xt: Xt) -> None:
    gate = xt.code.parent / "gate"
    xt.script("late.py", """
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
print("at last", flush=True)
time.sleep(600)
""")  # fmt: skip
    xt.submit("late.py", str(gate))
    xt.wait_status("run1", "running")
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: names(app) == ["run1"])
        await pilot.press("3", "a")
        await until(pilot, lambda: border_of(app) == "run1 · ▶ running · no output yet")
        gate.touch()
        await until(pilot, lambda: app.output.view.lines == ["at last"])
        await until(pilot, lambda: border_of(app) == "run1 · ▶ running")
    session.close()


def border_of(app: XtApp) -> str:
    """What the output pane says of what it shows."""
    return str(app.output.border_subtitle)


async def test_a_controller_that_dies_is_shown_and_started_by_key(
    xt: Xt, monkeypatch: pytest.MonkeyPatch
) -> None:
    xt.script("t.py", SCRIPT)
    xt.submit("t.py", "x")
    xt.wait_output("run1", "hello")
    processes = xt.processes_of_run("run1")
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: "● node0  1 running" in text_of(app))
        await pilot.press("7", "s")
        assert told(app) == ["the controller of node0 runs"]
        xt.kill_controller()
        await until(pilot, lambda: "✘ node0: no controller" in text_of(app))
        assert "○ no controller" in text_of(app)
        await until(pilot, lambda: "✘ node0  no controller: work waits" in text_of(app))
        assert "s starts it" in text_of(app)
        assert app.events.newest_first(1)[0].message == "node0: no controller"

        def refuse(*_: object) -> None:
            raise UnavailableError("the disk is full", "make room")

        with monkeypatch.context() as patched:
            patched.setattr(session.controllers, "ensure_running", refuse)
            await pilot.press("s")
            await until(pilot, lambda: told(app)[-1] == "the disk is full\nmake room")
        assert not app.main.nodes.is_starting("node0")
        app.read_only = True
        await pilot.press("s")
        assert "it is read-only" in told(app)[-1]
        app.read_only = False

        await pilot.press("s")
        await until(pilot, lambda: "the controller of node0 runs" in told(app)[1:])
        await until(pilot, lambda: "▶ 1 of " in text_of(app))
        await until(pilot, lambda: "● live" in text_of(app))
        assert xt.processes_of_run("run1") == processes
    session.close()


async def test_a_controller_that_hangs_is_replaced_by_key_and_its_run_goes_on(
    xt: Xt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(client, "HANGS_AFTER_SECONDS", 0.5)
    xt.script("t.py", SCRIPT)
    xt.submit("t.py", "x")
    xt.wait_output("run1", "hello")
    processes = xt.processes_of_run("run1")
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: "● node0  1 running" in text_of(app))
        asleep = xt.pause_controller()
        await pilot.press("7")
        await until(pilot, lambda: "s replaces it" in text_of(app))
        await until(pilot, lambda: "✘ node0: does not answer" in text_of(app))  # at the next tick
        await pilot.press("c")
        assert told(app)[-1] == "node0: nobody there answers, so nothing can be cancelled"
        await pilot.press("s", "enter")  # the default is no
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
        assert xt.controller_pid == asleep
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "End the controller of node0, which does not answer" in text_of(app)
        assert "job1" in text_of(app)
        await pilot.press("y")
        replaced = f"a new controller of node0 runs; process {asleep} was ended"
        await until(pilot, lambda: told(app)[-1] == replaced)
        await until(pilot, lambda: "▶ 1 of " in text_of(app))
        assert xt.controller_pid != asleep
        assert xt.processes_of_run("run1") == processes
        (xt.home.node_dir / "data" / "go").touch()
        await until(pilot, lambda: "completed" in text_of(app))
        assert xt.console("run1") == b"hello from ['x']\nbye\n"
        assert xt.run("run1").restarts == 0
    session.close()


async def test_runs_of_another_node_are_watched_and_steered_there(xt: Xt) -> None:
    xt.script("t.py", SCRIPT)
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: "○ node0  controller starts on demand" in text_of(app))
        xt.submit("--nodes", "2", "--schedule", "static", "t.py")
        await until(pilot, lambda: names(app) == ["run2.1", "run1.1"])
        await until(pilot, lambda: "● node0  1 running, 0 queued" in text_of(app))
        await until(pilot, lambda: "● node1  1 running, 0 queued" in text_of(app))

        await pilot.press("3", "g", "a")
        await until(pilot, lambda: app.output.view.lines == ["hello from []"])
        assert attached(app) == ["ws1/run2.1"]

        await pilot.press("3", "asterisk", "R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: [xt.run(n).restarts for n in ("run1.1", "run2.1")] == [1, 1])
        await until(pilot, lambda: app.state.runs["ws1/run2.1"].status == "running")

        await pilot.press("3", "G", "a")  # who is attached to a run brings its controller back
        await until(pilot, lambda: attached(app) == ["ws1/run1.1"])
        xt.kill_controller("node1")
        await until(pilot, lambda: "✘ node1  no controller: work waits" in text_of(app))
        await pilot.press("3", "g", "c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: xt.run("run2.1").status == "cancelled")
        await until(pilot, lambda: "● node1  0 running, 0 queued" in text_of(app))
        assert xt.run("run1.1").status == "running"
    session.close()


def test_in_a_real_terminal(xt: Xt, tmp_path: Path) -> None:
    xt.script("t.py", SCRIPT)
    xt("run", "t.py", "x")
    xt.wait_status("run1", "running")
    socket = tmp_path / "tmux"
    environ = xt.environ | {"TERM": "xterm-256color"}

    def tmux(*args: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", os.devnull, "-S", str(socket), *args],
            env=environ, cwd=xt.code, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def screen() -> str:
        return tmux("capture-pane", "-p", "-t", "xt")

    command = f"{sys.executable} -m xt_core; echo EXIT=$?; cat"
    tmux("new-session", "-d", "-s", "xt", "-x", "120", "-y", "36", command)
    try:
        wait_until(lambda: "run1" in screen() and "running" in screen(), "the run on screen")
        wait_until(lambda: "● local" in screen())
        tmux("send-keys", "-t", "xt", "a")
        wait_until(lambda: "hello from ['x']" in screen(), "the run's output")
        tmux("resize-window", "-t", "xt", "-x", "70", "-y", "22")
        wait_until(lambda: "hello from ['x']" in screen() and "● local" not in screen())
        tmux("resize-window", "-t", "xt", "-x", "120", "-y", "36")
        wait_until(lambda: "● local" in screen())
        tmux("send-keys", "-t", "xt", "3")
        tmux("send-keys", "-t", "xt", "c")
        wait_until(lambda: "Cancel run1?" in screen(), "the question")
        tmux("send-keys", "-t", "xt", "y")
        assert xt.wait_status("run1", "cancelled").exit_code == 143
        wait_until(lambda: "cancelled" in screen())
        tmux("send-keys", "-t", "xt", "q")
        wait_until(lambda: "EXIT=0" in screen(), "the end of the UI")
        assert "● local" not in screen()  # the terminal is as it was
    finally:
        tmux("kill-server")
