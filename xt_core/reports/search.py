"""A search seen as a whole: how its best value came about, its Pareto front, its parameters.

Everything is computed from a job and its outcomes. Invariant: outcomes stand in the order of their
run_index, so no view depends on the order in which runs ended.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from xt_core.errors import UsageError
from xt_core.model.encoding import plain
from xt_core.model.records import Job, Objective, Run, Value, WorkItem
from xt_core.reports.documents import Document
from xt_core.search.trials import Trial, TrialState, finite_number, trial_of

if TYPE_CHECKING:
    from xt_core.search.space import Space

LEAST_FOR_IMPORTANCE = 10
"""Completed runs; of fewer the shares would be noise."""
_LINEAR_DECADES = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, and the trial it is to the search."""

    run: Run
    trial: Trial


@dataclass(frozen=True, slots=True)
class Progress:
    """Completed runs in order of their run_index: the value of each, and the best up to it."""

    runs: list[str] = field(default_factory=list)
    run_index: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Slice:
    """The values of one parameter in runs, and the primary metric of each."""

    name: str
    values: list[Value] = field(default_factory=list)
    objective: list[float] = field(default_factory=list)


def objectives_of(job: Job) -> list[Objective]:
    """What a job's runs are judged by, the primary metric first; none if it has no such metric."""
    if job.objectives or not job.primary_metric:
        return job.objectives
    return [Objective(job.primary_metric, job.maximize)]


def outcomes(job: Job, history: Iterable[tuple[WorkItem, Run]]) -> list[Outcome]:
    """The outcomes of a job, of its history in any order; none without a metric to judge by."""
    objectives = objectives_of(job)
    if not objectives:
        return []
    trials = ((run, trial_of(item, run, objectives)) for item, run in history)
    found = [Outcome(run, trial) for run, trial in trials if trial is not None]
    return sorted(found, key=lambda outcome: outcome.trial.order)


def declared_space(job: Job) -> "Space | None":
    """The space that a job declares; None without one, or for one of a grammar that is unknown
    here: another version may have written it."""
    from xt_core.search.space import Space

    try:
        return Space.from_object(job.space) if job.space else None
    except UsageError:
        return None


def completed(found: Iterable[Outcome]) -> list[Outcome]:
    """Those whose every objective has a value."""
    return [outcome for outcome in found if outcome.trial.state is TrialState.COMPLETED]


def running(job: Job, found: Iterable[Outcome]) -> list[tuple[Outcome, float]]:
    """Those that have not ended, the best first, each with the value of the primary metric that it
    logged last; none of those that have logged no finite one."""
    primary = objectives_of(job)[0]
    live = [outcome for outcome in found if outcome.trial.state is TrialState.RUNNING]
    values = [(outcome, finite_number(outcome.run.metrics.get(primary.metric))) for outcome in live]
    known = [(outcome, value) for outcome, value in values if value is not None]
    return sorted(known, key=lambda pair: pair[1], reverse=primary.maximize)


def given_sets(found: Iterable[Outcome]) -> dict[str, Mapping[str, Value]]:
    """The set that each run was given, whatever it logged, by the run's full name."""
    return {outcome.run.full_name: outcome.trial.hparams for outcome in found}


def best_so_far(found: Iterable[Outcome], maximize: bool) -> Progress:
    """How the best value of the primary metric came about."""
    done = completed(found)
    values = [outcome.trial.values[0] for outcome in done]
    return Progress(
        [outcome.run.name for outcome in done],
        [outcome.trial.run_index for outcome in done],
        values,
        list(accumulate(values, max if maximize else min)),
    )


