"""An attach to a run on a box whose link drops 100 times while 1 GB goes over it.

    python benchmarks/box_drops.py [--megabytes 1000] [--drops 100]

The box is a real sshd on this machine, which shares its processors. A run has printed numbered
blocks and lives on; `xt attach`, a process with its output in a pipe, reads them from the first
byte on. Each drop kills all of sshd's connections, once so much more has arrived. What arrives is
told apart block by block: bytes lost, and bytes that come again; its hash has to be the file's. The
baseline is the same attach undisturbed. Aims: none lost, none repeated.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parent.parent / "tests"))

from lab_support import Lab
from support import wait_until

_BOX, _BLOCK_BYTES = "gpu1", 1000
_FILLER = b"x" * (_BLOCK_BYTES - 10)
_PRINT = f"""\
import os, sys, time
for begin in range(0, int(sys.argv[2]), 1000):
    blocks = (b"%09d" % number + {_FILLER!r} + b"\\n" for number in range(begin, begin + 1000))
    os.write(1, b"".join(blocks))
while not os.path.exists(sys.argv[1]):
    time.sleep(0.5)
"""


class Arrived:
    """What came of so many blocks."""

    def __init__(self, blocks: int) -> None:
        self._blocks, self._seen, self._rest = blocks, set[bytes](), b""
        self._hash = hashlib.sha256()
        self.bytes = 0

    def add(self, data: bytes) -> None:
        self.bytes += len(data)
        self._hash.update(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line[9:] == _FILLER and line[:9].isdigit():
                self._seen.add(line[:9])

    @property
    def lost(self) -> int:
        """Bytes of blocks that did not come whole."""
        return (self._blocks - len(self._seen)) * _BLOCK_BYTES

    @property
    def repeated(self) -> int:
        """Bytes of whatever came beside each block once."""
        return self.bytes - len(self._seen) * _BLOCK_BYTES

    def is_like(self, file: Path) -> bool:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest() == self._hash.digest()


class Bench:
    """A run that has printed its blocks."""

    def __init__(self, lab: Lab, blocks: int) -> None:
        self._lab, self._box, self._blocks = lab, lab.boxes[_BOX], blocks
        self._size = blocks * _BLOCK_BYTES
        script, gate = lab.xt.script("blocks.py", _PRINT), lab.folder / "gate"
        submitted = lab.xt.submit("--target", _BOX, script, str(gate), str(blocks))
        self._run = str(submitted["runs"][0])
        path = f".xt/**/ws1/{self._run}/output.txt"
        self._file = Path(wait_until(lambda: list(self._box.home.glob(path)), "its output")[0])
        wait_until(lambda: self._file.stat().st_size == self._size, "all to be printed")

    def attach(self, drops: int) -> tuple[float, Arrived]:
        """Seconds from the first byte to the last, and what arrived."""
        arrived, began, dropped = Arrived(self._blocks), 0.0, 0
        process = subprocess.Popen(
            [sys.executable, "-m", "xt_core", "attach", self._run],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._lab.xt.environ,
            cwd=self._lab.xt.code,
        )
        assert process.stdout is not None
        while arrived.lost and (data := os.read(process.stdout.fileno(), 1 << 20)):
            began = began or time.perf_counter()
            arrived.add(data)
            if arrived.bytes > (dropped + 1) * self._size / (drops + 1) and dropped < drops:
                wait_until(self._box.sessions, "the attach to connect again")
                self._box.cut()
                dropped += 1
        took = time.perf_counter() - began
        process.kill()
        process.wait()
        process.stdout.close()
        assert dropped == drops, f"{dropped} of {drops} drops"
        assert arrived.is_like(self._file) or arrived.lost or arrived.repeated
        return took, arrived


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--drops", type=int, default=100)
    options = parser.parse_args()
    with Lab([_BOX]) as lab:
        bench = Bench(lab, options.megabytes * 1_000_000 // _BLOCK_BYTES)
        base = 0.0
        for drops in (0, options.drops):
            took, arrived = bench.attach(drops)
            print(
                f"{options.megabytes} MB, {drops:3} drops: {took:6.1f} s; "
                f"{arrived.lost} bytes lost, {arrived.repeated} repeated",
                flush=True,
            )
            base = base or took
        (lab.folder / "gate").touch()
    print(f"each drop took {(took - base) / max(1, options.drops):.2f} s")


if __name__ == "__main__":
    main()
