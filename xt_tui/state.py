"""What the UI knows: a copy of the store's jobs and runs.

Only the feed's batches change it, on the UI's own thread. Runs are known by their full names, so
that cursors and marks stay where they are while rows come and go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from xt_core import clock
from xt_core.home import is_own_node
from xt_core.model.records import Job, Run
from xt_core.model.shown import CANCELLING, EARLY_STOP, shown_state
from xt_core.nodes.states import RUNNING
from xt_core.query.registry import JobRow
from xt_core.reports.parents import is_told
from xt_tui.themes import StateStyles

GLYPHS = {
    "created": "·",
    "queued": "·",
    "submitted": "·",
    "spawning": "◌",
    "running": "▶",
    "completed": "✔",
    EARLY_STOP: "✔",
    "error": "✘",
    "cancelled": "■",
    "lost": "?",
    "cancelling": "◍",
    "restarting": "◍",
    "archiving": "◍",
    "returning": "◍",
    "annotating": "◍",
}
STYLES = StateStyles(
    {
        "running": ("bold", "state-running"),
        "completed": ("", "state-good"),
        EARLY_STOP: ("", "state-good"),
        "error": ("bold", "state-bad"),
        "cancelled": ("", "state-warning"),
        "lost": ("bold", "state-bad"),
        "cancelling": ("", "state-pending"),
        "restarting": ("", "state-pending"),
        "archiving": ("", "state-pending"),
        "returning": ("", "state-pending"),
        "annotating": ("", "state-pending"),
        "marked": ("bold", "state-pending"),
        "picture": ("", "picture"),
    }
)
"""State -> style, in the colours of the theme that is worn; and those of a mark, and of bars and
sparklines."""


_STARTING_SECONDS = 10.0


@dataclass(frozen=True)
class Health:
    """How the team's stores are, in bytes."""

    stats_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Batch:
    """What the feed brings: whatever changed since its last one."""

    runs: list[Run]
    jobs: list[JobRow]
    status: dict[str, Any] | None
    """The nodes and what lives on them; None where that was not asked or could not be read."""
    error: str = ""
    is_last: bool = True
    """Whether it is all that there is: what is new comes in parts."""
    health: Health | None = None

    @property
    def is_all(self) -> bool:
        """Whether with it all that there is has been brought."""
        return self.is_last and not self.error


