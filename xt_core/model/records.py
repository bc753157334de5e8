"""The records of the stats store, as plain dataclasses. Times are seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xt_core.model.names import name_in_team
from xt_core.model.states import JobStatus, RunStatus, Schedule, WorkItemStatus

if TYPE_CHECKING:
    from xt_core.model.aggregates import Aggregate

Value = str | int | float | bool | None
"""A hyperparameter, metric or tag value."""
Goals = Mapping[str, bool]
"""Metrics that a job goes by: True for those to be maximised, False for those to be minimised."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric whose last value tells how good a run is."""

    metric: str
    maximize: bool


@dataclass(slots=True)
class Job:
    """One submission."""

    name: str
    workspace: str
    experiment: str
    style: str
    target: str
    username: str
    created: float
    work_items: int
    concurrent: int
    search_type: str | None = None
    schedule: str = "static"
    nodes: list[str] = field(default_factory=lambda: ["node0"])
    primary_metric: str = ""
    maximize: bool = True
    description: str = ""
    command: str = ""
    seed: int | None = None
    tags: dict[str, Value] = field(default_factory=dict)
    notes: str = ""
    cancel_requested: bool = False
    objectives: list[Objective] = field(default_factory=list)
    """What a search goes by; the first one is the primary metric."""
    space: dict[str, Any] = field(default_factory=dict)
    """What a search draws from, as `Space.describe` gives it; empty if nothing is searched."""
    warm_start: list[str] = field(default_factory=list)
    """Jobs whose runs a dynamic search learns from too."""
    priority: int = 0
    """Runs of a job with a larger one are started first where jobs wait for the same node."""
    hosts: dict[str, str] = field(default_factory=dict)
    """Node -> the machine that it is on, and the folder of XT there; see `Home.place`."""
    is_metric_default: bool = False
    """Whether nobody chose the primary metric: it is the one that XT has for want of another."""
    rerun_of: str = ""
    """The run or job that it was made from, as its workspace calls it: `run35.2`, `ws2/run3`,
    `job12`."""

    @property
    def origin(self) -> str:
        """What it was made from, as the team calls it: the full name of a run, or a job."""
        return name_in_team(self.workspace, self.rerun_of)

    @property
    def is_shared_by_machines(self) -> bool:
        """Whether nodes of several machines take its work items, whoever is free the next one."""
        return self.schedule == Schedule.DYNAMIC and len(set(self.hosts.values())) > 1

    @property
    def goals(self) -> dict[str, bool]:
        """What its metrics are wanted to be; empty if it goes by none."""
        primary = {self.primary_metric: self.maximize} if self.primary_metric else {}
        return primary | {each.metric: each.maximize for each in self.objectives}


@dataclass(slots=True)
class JobCounts:
    """How many of a job's runs (parents left out) are in each state, and what is unstarted."""

    unstarted: int = 0
    queued: int = 0
    running: int = 0
    completed: int = 0
    error: int = 0
    cancelled: int = 0
    open_parents: int = 0
    running_parents: int = 0
    """Of these: parents whose script runs."""
    failed_parents: int = 0
    cancelled_parents: int = 0
    stopped_early: int = 0
    """Of those that completed."""

    def status(self) -> JobStatus:
        """The job's state, derived. It is cancelled where it was cut short, or nothing is left of
        it; one that did the rest when single runs were cancelled has completed."""
        if self.queued or self.running or self.unstarted or self.open_parents:
            begun = self.running or self.completed or self.error or self.cancelled
            at_work = begun or self.running_parents or self.open_parents > 1
            return JobStatus.RUNNING if at_work else JobStatus.SUBMITTED
        if self.error or self.failed_parents:
            return JobStatus.ERROR
        if self.cancelled and (self.cancelled_parents or not self.completed):
            return JobStatus.CANCELLED
        return JobStatus.COMPLETED


class _Named:
    """A full name, kept: it is asked for again and again, and of each run one string is enough."""

    __slots__ = ("_full_name",)
    workspace: str
    name: str
    _full_name: str

    @property
    def full_name(self) -> str:
        try:
            return self._full_name
        except AttributeError:
            self._full_name = f"{self.workspace}/{self.name}"
            return self._full_name


@dataclass(slots=True)
class Run(_Named):
    """One execution of the user's command, or the parent of such runs on a node. Its names do not
    change, nor do the mappings that it holds: many runs may share one."""

    workspace: str
    name: str
    job: str
    experiment: str
    node: str
    status: RunStatus
    created: float
    parent: str | None = None
    is_parent: bool = False
    run_index: int | None = None
    target: str = "local"
    username: str = ""
    description: str = ""
    queued: float | None = None
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    error: str = ""
    restarts: int = 0
    command: str = ""
    hparams: dict[str, Value] = field(default_factory=dict)
    metrics: dict[str, Value] = field(default_factory=dict)
    tags: dict[str, Value] = field(default_factory=dict)
    notes: str = ""
    cancel_requested: bool = False
    retries: int = 0
    """How many of the restarts were retries after a failure."""
    stopped_early: bool = False
    goals: Goals = field(default_factory=dict)
    """Of its job, which the stats store gives its first runs, and they their children."""
    aggregates: "Mapping[str, Aggregate]" = field(default_factory=dict)
    """Of its metrics."""
    rerun_of: str = ""
    """Of its job, which it got as it got its goals."""
    revision: int = 0

    @property
    def origin(self) -> str:
        """Of its job."""
        return name_in_team(self.workspace, self.rerun_of)

    @property
    def is_cancelling(self) -> bool:
        """Whether it was cancelled, and has not ended yet."""
        return self.cancel_requested and not self.status.is_final

    def duration(self, now: float) -> float | None:
        """Seconds from start to end, or to `now` while the run lives."""
        if self.started is None:
            return None
        return max(0.0, (now if self.ended is None else self.ended) - self.started)


@dataclass(slots=True)
class WorkItem:
    """One unit of a job's work, claimed exactly once."""

    job: str
    run_index: int
    status: WorkItemStatus
    node: str | None = None
    run: str | None = None
    epoch: int = 0
    hparams: dict[str, Value] | None = None
    """The set that the item was given, whatever its run logs; None until there is one."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What the search algorithm wants to know again about this set."""


@dataclass(slots=True)
class Event:
    """Something that happened to a run; `seq` counts from 1 within the run."""

    seq: int
    time: float
    event: str
    data: dict[str, Any]


@dataclass(slots=True)
class MetricRecord:
    """One `log_metrics` call; `offset` is its byte position in the run's journal."""

    offset: int
    time: float
    step: float | None
    values: dict[str, Value]
