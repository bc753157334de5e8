"""50 runs log while the team's services are away half of the time.

    python benchmarks/outage.py [--minutes MINUTES] [--runs RUNS] [--seed SEED]

MongoDB and the blob service (the servers of the tests) are stopped or killed by turns, each for
itself and by chance, as the seed has it. Afterwards the team's stores are compared with what the
runs wrote: points and lines sent, arrived, there twice, lost. The baseline is the same with no
outage, for a quarter of the time, a minute at most; memory and disk are the controller's peaks.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from servers.azurite import Azurite
from servers.mongod import Mongod
from servers.process import ServerProcess
from support import Xt

_POINTS_A_SECOND = 4.0  # of each run
_LONGEST_WAIT_SECONDS = 600.0
_SERVICES = """
external-services:
  stats: {{type: mongo, mongo-connection-string: "{url}"}}
  files: {{type: storage, provider: azure-blob, connection-string: "{blobs}"}}
xt-services: {{storage: files, mongo: stats}}
"""
_WORK = """
import json, os, sys, time
seconds, pause = float(sys.argv[1]), float(sys.argv[2])
kept = os.path.join(os.environ["XT_OUTPUT_DIR"], "state.json")
begun, count = time.monotonic(), 0
with open(os.environ["XT_JOURNAL"], "a", buffering=1) as journal:
    while time.monotonic() - begun < seconds:
        count += 1
        record = {"type": "metrics", "step": count, "values": {"loss": 1 / count}}
        journal.write(json.dumps(record) + "\\n")
        print("step", count, flush=True)
        if count % 40 == 1:
            with open(kept, "w") as file:
                file.write(json.dumps({"count": count}) * 100)
        time.sleep(max(0.0, begun + count * pause - time.monotonic()))
with open(kept, "w") as file:
    file.write(str(count))
