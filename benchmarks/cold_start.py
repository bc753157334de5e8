"""How long commands take from nothing: `--version`, `--help`, and `list runs` with 10 and 100,000
runs in the store, against `python -c pass`.

    python benchmarks/cold_start.py

Medians of 15, byte-compiled. Aims: help within 80 ms in all, list within 200, with 100,000 runs
too.
"""

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import xt_core
from xt_core.home import Home
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.stats.rows import insert_run
from xt_core.stats.sqlite import SqliteStatsStore

_REPEATS = 15


def fill(home: Home, runs: int) -> None:
    """A store with so many completed runs, each with hyperparameters and metrics."""
    home.create()
    store = SqliteStatsStore(home.stats_file)
    job = Job("job1", "ws1", "e", "repeat", "local", "me", time.time(), runs, 8)
    store.add_job(job, [], [])
    with store.database.transaction() as connection:
        for number in range(1, runs + 1):
            run = Run("ws1", f"run{number}", "job1", "e", "node0", RunStatus.COMPLETED, time.time())
            run.hparams = {"lr": number / runs, "opt": "adam"}
            insert_run(connection, run)
        connection.execute("UPDATE runs SET metrics = json_object('loss', num * 0.001)")
    store.close()


def median_ms(command: list[str], environ: dict[str, str]) -> float:
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        subprocess.run(
            command, env=environ, stdout=subprocess.DEVNULL, check=True, stderr=subprocess.DEVNULL
        )
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    compileall.compile_dir(str(Path(xt_core.__file__).parent), quiet=2)
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    xt = str(Path(sys.executable).with_name("xt"))
    with tempfile.TemporaryDirectory() as name:
        small, large = Home(Path(name) / "small"), Home(Path(name) / "large")
        fill(small, 10)
        fill(large, 100_000)
        filtered = ["list", "runs", "--filter", "metrics.loss<50", "--sort", "metrics.loss"]
        cases = [
            ("python -c pass", [sys.executable, "-c", "pass"], small),
            ("xt --version", [xt, "--version"], small),
            ("xt --help", [xt, "--help"], small),
            ("xt list runs, 10 runs", [xt, "list", "runs"], small),
            ("xt list runs, 100,000 runs", [xt, "list", "runs"], large),
            ("… filtered and sorted by a metric", [xt, *filtered], large),
        ]
        base = 0.0
        for title, command, home in cases:
            took = median_ms(command, environ | {"XT_HOME": str(home.root)})
            base = base or took
            print(f"{title:<36} {took:7.0f} ms   {took / base:5.1f} × python -c pass")


if __name__ == "__main__":
    main()
