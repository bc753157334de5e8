"""Searches to try the algorithms on: a space, a loss, and runs that finish as told."""

import math
from collections.abc import Callable, Iterable, Mapping

from xt_core.model.records import Objective, Value
from xt_core.search.space import Space
from xt_core.search.spec import SearchSpec
from xt_core.search.suggest import Suggester, suggester
from xt_core.search.trials import Suggestion, Trial, TrialState

Loss = Callable[[Mapping[str, Value]], float]

MIXED = Space.from_object(
    {
        "lr": "[$loguniform(-9, 0)]",
        "units": "[$randint(1, 65)]",
        "noise": "[$normal(0, 2)]",
        "batch": "[$quniform(8, 64, 8)]",
        "opt": ["adam", "sgd", "lion"],
        "depth": [1, 2, 4, 8],
        "data": "digits",
    }
)
LOSS = (Objective("loss", maximize=False),)
SCORE = (Objective("score", maximize=True),)


def mixed_loss(hparams: Mapping[str, Value]) -> float:
    """Least, and 0, at lr = e**-4, units = 20, noise = 1, batch = 32, opt = sgd, depth = 4."""
    names = ("lr", "units", "noise", "batch", "depth")
    lr, units, noise, batch, depth = (number(hparams, name) for name in names)
    return (
        ((math.log(lr) + 4) / 9) ** 2
        + ((units - 20) / 64) ** 2
        + ((noise - 1) / 8) ** 2
        + ((batch - 32) / 64) ** 2
        + ((math.log2(depth) - 2) / 3) ** 2
        + (hparams["opt"] != "sgd") / 10
    )


def number(hparams: Mapping[str, Value], name: str) -> float:
    value = hparams[name]
    assert isinstance(value, int | float)
    return value


def spec(
    algorithm: str,
    space: Space = MIXED,
    objectives: tuple[Objective, ...] = LOSS,
    seed: int = 1,
) -> SearchSpec:
    return SearchSpec(algorithm, space, objectives, seed)


def new(
    algorithm: str,
    space: Space = MIXED,
    objectives: tuple[Objective, ...] = LOSS,
    seed: int = 1,
) -> Suggester:
    return suggester(spec(algorithm, space, objectives, seed))


def told(search: Suggester, trials: Iterable[Trial]) -> Suggester:
    search.tell(trials)
    return search


def completed(index: int, suggestion: Suggestion, *values: float, job: str = "job7") -> Trial:
    state = TrialState.COMPLETED
    return Trial(job, index, suggestion.hparams, state, values, suggestion.notes)


def running(index: int, suggestion: Suggestion) -> Trial:
    return Trial("job7", index, suggestion.hparams, TrialState.RUNNING, (), suggestion.notes)


def failed(index: int, suggestion: Suggestion) -> Trial:
    return Trial("job7", index, suggestion.hparams, TrialState.FAILED, (), suggestion.notes)


def run(search: Suggester, loss: Loss, count: int) -> list[Trial]:
    """The trials of so many runs, one after the other."""
    trials: list[Trial] = []
    for index in range(count):
        suggestion = search.suggest(index)
        trials.append(completed(index, suggestion, loss(suggestion.hparams)))
        search.tell(trials[-1:])
    return trials


def best(trials: Iterable[Trial]) -> float:
    return min(trial.values[0] for trial in trials)