"""


class Outages:
    """One server's: by turns it is there and away, for times that differ by chance.

    A server ends with the thread that started it, so this has none of its own: `look` is called.
    """

    def __init__(self, server: ServerProcess, name: str, mean: float, seed: int) -> None:
        """`mean` seconds is what a time takes on average."""
        self._server, self._mean = server, mean
        self._chance = random.Random(f"{name} {seed}")
        self._bring_back: Callable[[], None] | None = None
        self._since = time.monotonic()
        self._until = self._since + self._a_time()
        self.count, self.seconds = 0, 0.0

    def look(self) -> None:
        """Let the server go away or come back, if it is time."""
        if time.monotonic() < self._until:
            return
        if self._bring_back is not None:
            self.end()
        elif self._chance.random() < 0.5:
            self._server.pause()
            self._bring_back = self._server.resume
        else:
            self._server.kill()
            self._bring_back = self._server.start
        self._since = time.monotonic()
        self._until = self._since + self._a_time()

    def end(self) -> None:
        """The server is there from now on."""
        if self._bring_back is not None:
            self._bring_back()
            self._bring_back = None
            self.count += 1
            self.seconds += time.monotonic() - self._since

    def _a_time(self) -> float:
        return self._mean * self._chance.uniform(0.5, 1.5)


@dataclass
class Account:
    """What was sent, and what became of it."""

    sent: int = 0
    arrived: int = 0
    twice: int = 0
    lost: int = 0

    def add(self, sent: list[object], found: list[object]) -> None:
        """What is out of order counts as lost."""
        expected = set(sent)
        self.sent += len(sent)
        self.arrived += len(set(found) & expected)
        self.twice += len(found) - len(set(found))
        in_order = list(dict.fromkeys(found)) == sent
        self.lost += len(expected - set(found)) if in_order or len(set(found)) < len(sent) else 1


class Footprint:
    """The peaks of a controller: resident memory, and what its team's files take on the disk."""

    def __init__(self, xt: Xt) -> None:
        self._pid, self._folder = xt.controller_pid, xt.home.team_root
        self.disk = 0

    def look(self) -> None:
        self.disk = max(self.disk, _size_below(self._folder))

    def __str__(self) -> str:
        status = Path(f"/proc/{self._pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
        return f"controller at most {peak / 1024:.0f} MB of memory, {self.disk / 2**20:.0f} of disk"


def _size_below(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:  # it has just been moved or removed
                continue
    return total


def measure(folder: Path, runs: int, seconds: float, seed: int | None) -> None:
    """One search of so many runs; without a seed there are no outages."""
    mongod, azurite = Mongod(folder / "mongod"), Azurite(folder / "azurite")
    text = _SERVICES.format(url=mongod.url, blobs=azurite.connection_string)
    xt = Xt(folder / "home", folder / "code", text)
    try:
        xt.script("work.py", _WORK)
        pause = 1 / _POINTS_A_SECOND
        xt.submit("--runs", str(runs), "--concurrent", str(runs), "work.py", str(seconds),
                  str(pause))  # fmt: skip
        footprint = Footprint(xt)
        mean = min(120.0, max(4.0, seconds / 12))
        outages = [] if seed is None else [
            Outages(mongod, "mongod", mean, seed), Outages(azurite, "azurite", mean, seed)
        ]  # fmt: skip
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for each in outages:
                each.look()
            footprint.look()
            time.sleep(0.5)
        for each in outages:
            each.end()
        late = wait_for_arrival(xt, footprint)
        print(f"{runs} runs of {seconds:.0f} s, {told_of(outages)}:")
        print(f"  {footprint}; all had arrived {late:.0f} s after the end")
        account_for(xt, runs)
    finally:
        xt.close()
        mongod.stop()
        azurite.stop()


def told_of(outages: list[Outages]) -> str:
    if not outages:
        return "no outage"
    return ", ".join(
        f"{name} away {each.count} times, {each.seconds:.0f} s"
        for name, each in zip(("mongod", "azurite"), outages, strict=True)
    )


def wait_for_arrival(xt: Xt, footprint: Footprint) -> float:
    """Seconds until the job has ended for its team, and the outbox is empty."""
    began = time.monotonic()
    outbox = xt.home.node("node0").outbox_dir
    while time.monotonic() < began + _LONGEST_WAIT_SECONDS:
        footprint.look()
        ended = xt.session.store.job_counts(["job1"])["job1"].status().is_final
        waiting = sum(len(names) for path, _, names in os.walk(outbox) if ".tmp" not in path)
        if ended and not waiting:
            return time.monotonic() - began
        time.sleep(0.5)
    raise SystemExit(f"not all has arrived after {_LONGEST_WAIT_SECONDS:.0f} s")


def account_for(xt: Xt, runs: int) -> None:
    """Compare the team's stores with what each run wrote."""
    points, lines, files = Account(), Account(), Account()
    children = xt.children("job1")
    assert [run.status for run in children] == ["completed"] * runs
    for run in children:
        count = int(xt.session.artifacts.get_bytes(f"ws1/runs/{run.name}/output/state.json"))
        files.add([count], [count])
        steps = [record.step for record in xt.session.store.metrics("ws1", run.name)]
        points.add([float(step) for step in range(1, count + 1)], list(steps))
        console = xt.session.artifacts.get_bytes(f"ws1/runs/{run.name}/logs/output.txt")
        lines.add([f"step {step}".encode() for step in range(1, count + 1)],
                  list(console.splitlines()))  # fmt: skip
        key = f"ws1/runs/{run.name}/logs/metrics.jsonl"
        kept = xt.session.artifacts.get_bytes(key).splitlines()
        assert [json.loads(line)["step"] for line in kept] == list(range(1, count + 1))
    for what, told in (("points", points), ("lines", lines), ("mirrored files", files)):
        print(
            f"  {what}: {told.sent} sent, {told.arrived} arrived, {told.twice} twice, "
            f"{told.lost} lost"
        )


def main() -> None:
    parser = argparse.ArgumentParser("outage.py")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seconds = 60 * options.minutes
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name) / "bare", options.runs, min(60.0, seconds / 4), None)
        measure(Path(name) / "outages", options.runs, seconds, options.seed)


if __name__ == "__main__":
    main()
