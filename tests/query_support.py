"""Runs of every kind and filters of every kind, to judge in one way and in another."""

import itertools
import math
import random

from xt_core.model.aggregates import Aggregate, add_records
from xt_core.model.records import MetricRecord, Run, Value
from xt_core.model.states import RunStatus

NOW = 5_000.0
AGGREGATE_KINDS = ["min", "max", "mean", "count", "best", "max_step", "best_step"]
MEMBERS = [
    "lr",
    "a.b-c",
    "x.min",
    "x.best",
    'quo"te',
    "it's",
    "größe",
    "back\\slash",
    "a=b",
    "x",
    "[0]",
    "emoji 😀",
]
VALUES: list[Value] = [
    None, True, False, 0, 1, 2, -1, 64, 2**53 + 1, 0.0, 0.1, 0.30000000000000004, 1.0, 1e-9, 1e300,
    math.nan, math.inf, -math.inf, "", "adam", "Adam", "64", "0.1", "true", "FALSE", "true\n", "é",
    "z\ny", "'; --", "NaN", "-inf", "a,b",
]  # fmt: skip
LITERALS = [
    "0", "1", "64", "0.1", "0.30000000000000004", "-1", "1e300", "9007199254740993", "1e999",
    "99999999999999999999", "adam", "'64'", '"0.1"', "é", "'; --", "nan", "true", "inf", "-INF",
    "adam,64", "nan,$none,'a,b'", "0.1,true",
]  # fmt: skip
FLAGS = ["true", "False", "TRUE", "false"]
WORDS = [
    "adam", "ADAM", "É", "try 1", "error", "err", "rr", "run1", "job9", "exper", "emoji", "'; --",
    "true", "x.min", "1e-09", "nothing", '"a=b"', "ws1", "created", "reated",
]  # fmt: skip
"""In the states, names and tags of some runs, or in none."""
SPECIAL = ["$true", "$false", "$none", "$empty", "$exists", '""']
RUN_LISTS = [
    "run3", "run3-run20", "*", "run*", "*.*", "run1?", "run1*.9", "*.1?", "job9", "job2-job10",
    "job1?", "job*", "ws1/run*", "ws2/job9", "ws1/job9-job11",
    "run3,run7-run9,job1,ws2/run1?.*",
    ",".join(f"run{number}.*" for number in range(1, 60)),
    ",".join(f"run{number}.2-run{number}.9" for number in range(1, 60)),
    ",".join(f"ws1/run{number},run{number}.9,job{number}" for number in range(5, 60)),
]  # fmt: skip


def make_runs(count: int, rng: random.Random) -> list[Run]:
    return [make_run(number, rng) for number in range(1, count + 1)]


def make_run(number: int, rng: random.Random) -> Run:
    child = rng.choice([0, 0, 2, 9, 10]) if number != 3 else 0  # a run list names run3
    name = f"run{number}.{child}" if child else f"run{number}"

    def moment() -> float | None:
        return rng.choice([None, 1000.0, 1500.0, 4999.5, 6000.0])

    def logged() -> dict[str, Value]:
        return {name: rng.choice(VALUES) for name in MEMBERS if rng.random() < 0.7}

    return Run(
        rng.choice(["ws1", "ws2"]), name, f"job{rng.choice([1, 2, 9, 10, 11])}",
        rng.choice(["exper1", ""]), rng.choice(["node0", "node9", "node10"]),
        rng.choice(list(RunStatus)), rng.choice([1000.0, 1000.5, 1001.0]),
        parent=f"run{number}" if child else None, is_parent=not child and rng.random() < 0.3,
        stopped_early=number % 3 == 0,
        run_index=rng.choice([None, 0, 1, 10]), exit_code=rng.choice([None, 0, 1, -9]),
        username=rng.choice(["", "ann", "Bob"]), description=rng.choice(["", "try 1", "é"]),
        error=rng.choice(["", "killed"]), restarts=rng.choice([0, 1, 2]),
        queued=moment(), started=moment(), ended=moment(),
        hparams=logged(), metrics=logged(), tags=logged(),
        rerun_of=["", "run3", "run3.2", "ws2/run3", "job1"][number % 5],
        goals=make_goals(number), aggregates=make_aggregates(random.Random(number)),
    )  # fmt: skip


