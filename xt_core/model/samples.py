"""Samples of what a run or a machine uses, as lines of JSON, and series made of them.

A line tells of an interval: ``{"time": its end, "seconds": its length, "values": {NAME: number}}``.
Names are those of the series without ``system.``; a value that is not known is not there:

of a run      cpu_percent (of one core), memory_bytes, processes, read_bytes_per_second,
              write_bytes_per_second, and of each GPU that it has gpuN.percent, gpuN.memory_bytes,
              gpuN.temperature (degrees Celsius)
of a machine  cpu_percent (of all cores together), memory_bytes, memory_total_bytes, load,
              disk_free_bytes, and gpuN.… as above

What is read back may have been thinned out: memory is then the highest of an interval, all else
the mean.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Number = int | float
PREFIX = "system."


@dataclass(frozen=True, slots=True)
class Sample:
    """What was used in the `seconds` before `time` (seconds since the epoch)."""

    time: float
    seconds: float
    values: Mapping[str, Number]

    def to_line(self) -> str:
        """With its newline."""
        values = {name: _short(value) for name, value in self.values.items()}
        document = {"time": round(self.time, 3), "seconds": round(self.seconds, 3)}
        return json.dumps(document | {"values": values}, separators=(",", ":")) + "\n"


def sample_from(line: str | bytes) -> Sample | None:
    """The inverse of `to_line`; None for what is no sample, such as a line that a crash cut."""
    try:
        found = json.loads(line)
        values = {str(name): value for name, value in found["values"].items() if _is_number(value)}
        return Sample(float(found["time"]), float(found["seconds"]), values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def samples_from(lines: Iterable[str | bytes], after: float = -math.inf) -> list[Sample]:
    """The samples of later than a time, in order."""
    found = (sample_from(line) for line in lines)
    return [sample for sample in found if sample is not None and sample.time > after]


def merge(samples: Sequence[Sample]) -> Sample:
    """One sample for the whole of the time of several."""
    seconds = math.fsum(sample.seconds for sample in samples)
    names = dict.fromkeys(name for sample in samples for name in sample.values)
    return Sample(samples[-1].time, seconds, {name: _merged(name, samples) for name in names})


def _merged(name: str, samples: Sequence[Sample]) -> Number:
    known = [(sample.values[name], sample.seconds) for sample in samples if name in sample.values]
    if name.endswith("memory_bytes"):
        return max(value for value, _ in known)
    seconds = math.fsum(each for _, each in known)
    if seconds <= 0:
        return known[-1][0]
    return math.fsum(value * each for value, each in known) / seconds


def _short(value: Number) -> Number:
    """As many digits as anybody looks at."""
    if isinstance(value, int) or abs(value) >= 1e6:
        return round(value)
    return round(value, 2)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass
class SystemSeries:
    """Samples as series by name: ``system.cpu_percent`` -> (times, values)."""

    series: dict[str, tuple[list[float], list[Number]]] = field(default_factory=dict)
    position: float = -math.inf
    """The time of the last sample: what to read on after."""

    def add(self, samples: Iterable[Sample]) -> None:
        """Samples that follow."""
        for sample in samples:
            for name, value in sample.values.items():
                times, values = self.series.setdefault(PREFIX + name, ([], []))
                times.append(sample.time)
                values.append(value)
            self.position = max(self.position, sample.time)
