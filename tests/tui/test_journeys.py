"""What researchers do, in a real terminal, with a real controller and real processes."""

import os
import re
import signal
from pathlib import Path

from support import Xt, wait_until
from terminal_support import terminal

WAITING = """
import os, sys, time
from xt_core import Run
run = Run()
print("hello from", sys.argv[1:], flush=True)
run.log_metrics({"loss": float(sys.argv[1].partition("=")[2])}, step=0)
while not os.path.exists(os.environ["XT_DATA_DIR"] + "/go"):
    time.sleep(0.02)
print("bye", flush=True)
"""


def test_a_search_is_launched_by_form_and_its_bad_runs_are_filtered_marked_and_cancelled(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("t.py", WAITING)
    xt.configure("hyperparameter-search: {concurrent: 5}\n")
    with terminal(xt, tmp_path) as own:
        own.shows("no runs yet")
        own.press("n")
        own.shows("Launch a run or a search")
        own.type("t.py --lr=[.1,.2,.3,.4,.5]")
        own.shows("static grid: 5 runs")
        own.press("C-l")
        for number in range(1, 6):
            xt.wait_status(f"run1.{number}", "running")
        own.shows("5 runs", "run1.5")
        own.press("/")
        own.type("hparams.lr>.25")
        own.press("Enter")
        own.lacks("run1.2")
        own.press("*")
        own.shows("3 marked")
        own.press("c")
        own.shows("Cancel 3 runs?", "run1.3", "run1.4", "run1.5")
        own.press("y")
        for number in (3, 4, 5):
            name = f"run1.{number}"
            xt.wait_status(name, "cancelled")
            wait_until(lambda name=name: not xt.processes_of_run(name), f"{name} to be gone")  # type: ignore[misc]
        assert all(xt.processes_of_run(f"run1.{number}") for number in (1, 2))
        wait_until(lambda: "cancelled" in own.line("run1.5"))
        own.leave()
    assert xt.run("run1.1").status == xt.run("run1.2").status == "running"


def test_the_cursor_and_the_marks_survive_resizes(xt: Xt, tmp_path: Path) -> None:
    xt.script("t.py", WAITING)
    xt.submit("--concurrent", "3", "t.py", "--lr=[.1,.2,.3]")
    xt.wait_status("run1.3", "running")
    with terminal(xt, tmp_path, 200, 60) as own:
        own.shows("run1.3")
        own.press("j", "Space")
        own.shows("1 marked")
        for width, height in ((60, 20), (200, 60)):
            own.resize(width, height)
            own.shows("1 marked")
            wait_until(lambda: "●" in own.line("run1.2"), "the mark")
        own.leave()


FLOOD = """
import os, sys, time
number, begun = 0, time.monotonic()
while not os.path.exists(os.environ["XT_DATA_DIR"] + "/go"):
    while number < (time.monotonic() - begun) * 10_000:
        sys.stdout.write(f"line {number} {'needle' if number % 5_000 == 0 else ''}\\n")
        number += 1
    sys.stdout.flush()
    time.sleep(0.02)
print("the last line", flush=True)
"""


def test_ten_thousand_lines_a_second_are_followed_searched_scrolled_and_let_go(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("t.py", FLOOD)
    xt.submit("t.py")
    xt.wait_status("run1", "running")
    with terminal(xt, tmp_path) as own:
        own.shows("run1", "▶ running")
        own.type("az/needle")
        own.press("Enter")
        own.shows("needle")
        own.press("N")
        own.shows("new line")
        own.press("N", "N")
        own.press("g")
        own.shows("line 0 needle", "new line")
        own.press("n")
        wait_until(lambda: re.search(r" [12]/\d+ · text", own.screen()), "an early match")
        own.press("PageUp")
        own.press("G")
        own.lacks("new line")
        own.press("d")
        own.shows("detached")
        own.press("3", "a")
        own.lacks("detached")
        (xt.home.node_dir / "data" / "go").touch()
        own.shows("the last line")
        own.leave()
    assert xt.wait_status("run1", "completed").exit_code == 0


def test_killing_the_ui_harms_no_run_and_two_of_them_agree(xt: Xt, tmp_path: Path) -> None:
    xt.script("t.py", WAITING)
    xt.submit("--concurrent", "2", "t.py", "--lr=[.1,.2]")
    xt.wait_status("run1.2", "running")
    with (
        terminal(xt, tmp_path, name="first") as first,
        terminal(xt, tmp_path, name="second") as second,
    ):
        first.shows("run1.1", "run1.2")
        second.shows("run1.1", "run1.2")
        first.press("c")
        first.shows("Cancel run1.2?")
        os.kill(first.pid, signal.SIGKILL)
        first.shows("EXIT=137")
        assert all(xt.processes_of_run(f"run1.{number}") for number in (1, 2))
        with terminal(xt, tmp_path, name="third") as third:
            third.shows("run1.1", "run1.2")
            third.press("c")
            third.shows("Cancel run1.2?")
            third.press("y")
            xt.wait_status("run1.2", "cancelled")
            for own in (second, third):
                wait_until(lambda own=own: "cancelled" in own.line("run1.2"))  # type: ignore[misc]
                assert "running" in own.line("run1.1")
            xt.kill_controller()
            second.shows("node0: no controller")
            second.press("7", "s")
            second.shows("the controller of node0 runs")
            third.lacks("node0: no controller")
            third.leave()
        second.leave()
    assert xt.run("run1.1").status == "running"


def test_the_terminal_is_sane_whatever_is_typed_pasted_stopped_or_resized(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("t.py", WAITING)
    xt.submit("t.py", "--lr=.1")
    xt.wait_status("run1", "running")
    with terminal(xt, tmp_path) as own:
        own.shows("run1", "▶ running")
        own.press("c")
        own.shows("Cancel run1?")
        own.resize(60, 20)
        own.press("C-c")
        own.lacks("Cancel run1?")
        own.resize(120, 36)
        own.paste("cy\x03*q\t\r\n" * 1_200)
        own.press("/")
        own.paste("\x07\x1b[31mstatus=queued\x00" + "x" * 10_000)
        own.press("C-c")
        own.press("n")
        own.paste("t.py\x03\x1a\n\x0c" + "y" * 10_000)
        own.shows("Launch a run or a search")
        own.press("C-c")
        own.lacks("Launch a run or a search")
        own.press("C-c")
        own.shows("q leaves; whatever runs goes on")

        own.press("C-z")
        wait_until(lambda: own.is_stopped, "XT to stop")
        own.lacks("▶ running")
        os.kill(own.pid, signal.SIGCONT)
        own.shows("run1", "▶ running")
        own.leave()
    assert xt.run("run1").status == "running"


def test_a_signal_that_ends_xt_leaves_the_terminal_as_it_was(xt: Xt, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        with terminal(xt, tmp_path, name=number.name) as own:
            own.shows("no runs yet")
            own.press("n")
            own.shows("Launch a run or a search")
            os.kill(own.pid, number)
            own.has_left(128 + number)


TRAINING = """
import sys
from xt_core import Run
run = Run()
lr = float(sys.argv[1].partition("=")[2])
for step in range(4):
    run.log_metrics({"loss": (lr - .3) ** 2 + 1 / (step + 1)}, step=step)
    if run.should_stop():
        break
"""


def test_the_best_run_of_a_search_by_tpe_is_found_compared_noted_tagged_and_put_away(
    xt: Xt, tmp_path: Path
) -> None:
    xt.script("t.py", TRAINING)
    xt.configure(
        "general: {primary-metric: loss, maximize-metric: false}\n"
        "hyperparameter-search: {search-type: tpe, concurrent: 2}\n"
        "early-stopping: {early-policy: median}\n"
    )
    with terminal(xt, tmp_path) as own:
        own.shows("no runs yet")
        own.type("nt.py --lr=[$uniform(0,1)]")
        own.shows("say how many, as in --runs 50")
        own.press(*["Tab"] * 5)
        own.type("6")
        own.shows("dynamic", "tpe", "6 runs")
        own.press("C-l")
        own.lacks("Launch a run or a search")
        assert xt.wait_job("job1") == "completed"
        losses = {run.name: float(str(run.metrics["loss"])) for run in xt.children("job1")}
        best = min(losses, key=lambda name: losses[name])
        own.shows(best)
        own.type("S")
        own.shows("Progress", best, "early stop median,")
        own.press("Enter")
        own.lacks("Progress")
        other = next(name for name in losses if name != best)
        own.press("Space")
        own.shows("1 marked")
        own.type(f"/name={other}")
        own.press("Enter", "Space", "BSpace")
        own.shows("2 marked")
        own.type("=")
        own.shows(best, other, "hyperparameters")
        own.press("q")
        own.type("ttake=1")
        own.press("Enter")
        wait_until(lambda: xt.run(best).tags == xt.run(other).tags == {"take": 1})
        own.type("ithe two to look at")
        own.press("C-s")
        wait_until(lambda: xt.run(other).notes == "the two to look at")
        own.type("d")
        own.lacks(f"{best} ")
        wait_until(lambda: xt.run(best).tags == {"take": 1, "archived": True})
        own.leave()
