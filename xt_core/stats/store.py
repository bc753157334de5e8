"""The interface of a stats store, and what its queries take and give.

Every write method is atomic and durable when it returns. Deliveries carry a key (run and
sequence number, run and journal offset), so that a second delivery changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from xt_core.model.records import Event, Job, JobCounts, MetricRecord, Run, Value, WorkItem
from xt_core.model.states import RunStatus, Schedule, WorkItemStatus
from xt_core.query.filters import Filter
from xt_core.query.names import RunPattern


class GivenUpError(ValueError):
    """The run is `lost`: its node's lease ran out, and its work was handed on to another run."""


@dataclass
class RunQuery:
    """Which runs, in which order. Everything given must hold."""

    workspace: str | None = None
    patterns: Sequence[RunPattern] = ()
    filters: Sequence[Filter[Run]] = ()
    jobs: Sequence[str] = ()
    statuses: Sequence[str] = ()
    parents: bool | None = False
    """False leaves parents out, True gives only parents, None gives all."""
    sort: str = "name"
    reverse: bool = False
    first: int | None = None
    last: int | None = None


@dataclass
class RunChange:
    """One change of a run: fields to set, and the event that tells of it."""

    workspace: str
    run: str
    status: RunStatus | None = None
    event: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    """Columns of the run to set, e.g. ``{"exit_code": 0}``."""
    time: float | None = None


@dataclass
class JournalBatch:
    """What a controller read of a run's journal, up to byte `end`."""

    workspace: str
    run: str
    start: int
    end: int
    metrics: list[MetricRecord] = field(default_factory=list)
    hparams: dict[str, Value] = field(default_factory=dict)
    tags: dict[str, Value] = field(default_factory=dict)
    events: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)


@dataclass
class Delivery:
    """What a node has to tell its team of one of its runs."""

    run: Run
    """The run as the node has it."""
    node_revision: int
    """Of the run in the node's own store: which state is the newer one. With 0 the state of a run
    that is known already does not count (it is told when all of its records were)."""
    events: list[Event] = field(default_factory=list)
    """With the node's numbers. What the store itself told under such a number (an extension, say,
    which the node tells too) gives way, unless the run was given up."""
    metrics: list[MetricRecord] = field(default_factory=list)
    item: WorkItem | None = None
    """The run's work item, once it was claimed."""
    journal_end: int = 0
    """Up to which byte of the run's journal this tells, with what was delivered before."""
    rejoined: bool = False
    """Whether the run is a parent that was given up and is back at work, as its own node's store
    has it: its state counts, though the team still takes it for lost."""


@dataclass
class NodeRecord:
    """A node as its controller last described itself."""

    name: str
    target: str
    controller: dict[str, Any]
    updated: float


