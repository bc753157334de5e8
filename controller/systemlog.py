"""The file of a run's samples: one line each, bounded however long the run lasts.

The latest samples stay as they are; of the older ones those of the same stretch of time become
one, and stretches are as long as it takes for the file to be small again. So a run of a week
has its last hour in full, and the rest in stretches of some minutes.
"""

import contextlib
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from xt_core.model.samples import Sample, merge, samples_from

MOST_SAMPLES = 4_000
_LATEST, _OLDER = 1_000, 1_500
"""What is left of a file that was full, at most."""


class SystemLog:
    """Appends to one run's file, which an earlier controller may have begun. Blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count: int | None = None

    def append(self, sample: Sample) -> None:
        """Nothing is kept of a run whose folder is gone, or while the disk is full."""
        with contextlib.suppress(OSError):
            if self._count is None:
                self._count = self._begin()
            if self._count >= MOST_SAMPLES:
                self._count = self._thin_out()
            with self._path.open("a", encoding="ascii") as file:
                file.write(sample.to_line())
            self._count += 1

    def _begin(self) -> int:
        """How many samples there are. A line that a crash or a full disk cut off is ended."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return 0
        if content and not content.endswith(b"\n"):
            with self._path.open("a", encoding="ascii") as file:
                file.write("\n")
        return len(content.splitlines())

    def _thin_out(self) -> int:
        samples = thinned(samples_from(self._path.read_bytes().splitlines()))
        draft = self._path.with_name(self._path.name + ".new")
        draft.write_text("".join(sample.to_line() for sample in samples), encoding="ascii")
        os.replace(draft, self._path)
        return len(samples)


def thinned(samples: Sequence[Sample]) -> list[Sample]:
    """Fewer samples for the same time: see the module."""
    older, latest = samples[:-_LATEST], samples[-_LATEST:]
    if not older:
        return list(latest)
    stretch = min(sample.seconds for sample in older) or 1.0
    while len({sample.time // stretch for sample in older}) > _OLDER:
        stretch *= 2
    groups = groupby(older, key=lambda sample: sample.time // stretch)
    return [merge(list(group)) for _, group in groups] + list(latest)
