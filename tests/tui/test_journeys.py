"""What researchers do, in a real terminal, with a real controller and real processes."""

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
