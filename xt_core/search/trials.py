"""What a search algorithm learns from: the sets that were handed out, and what came of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from xt_core.model.names import job_number
from xt_core.model.records import Objective, Run, Value, WorkItem
from xt_core.model.states import RunStatus


class TrialState(StrEnum):
    """What is known of a set."""

    RUNNING = "running"
    COMPLETED = "completed"
    """Every objective has a finite value."""
    FAILED = "failed"
    """The run failed, or ended without a finite value: evidence against the set."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One hyperparameter set. `values` has one number an objective where the state is completed."""

    job: str
    run_index: int
    hparams: Mapping[str, Value]
    state: TrialState
    values: tuple[float, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What the algorithm noted when it suggested the set."""

    @property
    def order(self) -> tuple[int, int]:
        """The place among all trials, the same however and whenever they arrive."""
        return job_number(self.job), self.run_index

    def to_json(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "run_index": self.run_index,
            "hparams": dict(self.hparams),
            "state": self.state.value,
            "values": list(self.values),
            "notes": dict(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Trial":
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError for other data."""
        return cls(
            data["job"],
            data["run_index"],
            data["hparams"],
            TrialState(data["state"]),
            tuple(map(float, data["values"])),
            data["notes"],
        )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A set to try, and what the algorithm wants to know again about it."""

    hparams: dict[str, Value]
    notes: dict[str, Any] = field(default_factory=dict)


_NO_EVIDENCE = frozenset({RunStatus.CANCELLED, RunStatus.LOST})


def trial_of(item: WorkItem, run: Run, objectives: Sequence[Objective]) -> Trial | None:
    """The trial that a work item and its run make; None for one that tells nothing (the run was
    cancelled or lost, or has no set)."""
    hparams = run.hparams if item.hparams is None else item.hparams
    if not hparams or run.status in _NO_EVIDENCE:
        return None
    state, values = TrialState.RUNNING, tuple[float, ...]()
    if run.status.is_final:
        found = objective_values(run, objectives)
        is_good = run.status is RunStatus.COMPLETED and found is not None
        state = TrialState.COMPLETED if is_good else TrialState.FAILED
        values = found if is_good and found is not None else ()
    return Trial(item.job, item.run_index, hparams, state, values, item.notes)


def objective_values(run: Run, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """The last value of each objective; None if one is missing or not finite."""
    values = [finite_number(run.metrics.get(objective.metric)) for objective in objectives]
    found = tuple(value for value in values if value is not None)
    return found if len(found) == len(values) else None


def finite_number(value: Value) -> float | None:
    """A metric's value as a finite number; None for what is none, or too large for one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
