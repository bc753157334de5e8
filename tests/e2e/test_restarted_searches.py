"""A service restart in the middle of a search, for every algorithm: each run stays what it was."""

import json
from pathlib import Path

import pytest
from support import Xt

ALGORITHMS = {
    "grid": ("--search-type", "grid"),
    "random": ("--search-type", "random"),
    "random, dynamic": ("--search-type", "random", "--search-style", "dynamic"),
    "tpe": ("--search-type", "tpe"),
    "gp": ("--search-type", "gp"),
    "cmaes": ("--search-type", "cmaes"),
    "qmc": ("--search-type", "qmc"),
    "nsga2": ("--search-type", "nsga2"),
    "dgd": ("--search-type", "dgd"),
}
BEFORE, RUNS = 2, 4
"""How many runs end before the restart, of how many."""
# What it tells of itself it writes into its output directory, a line a start.
WORK = """
import json, os, sys, time
names = ("XT_RUN_NAME", "XT_RUN_INDEX", "XT_OUTPUT_DIR", "XT_HPARAMS", "XT_RESTARTS")
with open(os.path.join(os.environ["XT_OUTPUT_DIR"], "starts"), "a") as file:
    file.write(json.dumps([os.environ[name] for name in names] + sys.argv[2:]) + "\\n")
index, hparams = int(os.environ["XT_RUN_INDEX"]), json.loads(os.environ["XT_HPARAMS"])
print("begun", flush=True)
while index >= 2 and not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
with open(os.environ["XT_JOURNAL"], "a") as journal:
    values = {"a": hparams["x"] ** 2 + hparams["k"]}
    journal.write(json.dumps({"type": "metrics", "step": 0, "values": values}) + "\\n")
"""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_restarted_run_keeps_all_that_it_was_given(
    xt: Xt, tmp_path: Path, algorithm: str
) -> None:
    xt.script("work.py", WORK)
    gate = tmp_path / "gate"
    space = ("--x=[0.25, 0.5]", "--k=[1, 2]") if algorithm == "grid" else (
        "--x=[$uniform(-1, 1)]", "--k=[1, 2, 3]")  # fmt: skip
    count = () if algorithm == "grid" else ("--runs", str(RUNS))
    options = ("--concurrent", "2", "--seed", "3", "--primary-metric", "a:min")
    xt.submit(*ALGORITHMS[algorithm], *count, *options, "work.py", str(gate), *space)
    names = [f"run1.{index + 1}" for index in range(RUNS)]
    for name in names[BEFORE:]:
        xt.wait_output(name, "begun")
        xt.wait_status(name, "running")
    before = xt.children("job1")
    restarted = xt.json("restart", "controller", "job1")["restarted"]
    assert sorted(restarted) == names[BEFORE:]
    for name in names[BEFORE:]:
        xt.wait_output(name, "begun\nbegun\n")
    gate.touch()
    assert xt.wait_job("job1") == "completed"
    after = xt.children("job1")
    assert [run.name for run in after] == [run.name for run in before] == names
    for old, run in zip(before, after, strict=True):
        assert (run.run_index, run.hparams, run.command) == (
            old.run_index,
            old.hparams,
            old.command,
        )
        starts = told(xt, run.name)
        expected = 2 if run.name in restarted else 1
        assert (run.restarts, run.retries) == (expected - 1, 0)
        assert [start[4] for start in starts] == [str(number) for number in range(expected)]
        first = starts[0]
        assert first[:2] == [run.name, str(run.run_index)]
        assert Path(first[2]).is_relative_to(xt.home.runs_dir / "ws1" / run.name)
        assert json.loads(first[3]) == run.hparams
        assert sorted(first[5:]) == sorted(f"--{key}={run.hparams[key]}" for key in ("x", "k"))
        assert all([*start[:4], *start[5:]] == [*first[:4], *first[5:]] for start in starts)
    items = xt.session.store.work_items("job1")
    assert [(item.run_index, item.run) for item in items] == list(enumerate(names))


def told(xt: Xt, run: str) -> list[list[str]]:
    """What the starts of a run told of themselves."""
    lines = xt.artifact(f"ws1/runs/{run}/output/starts").decode().splitlines()
    return [json.loads(line) for line in lines]
