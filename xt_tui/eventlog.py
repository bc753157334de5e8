"""What the UI told: every toast, error and change of a connection, with its time.

A toast is gone after seconds; this is not, until the user leaves.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice

from xt_core import clock
from xt_core.query.formats import exact_time

_MOST_EVENTS = 1_000
_MOMENT_SECONDS = 1.0

_GLYPHS = {"information": "·", "warning": "!", "error": "✘"}


@dataclass(frozen=True)
class Told:
    """One thing that was told; `severity` as Textual names them, `time` in seconds since 1970."""

    time: float
    severity: str
    title: str
    message: str

    @property
    def glyph(self) -> str:
        return _GLYPHS.get(self.severity, "·")

    def line(self) -> str:
        """Time, severity and text in one line."""
        text = " ".join(part for part in (self.title, self.message) if part)
        return f"{exact_time(self.time)}  {self.severity:<11}  {' '.join(text.split())}"


class EventLog:
    """The last thousand things told."""

    def __init__(self) -> None:
        self._events: deque[Told] = deque(maxlen=_MOST_EVENTS)
        self._trouble: dict[str, str] = {}

    def add(self, severity: str, title: str, message: str) -> None:
        self._events.append(Told(clock.now(), severity, title, message))

    def has_just(self, severity: str, title: str, message: str) -> bool:
        """Whether the last thing told was the same, a moment ago."""
        if not self._events:
            return False
        last = self._events[-1]
        is_same = (last.severity, last.title, last.message) == (severity, title, message)
        return is_same and clock.now() - last.time < _MOMENT_SECONDS

    def note(self, name: str, trouble: str, well: str = "answers again") -> None:
        """What a connection's trouble is now, "" if there is none: a change of it is an event.
        `well` is what is said once there is none any more."""
        before = self._trouble.get(name, "")
        if trouble == before:
            return
        self._trouble[name] = trouble
        if trouble:
            self.add("error", name, trouble)
        else:
            self.add("information", name, well)

    def newest_first(self, most: int = _MOST_EVENTS) -> list[Told]:
        return list(islice(reversed(self._events), most))

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(event.severity == "error" for event in self._events)