@dataclass
class ViewState:
    """The UI's copy of the world."""

    runs: dict[str, Run] = field(default_factory=dict)
    """The parents of searches are not among them; see `parents`."""
    jobs: dict[str, JobRow] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    health: Health | None = None
    error: str = ""
    heard: float = 0.0
    """When the stores answered last, in seconds since 1970."""
    pending: dict[str, str] = field(default_factory=dict)
    """Run's full name, or job -> what was asked for and is not yet confirmed: "cancelling"."""
    loaded: bool = False
    """Whether all that there was has been brought."""
    living: set[str] = field(default_factory=set)
    """The jobs that have not ended."""
    reruns: dict[str, set[str]] = field(default_factory=dict)
    """What the team calls a run or a job -> the jobs that were made from it; see `lineage`."""
    parents: dict[str, Run] = field(default_factory=dict)
    """The parents whose script runs, or that failed: they tell what no run does."""
    place: str = ""
    """Where the nodes of this machine are, for teams that have others too."""
    last_known: dict[str, float] = field(default_factory=dict)
    """Nodes with work that say nothing -> when they were heard of last, in seconds since 1970:
    what lives on them is shown as it was then."""
    cancels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Runs by their full names -> since when they are being cancelled, by whomever, and when they
    are killed; as their nodes say."""
    _attended: set[str] = field(default_factory=set)
    """The nodes that have had a controller while we looked."""
    _silent_since: dict[str, float] = field(default_factory=dict)
    """Nodes without a controller -> when that was first seen, in seconds since 1970."""

    def apply(self, batch: Batch) -> None:
        """Take over a batch."""
        for run in batch.runs:
            name = run.full_name
            if not run.is_parent:
                self.runs[name] = run
            elif is_told(run):
                self.parents[name] = run
            else:
                self.parents.pop(name, None)
            if run.status.is_final or self.pending.get(name) == "restarting":
                self.pending.pop(name, None)
        for row in batch.jobs:
            self.jobs[row.job.name] = row
            if row.job.origin:
                self.reruns.setdefault(row.job.origin, set()).add(row.job.name)
            if row.counts.status().is_final:
                self.pending.pop(row.job.name, None)
                self.living.discard(row.job.name)
            else:
                self.living.add(row.job.name)
        if batch.status is not None:  # else what was known stays, and its age is told
            self.status = batch.status
            self.cancels = {
                f"{run['workspace']}/{run['name']}": run["cancelling"]
                for run in batch.status.get("runs", ())
                if run.get("cancelling")
            }
        self.error = batch.error
        now = clock.now()
        silent = {node["name"] for node in self.nodes if node["controller"] is None}
        self._attended |= {node["name"] for node in self.nodes} - silent
        self._silent_since = {name: self._silent_since.get(name, now) for name in silent}
        self.health = batch.health or self.health
        self.heard = self.heard if batch.error else now
        self.loaded = self.loaded or batch.is_all
        self.last_known = {node["name"]: self._heard_of(node) for node in self.deserted}

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The nodes, with the keys of `xt status --json`."""
        return [] if self.status is None else list(self.status["nodes"])

    @property
    def troubles(self) -> list[str]:
        """``node0: disk full: /home/ann/.xt``: what the nodes say that can keep nothing."""
        return [f"{node['name']}: {node['trouble']}" for node in self.nodes if node.get("trouble")]

    @property
    def all_answer(self) -> bool:
        """Whether each node's controller runs and answers."""
        return all(node.get("state") == RUNNING for node in self.nodes)

    @property
    def deserted(self) -> list[dict[str, Any]]:
        """The nodes that have work left and whose controllers answer no more, or have not done so
        for longer than it takes to start one."""
        silent = [node for node in self.nodes if self._is_silent(node["name"])]
        jobs = [self.jobs[name].job for name in self.living] if silent else []
        at_work = {node for job in jobs for node in job.nodes if self._is_here(node, job)}
        return [node for node in silent if node["name"] in at_work]

    def _heard_of(self, node: Mapping[str, Any]) -> float:
        heard = node.get("heard")
        return (
            self._silent_since[node["name"]]
            if heard is None
            else datetime.fromisoformat(heard).timestamp()
        )

    def known_until(self, run: Run) -> float | None:
        """When a living run was heard of last, if its node says nothing since; else None."""
        moment = self.last_known.get(run.node)
        if moment is None or run.status.is_final:
            return None
        row = self.jobs.get(run.job)
        return moment if row is None or self._is_here(run.node, row.job) else None

    def is_job_silent(self, row: JobRow) -> bool:
        """Whether none of the nodes says anything that a living job is done on."""
        job = row.job
        is_living = bool(self.last_known) and job.name in self.living
        return is_living and all(n in self.last_known and self._is_here(n, job) for n in job.nodes)

    def _is_silent(self, node: str) -> bool:
        since = self._silent_since.get(node)
        if since is None:
            return False
        return node in self._attended or self.heard - since > _STARTING_SECONDS

    def _is_here(self, node: str, job: Job) -> bool:
        """Whether a node of a job is one of ours: other machines have a `node0` too."""
        host = job.hosts.get(node, "")
        return not is_own_node(node) or not self.place or host in ("", self.place)

    def told_parents(self, job: str | None) -> list[Run]:
        """The parents whose script runs, or that failed: of a job, or of all for None."""
        return [parent for parent in self.parents.values() if job in (None, parent.job)]

    def run_status(self, run: Run) -> str:
        """The run's state, or what is being done about it."""
        name = run.full_name
        is_cancelling = name in self.cancels and not run.status.is_final
        return self.pending.get(name, CANCELLING if is_cancelling else shown_state(run))

    def job_status(self, row: JobRow) -> str:
        """The job's state, or what is being done about it."""
        return self.pending.get(row.job.name, row.shown_state)

    def cancel_text(self, run: Run) -> str:
        """``run1 is being cancelled since 14:03:05; it is killed in 7 s``"""
        text, times = f"{run.name} is being cancelled", self.cancels.get(run.full_name)
        if times is None:
            return text
        since, kill_at = (datetime.fromisoformat(times[name]) for name in ("since", "kill_at"))
        left = max(0, round(kill_at.timestamp() - clock.now()))
        return f"{text} since {since.astimezone():%H:%M:%S}; it is killed in {left} s"

    def set_pending(self, names: list[str], what: str) -> None:
        """Badge what lives among these runs and jobs; what has ended needs no badge."""
        self.pending |= {name: what for name in names if not self._is_final(name)}

    def set_noting(self, names: list[str], what: str) -> None:
        """Badge these runs and jobs whatever their state: what is said of them is being changed."""
        self.pending |= dict.fromkeys(names, what)

    def clear_pending(self, names: list[str], what: str) -> None:
        """Take these badges back, if they are still the ones."""
        for name in names:
            if self.pending.get(name) == what:
                del self.pending[name]

    def _is_final(self, name: str) -> bool:
        if name in self.runs:
            return self.runs[name].status.is_final
        return name in self.jobs and self.jobs[name].counts.status().is_final


def marked(status: str) -> str:
    """A state as its glyph and its word: never as a colour alone."""
    return f"{GLYPHS.get(status, '?')} {status}"


def states_text(counts: Mapping[str, int]) -> str:
    """``3 ▶ running 12 ✔ completed``: how many are in which state, in the order of their lives."""
    order = {status: place for place, status in enumerate(GLYPHS)}
    states = sorted(counts, key=lambda status: order.get(status, len(order)))
    return " ".join(f"{counts[status]:,} {marked(status)}" for status in states)
