"""From `xt run` to the user's first line of code on a box, beside `ssh box python3 script`.

    python benchmarks/box_start.py [--rounds 10]

The box is a real sshd on this machine, which shares its processors, and is prepared: XT is there,
and its controller runs. Both are whole processes with a connection of their own; the script's
first line takes the time. Medians, by turns: the script as it was, and as changed since the last
run. Aim: at most 0.5 s more than ssh.
"""

import argparse
import os
import select
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parent.parent / "tests"))

from lab_support import Lab

_BOX = "gpu1"
_SCRIPT = """\
import time; first = time.time()  # version {}
import sys
with open(sys.argv[1], "w") as pipe:
    pipe.write(repr(first))
"""
_PATIENCE_SECONDS = 60.0


class Starts:
    """A script on the box that tells when it began."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._versions = lab, 0
        self._told = lab.folder / "told"
        os.mkfifo(self._told)
        self._pipe = os.open(self._told, os.O_RDWR)
        self.change()

    def change(self) -> None:
        self._versions += 1
        self._lab.xt.script("first.py", _SCRIPT.format(self._versions))

    def by_xt(self) -> float:
        """Seconds from `xt run` to the first line."""
        began = time.time()
        self._lab.xt("run", "--target", _BOX, "first.py", str(self._told))
        return self._first() - began

    def by_ssh(self) -> float:
        """The same by OpenSSH, of a script that is there."""
        began = time.time()
        script = str(self._lab.xt.code / "first.py")
        command = [*self._lab.ssh(_BOX), "python3", script, str(self._told)]
        subprocess.run(command, check=True)
        return self._first() - began

    def _first(self) -> float:
        readable, _, _ = select.select([self._pipe], [], [], _PATIENCE_SECONDS)
        assert readable, "the script did not begin"
        return float(os.read(self._pipe, 100))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    same, changed, bare = list[float](), list[float](), list[float]()
    with Lab([_BOX]) as lab:
        starts = Starts(lab)
        starts.by_xt()
        for _ in range(rounds):
            bare.append(starts.by_ssh())
            same.append(starts.by_xt())
            starts.change()
            changed.append(starts.by_xt())
    base = statistics.median(bare)
    print(f"ssh box python3 script:         {base:.3f} s")
    for what, times in (("same code", same), ("changed code", changed)):
        own = statistics.median(times)
        print(f"xt run --target, {what + ':':14} {own:.3f} s, {own - base:+.3f} s")


if __name__ == "__main__":
    main()
