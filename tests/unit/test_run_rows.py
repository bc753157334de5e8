"""Runs as they are read in bulk: equal to what was stored, and small."""

import sys
from pathlib import Path
from typing import Any

from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.stats.sqlite import SqliteStatsStore

SETS: list[dict[str, Any]] = [
    {"lr": 0.1, "opt": "adam", "depth": 3},
    {"lr": 0.2, "opt": "adam", "depth": None},
    {"opt": "sgd", "__class__": "int", "a b": [1, {"c": True}]},
    {f"p{number}": number for number in range(40)},
    {},
]


def test_many_runs_are_read_as_one_is_and_share_what_is_equal(tmp_path: Path) -> None:
    store = SqliteStatsStore(tmp_path / "stats.db")
    runs = [
        Run("ws1", f"run{number}", "job1", "e", "node0", RunStatus.QUEUED, 1e9, hparams=dict(each))
        for number, each in enumerate(SETS, 1)
    ]
    store.add_job(Job("job1", "ws1", "e", "repeat", "local", "me", 1e9, 5, 1), runs, [])
    read = store.changed_runs(0)
    store.close()
    assert [run.hparams for run in read] == SETS
    assert [list(run.hparams) for run in read] == [list(each) for each in SETS]
    assert read == runs
    first, second = read[0].hparams, read[1].hparams
    assert first["opt"] is second["opt"]
    assert sys.getsizeof(second) < sys.getsizeof(dict(second))
    assert read[0].tags is read[1].tags is read[4].hparams
    assert read[0].aggregates is read[1].aggregates
    assert read[0].created is read[1].created
    assert read[0].full_name == "ws1/run1"
    assert read[0].full_name is read[0].full_name
