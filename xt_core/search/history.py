"""The trials of a search in their own order, however they arrive.

Invariant: what a history holds depends on the last word about each trial alone, not on the order
of arrival or on how often a trial was told.
"""

import math
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from xt_core.model.records import Objective
from xt_core.search.trials import Trial, TrialState

Entry = TypeVar("Entry")


class History(Generic[Entry]):
    """What an algorithm made of each trial, sorted by `Trial.order`.

    `read` makes an entry of a trial, or None of one that it cannot use. A completed trial that
    lacks a finite value for each objective is read as a failed one.
    """

    def __init__(self, objectives: int, read: Callable[[Trial], Entry | None]) -> None:
        self._objectives = objectives
        self._read = read
        self._orders: list[tuple[int, int]] = []
        self._entries: dict[tuple[int, int], Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return (self._entries[order] for order in self._orders)

    def __len__(self) -> int:
        return len(self._orders)

    def tell(self, trials: Iterable[Trial]) -> None:
        """Take in trials that are new or have changed."""
        for trial in trials:
            order = trial.order
            entry = self._read(self._checked(trial))
            if entry is None:
                if self._entries.pop(order, None) is not None:
                    self._orders.remove(order)
                continue
            if order not in self._entries:
                insort(self._orders, order)
            self._entries[order] = entry

    def _checked(self, trial: Trial) -> Trial:
        if trial.state is not TrialState.COMPLETED:
            return trial
        if len(trial.values) == self._objectives and all(map(math.isfinite, trial.values)):
            return trial
        return replace(trial, state=TrialState.FAILED, values=())


def worst_values(
    objectives: Sequence[Objective], completed: Iterable[Sequence[float]]
) -> tuple[float, ...] | None:
    """The worst value seen of each objective, which is what a failed trial counts as; None while
    no trial is completed."""
    columns = list(zip(*completed, strict=True))
    if not columns:
        return None
    return tuple(
        min(column) if objective.maximize else max(column)
        for objective, column in zip(objectives, columns, strict=True)
    )