def pareto_front(found: Iterable[Outcome], objectives: Sequence[Objective]) -> list[Outcome]:
    """The completed outcomes that no other dominates, the best of the first objective first.

    One dominates another if it is as good in every objective and better in one; equals do not. In
    lexicographic order nothing is dominated by what follows it, so each is compared with the front
    so far alone (Kung, Luccio & Preparata, JACM 22(4), 1975, section 2).
    """
    signs = [-1.0 if objective.maximize else 1.0 for objective in objectives]
    costs = [
        (tuple(s * v for s, v in zip(signs, outcome.trial.values, strict=True)), outcome)
        for outcome in completed(found)
    ]
    front: list[tuple[tuple[float, ...], Outcome]] = []
    for cost, outcome in sorted(costs, key=lambda pair: pair[0]):
        if not any(_dominates(other, cost) for other, _ in front):
            front.append((cost, outcome))
    return [outcome for _, outcome in front]


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def parameter_slices(found: Iterable[Outcome]) -> list[Slice]:
    """A slice of each parameter that has more than one value in completed runs, in the order of
    the sets."""
    return [column for column in completed_slices(found).values() if varies(column.values)]


def completed_slices(found: Iterable[Outcome]) -> dict[str, Slice]:
    """A slice of each parameter of completed runs, by its name."""
    return _slices((outcome, outcome.trial.values[0]) for outcome in completed(found))


def running_slices(job: Job, found: Iterable[Outcome]) -> dict[str, Slice]:
    """As `completed_slices`, of the runs that have not ended and what they logged last."""
    return _slices(running(job, found))


def _slices(valued: Iterable[tuple[Outcome, float]]) -> dict[str, Slice]:
    columns: dict[str, Slice] = {}
    for outcome, objective in valued:
        for name, value in outcome.trial.hparams.items():
            column = columns.setdefault(name, Slice(name))
            column.values.append(value)
            column.objective.append(objective)
    return columns


def varies(values: Sequence[Value]) -> bool:
    """Whether there is more than one value."""
    return any(value != values[0] or type(value) is not type(values[0]) for value in values)


def needs_log_axis(values: Iterable[float]) -> bool:
    """Whether finite values are all positive and span more than two decades."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or min(finite) <= 0:
        return False
    return math.log10(max(finite)) - math.log10(min(finite)) > _LINEAR_DECADES


def parameter_importance(job: Job, found: Iterable[Outcome]) -> dict[str, float] | None:
    """The share of each parameter in whether a run is among the best, the largest first, summing
    to 1; None with fewer than `LEAST_FOR_IMPORTANCE` completed runs. It loads Optuna."""
    trials = [outcome.trial for outcome in completed(found)]
    if len(trials) < LEAST_FOR_IMPORTANCE:
        return None
    from xt_core.search.importance import observed_space, ped_anova

    space = declared_space(job) or observed_space([trial.hparams for trial in trials])
    return ped_anova(space, trials, objectives_of(job)[0].maximize)


def search_document(job: Job, found: Sequence[Outcome]) -> Document:
    """`best_so_far` and `pareto`, with the keys of `xt view job --json`."""
    objectives = objectives_of(job)
    document: Document = {"best_so_far": None, "pareto": []}
    if objectives:
        progress = best_so_far(found, objectives[0].maximize)
        document["best_so_far"] = {
            "run": progress.runs,
            "run_index": progress.run_index,
            "value": progress.value,
            "best": progress.best,
        }
    if len(objectives) > 1:
        metrics = [objective.metric for objective in objectives]
        document["pareto"] = [
            {
                "run": outcome.run.name,
                "run_index": outcome.trial.run_index,
                "stopped_early": outcome.run.stopped_early,
                "values": dict(zip(metrics, outcome.trial.values, strict=True)),
                "set": plain(dict(outcome.trial.hparams)),
            }
            for outcome in pareto_front(found, objectives)
        ]
    return document


def slices_document(found: Iterable[Outcome]) -> Document:
    """`slices`, with the keys of `xt view job --json --slices`."""
    return {
        column.name: {"value": plain(column.values), "objective": column.objective}
        for column in parameter_slices(found)
    }
