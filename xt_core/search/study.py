"""An Optuna study over trials that live elsewhere.

Optuna's own storages copy every trial for every question; here the sampler reads the history's
objects as they are. Invariant: only the trial that is being asked for is ever written to.
"""

from collections.abc import Container
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState


class TrialView(InMemoryStorage):
    """A storage for one ask: `trials`, numbered from 0 in their order, and the asked trial.

    The study itself (its directions and attributes) is kept by Optuna's storage in memory.
    """

    def __init__(self, trials: list[FrozenTrial]) -> None:
        super().__init__()
        self._told = trials
        for number, trial in enumerate(trials):
            trial.number = trial._trial_id = number

    @property
    def asked(self) -> FrozenTrial:
        """The trial that was asked for."""
        return self._told[-1]

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        number = len(self._told)
        self._told.append(frozen_trial(TrialState.RUNNING, {}, {}, None, {}))
        self._told[number].number = self._told[number]._trial_id = number
        return number

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._told[trial_id]

    def get_trial_number_from_id(self, trial_id: int) -> int:
        return trial_id

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        if states is None:
            return self._told
        if states == (TrialState.WAITING,):
            return []
        return [trial for trial in self._told if trial.state in states]

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        trial = self._told[trial_id]
        trial.params[param_name] = distribution.to_external_repr(param_value_internal)
        trial.distributions[param_name] = distribution

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._told[trial_id].system_attrs[key] = value


def frozen_trial(
    state: TrialState,
    params: dict[str, Any],
    distributions: dict[str, BaseDistribution],
    values: list[float] | None,
    attributes: dict[str, Any],
) -> FrozenTrial:
    """A trial without times, which no sampler goes by; `TrialView` numbers it."""
    return FrozenTrial(
        number=-1,
        state=state,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params=params,
        distributions=distributions,
        user_attrs={},
        system_attrs=attributes,
        intermediate_values={},
        trial_id=-1,
        values=values,
    )