def make_goals(number: int) -> dict[str, bool]:
    rng = random.Random(number)
    return {name: rng.random() < 0.5 for name in MEMBERS if rng.random() < 0.6}


def make_aggregates(rng: random.Random) -> dict[str, Aggregate]:
    """Of other values than those logged last, so that who takes the one for the other is seen."""
    step = float(rng.choice([3, 7]))
    records = [
        MetricRecord(n, 0.0, step + n, {m: rng.choice(VALUES) for m in MEMBERS})
        for n in range(rng.choice([0, 1, 3]))
    ]
    return add_records({}, records)


def generated_filters(rng: random.Random) -> list[str]:
    texts: list[str] = []
    for family in ("hparams", "metrics", "tags"):
        for member in MEMBERS:
            quote = "'" if '"' in member else '"'
            name = f"{family}.{quote}{member}{quote}"
            operators = ["=", "!=", "<", "<=", ">", ">="]
            texts += [f"{name}{op}{rng.choice(LITERALS)}" for op in operators for _ in range(3)]
            texts += [f"{name}{op}{word}" for op in ("=", "!=") for word in SPECIAL]
            texts += [f"{name}:exists:true", f"{name}:exists:false", f"{name}:regex:^[a-z]+"]
            texts += [name, *(f"{name}{op}{word}" for op in ("=", "!=") for word in FLAGS)]
    for member, kind in itertools.product(MEMBERS, AGGREGATE_KINDS):
        quote = "'" if '"' in member else '"'
        for name in (f"metrics.{quote}{member}{quote}.{kind}", f"metrics.{member}.{kind}"):
            if "=" in member and quote not in name:
                continue
            texts.append(f"{name}{rng.choice(['=', '!=', '<', '>='])}{rng.choice(LITERALS)}")
            texts.append(name + rng.choice(["=$none", "!=$empty", "=$exists", ":exists:true"]))
            texts.append(name + rng.choice(["", "=true", "!=false"]))
    for name, values in {
        "run": ["run5", "run20.9"], "job": ["job9"], "parent": ["run30"], "node": ["node9"],
        "workspace": ["ws1"], "run_index": ["1", "1.5"], "exit_code": ["0", "-9"],
        "restarts": ["1"], "created": ["1970-01-01T00:16:40Z", "1970-01-01T00:16:40.500Z"],
        "queued": ["1970-01-01T00:25:00Z"], "started": ["1970-01-01T01:23:19Z"],
        "ended": ["1970-01-01T01:40Z"], "duration": ["0", "500", "1h", "3999.5s"],
        "rerun_of": ["run3.2", "ws2/run3", "job1"],
        "experiment": ["exper1"], "username": ["ann", "Zoe"], "description": ["é", "try 1"],
        "error": ["killed"], "notes": ["x"],
    }.items():  # fmt: skip
        texts += [f"{name}{op}{v}" for op in ("=", "!=", "<", "<=", ">", ">=") for v in values]
        texts += [f"{name}{op}{word}" for op in ("=", "!=") for word in SPECIAL[2:]]
        texts += [f"{name}:exists:true", f"{name}:exists:false"]
    for name in ("is_parent", "is_child", "stopped_early"):
        texts += [f"{name}{op}{word}" for op in ("=", "!=") for word in SPECIAL]
    for name in ("run", "username", "description", "experiment", "status", "parent"):
        texts += [f"{name}:regex:{pattern}" for pattern in (".*", "[1-5]$", "^[a-z]+$")]
    texts += [
        "status=running,error", "status=early-stop", "status!='early stop',error", "stopped_early",
        "status=early-stop,running", "status!=running,error", "run=run5,run20.9",
        "exit_code!=0,$none",
        "duration=0,500", "created=1970-01-01T00:16:40Z,1970-01-01T00:16:40.500Z", "error=x,killed",
        "is_child=true,false", "node=node9,node10",
    ]  # fmt: skip
    return [*texts, *WORDS, "is_parent", "status=running", "status!=error", "status>error"]
