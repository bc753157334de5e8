"""10,000 work items over 8 nodes while a random node is killed every few seconds.

    python benchmarks/lost_nodes.py [ITEMS] [NODES] [SECONDS_BETWEEN_KILLS]

`kill -9` hits a node's controller; its runs go on, and its successor is started 3 leases later, so
that its work is handed on and its return is a late one. Proof at the end: items completed twice
(an item that names two completed runs) and items lost. The baseline is the same job undisturbed.
"""

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from xt_core.home import FIRST_NODE, Home
from xt_core.session import Session
from xt_core.stats.store import RunQuery
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import submit

_LEASE_SECONDS = 2.0


def run_job(folder: Path, items: int, nodes: int, pause: float | None) -> tuple[float, str]:
    """Seconds until the job has ended, and the account of its items."""
    code = folder / "code"
    code.mkdir(parents=True)
    (code / "noop.sh").write_text("true\n")
    request = RunRequest(
        command=["noop.sh"], runs=items, nodes=nodes, concurrent=1, schedule="dynamic", no_code=True
    )
    overrides = request.overrides() | {"hyperparameter-search.lease-seconds": _LEASE_SECONDS}
    home = Home(folder / "home").node(FIRST_NODE)
    session = Session(home=home, cwd=code, overrides=overrides)
    try:
        began = time.perf_counter()
        job = submit(session, prepare(session, request), print).job
        kills = wait_for(session, job, nodes, pause)
        took = time.perf_counter() - began
        return took, account(session, job, items, kills)
    finally:
        for node in session.controllers.running():
            session.controllers.of(node).shut_down()
        session.close()


def wait_for(session: Session, job: str, nodes: int, pause: float | None) -> int:
    """Kill nodes until the job has ended; how many times."""
    chance, kills, next_kill = random.Random(1), 0, time.monotonic() + (pause or 0)
    returns: list[tuple[float, str]] = []
    while not session.store.job_counts([job])[job].status().is_final:
        time.sleep(0.2)
        now = time.monotonic()
        if pause is not None and now >= next_kill:
            next_kill = now + pause
            node = f"node{chance.randrange(nodes)}"
            if node not in [name for _, name in returns]:
                os.kill(int(session.home.node(node).controller_lock.read_text()), signal.SIGKILL)
                returns.append((now + 3 * _LEASE_SECONDS, node))
                kills += 1
        while returns and returns[0][0] <= now:
            session.controllers.ensure_running([returns.pop(0)[1]])
    return kills


def account(session: Session, job: str, items: int, kills: int) -> str:
    runs = session.store.find_runs(RunQuery(jobs=[job]))[0]
    completed = Counter(run.run_index for run in runs if run.status == "completed")
    lost = sum(run.status == "lost" for run in runs)
    twice = sum(count > 1 for count in completed.values())
    missing = items - len(completed)
    return (
        f"{kills} kills, {lost} runs lost and done again, "
        f"{twice} items completed twice, {missing} items lost"
    )


def main() -> None:
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    nodes = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    pause = float(sys.argv[3]) if len(sys.argv) > 3 else 4.0
    with tempfile.TemporaryDirectory() as name:
        what = f"{items:,} items, {nodes} nodes"
        took, told = run_job(Path(name) / "killed", items, nodes, pause)
        print(f"{what}, killed: {took:.0f} s ({items / took:.0f}/s): {told}", flush=True)
        bare, told = run_job(Path(name) / "bare", items, nodes, None)
        print(f"{what}, undisturbed: {bare:.0f} s: {told}")
        print(f"ratio {took / bare:.2f}")


if __name__ == "__main__":
    main()
