"""The status of 20 boxes, one of which is unreachable, beside `ssh box true` on the others at once.

    python benchmarks/box_status.py [--boxes 20]

The boxes are real sshd servers on this machine, which share its processors; each has a controller
and a run that lives. One of them is behind a link that swallows all that is sent. `xt status` is a
whole process with no connection yet; the engine's `Controllers.status` is asked again by a session
that is connected, with a patience of 2 s, as the terminal UI asks. Aim: the one that is dead holds
up no other.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parent.parent / "tests"))

from lab_support import Lab
from servers.link_proxy import LinkProxy
from support import wait_until

from xt_core.session import Session

_PATIENCE_SECONDS = 2.0
_LIVING = """\
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.5)
"""


def prepare(lab: Lab, dead: LinkProxy, dead_box: str) -> Path:
    """Have a run live on each box; the file that ends them."""
    lab.network.know(lab.boxes[dead_box], f"[127.0.0.1]:{dead.port}")
    lab.configure({dead_box: f"127.0.0.1:{dead.port}"}, {"all": list(lab.boxes)})
    gate = lab.folder / "gate"
    count = str(len(lab.boxes))
    script = lab.xt.script("living.py", _LIVING)
    lab.xt("run", "--target", "all", "--runs", count, "--schedule", "static", script, str(gate))
    wait_until(
        lambda: sum(node["running"] for node in lab.xt.json("status")["nodes"]) == len(lab.boxes),
        "all to run",
    )
    return gate


def by_command(lab: Lab) -> dict[str, float]:
    """Seconds after which `xt status` has told of each box."""
    told, began = dict[str, float](), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "xt_core", "status"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=lab.xt.environ,
        cwd=lab.xt.code,
    )
    assert process.stdout is not None
    for line in process.stdout:
        name = line.decode().split()[0]
        if name in lab.boxes:
            told[name] = time.perf_counter() - began
    assert process.wait() == 0
    return told


def by_ssh(lab: Lab, names: Sequence[str]) -> list[float]:
    """Seconds after which `ssh box true` has ended on each, all at once."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(names)) as pool:
        calls = [
            pool.submit(subprocess.run, [*lab.ssh(name), "true"], check=True) for name in names
        ]
        return [time.perf_counter() - began for _ in as_completed(calls)]


def by_engine(session: Session) -> float:
    """Seconds that one look at all takes."""
    began = time.perf_counter()
    session.controllers.status(_PATIENCE_SECONDS)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boxes", type=int, default=20)
    names = [f"gpu{number}" for number in range(1, parser.parse_args().boxes + 1)]
    *living, dead_box = names
    with Lab(names) as lab:
        box = lab.boxes[dead_box]
        link = LinkProxy(box.host, box.port)
        gate = prepare(lab, link, dead_box)
        link.silence()
        bare = by_ssh(lab, living)
        print(
            f"ssh box true:       first {bare[0]:6.2f} s, last of {len(living)} {bare[-1]:6.2f} s"
        )
        told = by_command(lab)
        at = sorted(told[name] for name in living)
        print(f"xt status:          first {at[0]:6.2f} s, last of {len(living)} {at[-1]:6.2f} s, "
              f"the unreachable one {told[dead_box]:6.2f} s")  # fmt: skip
        session = lab.xt.session
        looks = [by_engine(session) for _ in range(5)]
        print(f"Controllers.status: first {looks[0]:6.2f} s, then {min(looks[1:]):6.2f} s "
              f"to {max(looks[1:]):6.2f} s")  # fmt: skip
        gate.touch()
        link.close()


if __name__ == "__main__":
    main()
