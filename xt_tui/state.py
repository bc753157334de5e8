"""What the UI knows: a copy of the store's jobs and runs, and what the user has marked.

Only the feed's batches change it, on the UI's own thread. Runs are known by their full names, so
that cursors and marks stay where they are while rows come and go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from xt_core.model.records import Run
from xt_core.query.filters import Filter, matches_all
from xt_core.query.registry import RUN_FIELDS, JobRow
from xt_core.query.sorting import parse_sort, sort_records

GLYPHS = {
    "created": "·",
    "queued": "·",
    "submitted": "·",
    "spawning": "◌",
    "running": "▶",
    "completed": "✔",
    "error": "✘",
    "cancelled": "■",
    "lost": "?",
    "cancelling": "◍",
    "restarting": "◍",
}
STYLES = {
    "running": "bold cyan",
    "completed": "green",
    "error": "bold red",
    "cancelled": "yellow",
    "lost": "bold red",
    "cancelling": "magenta",
    "restarting": "magenta",
}


@dataclass(frozen=True)
class Batch:
    """What the feed brings: whatever changed since its last one."""

    runs: list[Run]
    jobs: list[JobRow]
    status: dict[str, Any] | None
    """The controller's own account; None while none answers."""
    error: str = ""


@dataclass
class ViewState:
    """The UI's copy of the world."""

    runs: dict[str, Run] = field(default_factory=dict)
    jobs: dict[str, JobRow] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    error: str = ""
    marks: set[str] = field(default_factory=set)
    pending: dict[str, str] = field(default_factory=dict)
    """Full name -> what was asked for and is not yet confirmed, such as "cancelling"."""
    loaded: bool = False

    def apply(self, batch: Batch) -> None:
        """Take over a batch."""
        for run in batch.runs:
            name = run.full_name
            self.runs[name] = run
            if run.status.is_final or self.pending.get(name) == "restarting":
                self.pending.pop(name, None)
        self.jobs |= {row.job.name: row for row in batch.jobs}
        self.status, self.error = batch.status, batch.error
        self.loaded = True

    def shown_status(self, run: Run) -> str:
        """The run's state, or what is being done about it."""
        return self.pending.get(run.full_name, str(run.status))

    def parents_of(self, job: str) -> list[Run]:
        """The job's parent runs."""
        return [run for run in self.runs.values() if run.job == job and run.is_parent]


@dataclass(frozen=True)
class RunSelection:
    """Which runs the runs pane shows, and in which order."""

    job: str | None = None
    filters: Sequence[Filter[Run]] = ()
    sort: str = "run"
    reverse: bool = False

    def arrange(self, runs: Iterable[Run], now: float) -> list[Run]:
        """The runs to show, in order. Parents are not runs."""
        chosen = [
            run
            for run in runs
            if not run.is_parent
            and (self.job is None or run.job == self.job)
            and matches_all(self.filters, run, now)
        ]
        return sort_records(chosen, parse_sort(self.sort, RUN_FIELDS), self.reverse, now)
