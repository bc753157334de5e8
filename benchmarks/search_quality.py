"""How good the sets are that a search finds: each algorithm against random search.

    python benchmarks/search_quality.py [--seeds N] [--first-seed N] [--runs N] [ALGORITHM …]

A search is 50 runs, one after the other, and its result the least loss of them; 20 searches with
different seeds an algorithm. `p` is the probability of results as good as these if the algorithm
were no better than random search (Mann-Whitney U test, one-sided).

Branin and Hartmann-6: https://www.sfu.ca/~ssurjano/optimization.html. The discrete function has
250,000 sets and its least loss, 0, at one of them. The classifier is a network with one hidden
layer on the images of examples/digits: the loss is the cross-entropy of the test images in nats.
"""

import argparse
import gzip
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import mannwhitneyu

from xt_core.model.records import Objective
from xt_core.search.space import Space
from xt_core.search.spec import CMAES, DGD, GP, TPE, SearchSpec
from xt_core.search.static import RANDOM
from xt_core.search.suggest import suggester
from xt_core.search.trials import Trial, TrialState

DIGITS = Path(__file__).parents[1] / "examples" / "digits" / "digits.csv.gz"
TEST_IMAGES = 500
EPOCHS = 3
Hparams = Mapping[str, Any]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Problem:
    """A loss over a space."""

    space: Space
    loss: Callable[[Hparams], float]


def branin(x: Hparams) -> float:
    a, b = x["x1"], x["x2"]
    curve = b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6
    return float(curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10)


HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_SLOPES = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
HARTMANN_CENTRES = np.array(
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
)


def hartmann(x: Hparams) -> float:
    distances = (HARTMANN_SLOPES * (np.array(list(x.values())) - HARTMANN_CENTRES) ** 2).sum(axis=1)
    return -float(HARTMANN_WEIGHTS @ np.exp(-distances))


COSTS = {"adam": 0, "sgd": 1, "lion": 2, "rprop": 3, "none": 4}


def discrete(x: Hparams) -> float:
    """A zigzag valley over four integers that begins at 7, and the costs of two choices."""
    places = [x[name] for name in "abcd"]
    zigzag = sum((before + after - 9) ** 2 / 9 for before, after in pairwise(places))
    return float(zigzag + (places[0] - 7) ** 2 / 9 + COSTS[x["e"]] + COSTS[x["f"]])


@cache
def digits() -> tuple[Matrix, Matrix]:
    """Pixels from 0 to 1, with the digit last; for training and for testing."""
    with gzip.open(DIGITS, "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    table = np.random.default_rng(0).permutation(table)
    table[:, :-1] /= 16
    return table[TEST_IMAGES:], table[:TEST_IMAGES]


def classifier(x: Hparams) -> float:
    """Cross-entropy in nats after some epochs of SGD with momentum and weight decay."""
    train, test = digits()
    source = np.random.default_rng(0)
    sizes = (64, int(x["hidden"]), 10)
    network = [source.normal(0, n**-0.5, (n, m)) for n, m in pairwise(sizes)]
    speeds = [np.zeros_like(layer) for layer in network]
    for _ in range(EPOCHS):
        shuffled = source.permutation(train)
        for start in range(0, len(shuffled), int(x["batch"])):
            batch = shuffled[start : start + int(x["batch"])]
            gradients = backpropagate(network, batch)
            for layer, speed, gradient in zip(network, speeds, gradients, strict=True):
                speed *= x["momentum"]
                speed -= x["lr"] * (gradient + x["decay"] * layer)
                layer += speed
    probabilities = forward(network, test[:, :-1])[1]
    right = probabilities[np.arange(len(test)), test[:, -1].astype(int)]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def forward(network: Sequence[Matrix], pixels: Matrix) -> tuple[Matrix, Matrix]:
    """What the hidden units give, and the probabilities of the digits."""
    hidden = np.tanh(pixels @ network[0])
    scores = hidden @ network[1]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, powers / powers.sum(axis=1, keepdims=True)


def backpropagate(network: Sequence[Matrix], batch: Matrix) -> tuple[Matrix, Matrix]:
    """The gradient of the mean cross-entropy for each layer."""
    pixels, labels = batch[:, :-1], batch[:, -1].astype(int)
    hidden, errors = forward(network, pixels)
    errors[np.arange(len(batch)), labels] -= 1
    errors /= len(batch)
    return pixels.T @ ((errors @ network[1].T) * (1 - hidden**2)), hidden.T @ errors


PROBLEMS = {
    "Branin": Problem(
        Space.from_object({"x1": "[$uniform(-5, 10)]", "x2": "[$uniform(0, 15)]"}), branin
    ),
    "Hartmann-6": Problem(
        Space.from_object({f"x{n}": "[$uniform(0, 1)]" for n in range(1, 7)}), hartmann
    ),
    "discrete": Problem(
        Space.from_object(
            {
                **dict.fromkeys("abcd", "[$randint(10)]"),
                **{name: list(COSTS) for name in "ef"},
            }
        ),
        discrete,
    ),
    "classifier": Problem(
        Space.from_object(
            {
                "lr": "[$loguniform(-9, 2)]",
                "momentum": "[$uniform(0, 0.99)]",
                "decay": "[$loguniform(-12, -2)]",
                "hidden": "[$randint(4, 65)]",
                "batch": [8, 16, 32, 64],
            }
        ),
        classifier,
    ),
}


def search(task: tuple[str, str, int, int]) -> float:
    """The least loss of one search."""
    name, algorithm, seed, runs = task
    problem = PROBLEMS[name]
    found = suggester(SearchSpec(algorithm, problem.space, (Objective("loss", False),), seed))
    least = math.inf
    for index in range(runs):
        suggestion = found.suggest(index)
        hparams, loss = suggestion.hparams, problem.loss(suggestion.hparams)
        least = min(least, loss)
        state = TrialState.COMPLETED
        found.tell([Trial("job1", index, hparams, state, (loss,), suggestion.notes)])
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description="Search quality against random search.")
    parser.add_argument("algorithms", nargs="*", default=[TPE, GP, CMAES, DGD])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=50)
    args = parser.parse_args()
    names = [RANDOM, *args.algorithms]
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    print(f"least loss of {args.runs} runs: median of {args.seeds} searches; p against random")
    print(f"{'':<12}{RANDOM:>9}" + "".join(f"{n:>10}{'p':>9}" for n in args.algorithms))
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for problem in PROBLEMS:
            tasks = [(problem, n, s, args.runs) for n, s in product(names, seeds)]
            results = list(pool.map(search, tasks))
            rows = [results[i : i + args.seeds] for i in range(0, len(results), args.seeds)]
            cells = [f"{median(row):>10.4f}{better(row, rows[0]):>9.1e}" for row in rows[1:]]
            print(f"{problem:<12}{median(rows[0]):>9.4f}" + "".join(cells), flush=True)


def better(results: Sequence[float], by_chance: Sequence[float]) -> float:
    return float(mannwhitneyu(results, by_chance, alternative="less").pvalue)


if __name__ == "__main__":
    main()