class StatsStore(Protocol):
    """Where a team's stats are kept."""

    def close(self) -> None:
        """Let go of the store; using it again raises."""

    def batch(self) -> AbstractContextManager[None]:
        """Group the writes made within, for speed; an error undoes all of them where it can."""

    # Jobs -------------------------------------------------------------------------------

    def next_job_name(self) -> str:
        """A job name that nobody else was or will be given."""

    def next_run_name(self, workspace: str) -> str:
        """A top-level run name that nobody else was or will be given."""

    def add_job(self, job: Job, runs: Sequence[Run], items: Iterable[WorkItem]) -> None:
        """Make a job visible, with its first runs and its work items, all or nothing."""

    def job(self, name: str) -> Job:
        """One job. Raises UnknownNameError."""

    def jobs(self, names: Sequence[str] = (), workspace: str | None = None) -> list[Job]:
        """Jobs in numeric order; all, or those named that exist."""

    def reruns(self, origins: Sequence[str]) -> list[Job]:
        """Jobs that were made from any of these, in numeric order: jobs, and runs (by their full
        names) with their children."""

    def job_counts(self, names: Sequence[str]) -> dict[str, JobCounts]:
        """Runs and work items by state, for each job named."""

    def best_runs(self, jobs: Sequence[Job]) -> dict[str, tuple[str, float]]:
        """Job name -> (run name, value) of the completed run with the best last value of its
        primary metric; one that was stopped early counts."""

    def open_jobs(self, node: str) -> list[Job]:
        """Jobs with a run on the node that is not in a final state."""

    def open_runs(self, job: str, node: str) -> list[Run]:
        """The job's runs on the node that are not in a final state, parents included."""

    def update_job(self, name: str, **fields: Any) -> None:
        """Set `tags`, `notes` or `cancel_requested`. Raises UnknownNameError."""

    # Work items -------------------------------------------------------------------------

    def work_items(self, job: str) -> list[WorkItem]:
        """A job's work items by run_index."""

    def work_item(self, job: str, run_index: int) -> WorkItem | None:
        """One work item; None for a job that has none of that index."""

    def claim_child(self, parent: Run, node: str) -> tuple[WorkItem, Run] | None:
        """Take the next item of the parent's job and create its child run, queued: one that waits
        to be done again (its set comes along) before one that was never started.

        Each item is given out exactly once over all processes and nodes; None when none is left,
        or when the parent is to be cancelled.
        Raises GivenUpError for a parent that is lost.
        """

    def has_work(self, job: str, node: str) -> bool:
        """Whether the node could claim an item of the job now."""

    def set_hparams(
        self, run: Run, item: WorkItem, hparams: dict[str, Value], notes: dict[str, Any]
    ) -> Run:
        """Give an item and its run the set that a search chose; the run as it is then.

        Raises GivenUpError if the item was handed on to another run.
        """

    def search_history(self, jobs: Sequence[str], after: int = 0) -> list[tuple[WorkItem, Run]]:
        """Claimed items of jobs with their runs, those changed after a revision, oldest first."""

    def open_items(self, job: str) -> int:
        """How many items of a job have not ended, on whatever node."""

    def renew_lease(self, lease: str) -> None:
        """Whose lease it is (`rules.lease_of`) lives. The store's clock counts, so that those of
        the nodes may differ."""

    def give_up_lost(self, job: str, lease_seconds: float) -> list[str]:
        """Put back what nodes had claimed of a job whose leases have run out; their runs, which
        are `lost` now. Whatever such a node still does changes no state. Of a job that several
        machines share, a part whose lease was never renewed has one from the first look on."""

    def rejoin(self, node: str, place: str | None = None) -> list[str]:
        """Let the parents of a node that was lost spawn again where there is work for it; their
        jobs. The runs that it lost stay lost. With a `place`, only of jobs that several machines
        share, and that have the node there."""

    def extend_job(self, name: str, count: int) -> Job:
        """Add work items to a job, which goes on if it had ended; the job as it is then."""

    def cancel_unstarted(self, job: str) -> int:
        """Cancel what nobody has claimed; how many items that were."""

    def cancel_part(self, job: str, node: str) -> None:
        """Ask for the end of a node's part of a job: it can claim nothing more, and what waits for
        it alone is cancelled. What any node may claim stays for the others; it is cancelled too if
        no other part is left to go on, or if the whole job is to be cancelled."""

    # Runs -------------------------------------------------------------------------------

    def run(self, workspace: str, name: str) -> Run:
        """One run. Raises UnknownNameError."""

    def find_runs(self, query: RunQuery) -> tuple[list[Run], int]:
        """The runs asked for, and how many there were before `first` or `last` cut them."""

    def changed_runs(self, revision: int, limit: int = 10_000) -> list[Run]:
        """Runs changed after a revision, oldest change first (for live views)."""

    def change_run(self, change: RunChange) -> Run:
        """Apply one change; the run as it is then.

        Raises UnknownNameError, GivenUpError for any change of the state of a lost run, or
        ValueError for another transition that is not allowed.
        """

    def add_journal(self, batch: JournalBatch) -> None:
        """Record journal entries. A run's batches follow one another; one that starts before the
        last one's end is a second delivery and changes nothing."""

    def journal_end(self, workspace: str, run: str) -> int:
        """Up to which byte the run's journal was recorded."""

    def events(self, workspace: str, run: str, after: int = 0) -> list[Event]:
        """Events in order, after a sequence number."""

    def metrics(
        self, workspace: str, run: str, after: int = -1, limit: int | None = None
    ) -> list[MetricRecord]:
        """Metric records in journal order, after a journal offset; at most `limit`."""

    def complete_aggregates(self, records: int | None = None) -> int:
        """Work out the aggregates of runs that were recorded before XT kept them, the newest
        first, until so many metric records were read (None: all; a run is never left half done);
        how many runs lack them still."""

    def deliver(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Take what a node tells of its runs; the full names of those whose state is refused, since
        they were given up (what they logged is taken), unless they have rejoined.

        A run is made if it is not there. Tags that clients set lie over the logged ones; notes and
        requests to cancel are theirs alone. Each part counts once, however often and in whichever
        order deliveries come: events by number, metrics by offset, the state and the item by the
        newest `node_revision`, the item only while it is that run's of that epoch.
        """

    # The rest ---------------------------------------------------------------------------

    def put_node(self, node: NodeRecord) -> None:
        """Record what a node says of itself."""

    def nodes(self) -> list[NodeRecord]:
        """All nodes, by name."""

    def workspaces(self) -> list[tuple[str, int]]:
        """(workspace, number of its runs), by name."""

    def experiments(self, workspace: str | None = None) -> list[tuple[str, int]]:
        """(experiment, number of its runs), by name."""


def new_items(job: Job, first: int, count: int) -> Iterator[WorkItem]:
    """Unstarted items from a run_index on: a static schedule deals them out to the job's nodes in
    turn, a dynamic one leaves them to whoever is free."""
    for index in range(first, first + count):
        node = None if job.schedule == Schedule.DYNAMIC else job.nodes[index % len(job.nodes)]
        yield WorkItem(job.name, index, WorkItemStatus.UNSTARTED, node)
