"""What XT adds to a run: 200 runs of `true` at concurrency 1, 2 and 8, against the same processes
started bare.

    python benchmarks/noop_runs.py [RUNS]

The time of a job is from the call that submits it until all its runs are in their final state, with
all that XT records: events, states, console, artifacts. Aim: at most 12 ms a run more at
concurrency 1, and over 120 runs a second at 8.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xt_core.cli.follow import job_progress
from xt_core.home import Home
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import submit


def bare_seconds(runs: int, concurrent: int) -> float:
    """The processes alone, `concurrent` at once."""
    began = time.perf_counter()
    with ThreadPoolExecutor(concurrent) as pool:
        list(pool.map(lambda _: subprocess.run(["true"], check=True), range(runs)))
    return time.perf_counter() - began


def xt_seconds(home: Home, cwd: Path, runs: int, concurrent: int) -> float:
    """The same processes as a job."""
    request = RunRequest(command=["true"], runs=runs, concurrent=concurrent)
    session = Session(home=home, cwd=cwd, overrides=request.overrides())
    began = time.perf_counter()
    job = submit(session, prepare(session, request), print).job
    counts = list(job_progress(session, job))[-1]
    took = time.perf_counter() - began
    assert counts.completed == runs, counts
    session.close()
    return took


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{runs} runs of `true`    bare      xt      overhead a run    runs a second")
    with tempfile.TemporaryDirectory() as folder:
        home, cwd = Home(Path(folder) / "home"), Path(folder) / "empty"
        cwd.mkdir()
        controller = Session(home=home).controller
        controller.ensure_running()
        xt_seconds(home, cwd, 20, 4)
        try:
            for concurrent in (1, 2, 8):
                bare = bare_seconds(runs, concurrent)
                ours = xt_seconds(home, cwd, runs, concurrent)
                extra = (ours - bare) / runs * 1000
                print(
                    f"concurrency {concurrent}      {bare:6.2f} s {ours:6.2f} s"
                    f"   {extra:8.1f} ms      {runs / ours:10.0f}"
                )
        finally:
            controller.shut_down()


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
