"""How long a search takes to suggest a set, beside the same sampler in bare Optuna.

    python benchmarks/search_ask.py [tpe] [gp]

Each has the same finished trials over six parameters. XT makes a new sampler for every ask and
reads the trials where they are; bare Optuna keeps its sampler, and its trials in memory or in
SQLite. An ask is a whole set: `study.ask()` and the suggestion of each parameter. The aim is no
more than 5 ms above Optuna in memory.
"""

import random
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import optuna

from xt_core.model.records import Objective, Value
from xt_core.search.samplers import SAMPLERS
from xt_core.search.space import Space
from xt_core.search.spec import GP, TPE, SearchSpec
from xt_core.search.suggest import suggester
from xt_core.search.trials import Trial, TrialState

SIZES = {TPE: (100, 1000, 5000), GP: (100, 300, 1000)}
ASKS = {TPE: 15, GP: 5}
LARGEST_IN_SQLITE = {TPE: 5000, GP: 300}
SPACE = Space.from_object(
    {
        "lr": "[$uniform(0, 1)]",
        "momentum": "[$uniform(0, 1)]",
        "dropout": "[$uniform(0, 1)]",
        "decay": "[$uniform(0, 1)]",
        "layers": "[$randint(1, 9)]",
        "optimizer": ["adam", "sgd", "lion"],
    }
)
DISTRIBUTIONS: dict[str, optuna.distributions.BaseDistribution] = {
    "lr": optuna.distributions.FloatDistribution(0, 1),
    "momentum": optuna.distributions.FloatDistribution(0, 1),
    "dropout": optuna.distributions.FloatDistribution(0, 1),
    "decay": optuna.distributions.FloatDistribution(0, 1),
    "layers": optuna.distributions.IntDistribution(1, 8),
    "optimizer": optuna.distributions.CategoricalDistribution(["adam", "sgd", "lion"]),
}


def finished(count: int) -> list[tuple[dict[str, Value], float]]:
    """Sets with the values of a smooth function of them."""
    source = random.Random(0)
    sets = [
        {name: d.sample(source.uniform(0.001, 0.999)) for name, d in SPACE.items()}
        for _ in range(count)
    ]
    return [(hparams, loss(hparams)) for hparams in sets]


def loss(hparams: dict[str, Value]) -> float:
    numbers = (value for value in hparams.values() if isinstance(value, float))
    return sum((x - 0.3) ** 2 for x in numbers) + (hparams["optimizer"] == "sgd")


@contextmanager
def silence() -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def ask_xt(algorithm: str, history: list[tuple[dict[str, Value], float]]) -> float:
    """Median seconds of an ask."""
    search = suggester(SearchSpec(algorithm, SPACE, (Objective("loss", False),), 1))
    search.tell(
        Trial("job1", index, hparams, TrialState.COMPLETED, (value,))
        for index, (hparams, value) in enumerate(history)
    )
    times = []
    for index in range(len(history), len(history) + 1 + ASKS[algorithm]):
        began = perf_counter()
        hparams = search.suggest(index).hparams
        times.append(perf_counter() - began)
        search.tell([Trial("job1", index, hparams, TrialState.COMPLETED, (loss(hparams),))])
    return median(times[1:])


def ask_optuna(
    algorithm: str,
    history: list[tuple[dict[str, Value], float]],
    storage: optuna.storages.BaseStorage,
) -> float:
    """Median seconds of an ask."""
    study = optuna.create_study(storage=storage, sampler=SAMPLERS[algorithm](1))
    study.add_trials(
        optuna.create_trial(params=hparams, distributions=DISTRIBUTIONS, value=value)
        for hparams, value in history
    )
    times = []
    for _ in range(1 + ASKS[algorithm]):
        began = perf_counter()
        trial = study.ask(DISTRIBUTIONS)
        times.append(perf_counter() - began)
        study.tell(trial, loss(trial.params))
    return median(times[1:])


def main() -> None:
    print("median time of an ask, ms")
    heads = f"{'XT':>10}{'in memory':>12}{'SQLite':>10}{'difference':>12}{'ratio':>8}"
    print(f"{'':<6}{'runs':>6}{heads}")
    for algorithm in sys.argv[1:] or SIZES:
        for size in SIZES[algorithm]:
            history = finished(size)
            ours = 1000 * ask_xt(algorithm, history)
            bare = 1000 * ask_optuna(algorithm, history, optuna.storages.InMemoryStorage())
            sqlite = "-"
            if size <= LARGEST_IN_SQLITE[algorithm]:
                with tempfile.TemporaryDirectory() as folder:
                    storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/study.db")
                    sqlite = f"{1000 * ask_optuna(algorithm, history, storage):.1f}"
            print(
                f"{algorithm:<6}{size:>6}{ours:>10.1f}{bare:>12.1f}{sqlite:>10}"
                f"{ours - bare:>12.1f}{ours / bare:>8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    with silence():
        main()
