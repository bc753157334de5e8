"""Early stopping: compute saved and best value lost, policy by policy; what a judgement costs.

    python benchmarks/early_stopping.py [SETS] [ORDERS]

The training is that of `examples/digits/train.py` (one hidden layer of tanh units, SGD with
momentum and weight decay, the same split), in numpy. A fixed random search of 40 sets is trained
once for 27 epochs each; the curves are then replayed, in several random orders, by 4 runs at once,
each of which logs its test accuracy once an epoch. Compute is the sum of epochs. A search's best
value is the best last value of its runs, as in XT. The baseline is the same search without policy.

The second table is the time to add a point and judge it among 10,000 other runs of 1,000 points
each, 100 of which are running: where the run is the first to be judged at its step, and where one
was before. The baseline ranks the others' values at the step anew for each point.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xt_core.search.space import Space
from xt_core.search.static import random as random_search
from xt_core.search.stopping import CurveStore, StoppingPolicy, policy_from_settings
from xt_core.search.stopping.curves import Statistic

EPOCHS = 27
CONCURRENT = 4
SEED = 1
DATA = Path(__file__).parents[1] / "examples" / "digits" / "digits.csv.gz"
TEST_IMAGES = 500
OTHERS, POINTS, RUNNING = 10_000, 1_000, 100
JUDGED, BASELINE_STEPS = 300, 30

SPACE = {
    "lr": "$loguniform(-9, 0)",
    "momentum": "$uniform(0, 0.99)",
    "hidden": [4, 8, 16, 32, 64],
    "batch-size": [8, 16, 32, 64, 128],
    "l2": "$loguniform(-12, -2)",
}
POLICIES = {
    "median": {"early-policy": "median", "delay-evaluation": 3},
    "percentile 25%": {"early-policy": "percentile", "delay-evaluation": 3},
    "truncation 25% of 4": {
        "early-policy": "truncation",
        "truncation-percentage": 25,
        "delay-evaluation": 3,
        "evaluation-interval": 3,
    },
    "bandit factor 0.1": {"early-policy": "bandit", "slack-factor": 0.1, "delay-evaluation": 3},
    "bandit amount 0.02": {"early-policy": "bandit", "slack-amount": 0.02, "delay-evaluation": 3},
    "asha 1, 3, 9": {"early-policy": "asha", "max-steps": EPOCHS},
    "asha 3, 9": {"early-policy": "asha", "min-steps": 3, "max-steps": EPOCHS},
    "hyperband": {"early-policy": "hyperband", "max-steps": EPOCHS},
    "threshold 0.8": {"early-policy": "threshold", "lower": 0.8, "delay-evaluation": 5},
    "patience 5": {"early-policy": "patience", "patience": 5, "min-delta": 0.002},
}

TIMED = ("median", "truncation 25% of 4", "bandit factor 0.1", "asha 1, 3, 9", "patience 5")
"""One policy for each way of looking at the curves."""

Array = npt.NDArray[np.float64]
Accuracies = list[float]


def load_digits() -> tuple[Array, Array]:
    """Training and test samples in the example's split: 64 pixels of 0 to 1, then the digit."""
    samples = np.loadtxt(DATA, delimiter=",")
    samples[:, :-1] /= 16.0
    order = list(range(len(samples)))
    random.Random("split").shuffle(order)
    samples = samples[order]
    return samples[TEST_IMAGES:], samples[:TEST_IMAGES]


def with_bias(rows: Array) -> Array:
    return np.hstack([rows, np.ones((len(rows), 1))])


def train(hparams: dict[str, float], train_set: Array, test_set: Array) -> Accuracies:
    """The test accuracy after each epoch."""
    source = np.random.default_rng(SEED)
    sizes = [64, int(hparams["hidden"]), 10]
    layers = [
        np.vstack([source.normal(0, inputs**-0.5, (inputs, units)), np.zeros((1, units))])
        for inputs, units in pairwise(sizes)
    ]
    speeds = [np.zeros_like(layer) for layer in layers]
    accuracies = []
    for _ in range(EPOCHS):
        shuffled = source.permutation(train_set)
        for start in range(0, len(shuffled), int(hparams["batch-size"])):
            batch = shuffled[start : start + int(hparams["batch-size"])]
            for layer, speed, slope in zip(layers, speeds, slopes(layers, batch), strict=True):
                slope[:-1] += hparams["l2"] * layer[:-1]
                speed *= hparams["momentum"]
                speed -= hparams["lr"] * slope
                layer += speed
        scores = with_bias(np.tanh(with_bias(test_set[:, :-1]) @ layers[0])) @ layers[1]
        accuracies.append(float(np.mean(scores.argmax(axis=1) == test_set[:, -1])))
    return accuracies


def slopes(layers: list[Array], batch: Array) -> list[Array]:
    """The gradient of the mean cross-entropy, layer by layer."""
    inputs = with_bias(batch[:, :-1])
    units = np.tanh(inputs @ layers[0])
    scores = with_bias(units) @ layers[1]
    errors = np.exp(scores - scores.max(axis=1, keepdims=True))
    errors /= errors.sum(axis=1, keepdims=True)
    errors[np.arange(len(batch)), batch[:, -1].astype(int)] -= 1.0
    errors /= len(batch)
    hidden_errors = (errors @ layers[1][:-1].T) * (1.0 - units**2)
    return [inputs.T @ hidden_errors, with_bias(units).T @ errors]


@dataclass(frozen=True)
class Outcome:
    """What a search came to."""

    stopped: int
    epochs: int
    best: float


def replay(curves: list[Accuracies], policy: StoppingPolicy | None) -> Outcome:
    """Run the curves in their order, `CONCURRENT` at once, an epoch of each in turn."""
    store = CurveStore(True) if policy is None else policy.new_curves()
    waiting = iter(range(len(curves)))
    running = list(islice(waiting, CONCURRENT))
    for index in running:
        store.start(f"run{index}", index)
    done = [0] * len(curves)
    stopped = 0
    while running:
        for index in tuple(running):
            run = f"run{index}"
            done[index] += 1
            new = store.add(run, [(done[index], curves[index][done[index] - 1])])
            verdict = policy.judge(run, store, new) if policy else None
            if verdict is None and done[index] < EPOCHS:
                continue
            stopped += verdict is not None
            store.end(run)
            running.remove(index)
            following = next(waiting, None)
            if following is not None:
                store.start(f"run{following}", following)
                running.append(following)
    last_values = [curve[epochs - 1] for curve, epochs in zip(curves, done, strict=True)]
    return Outcome(stopped, sum(done), max(last_values))


def policies() -> Iterator[tuple[str, StoppingPolicy | None]]:
    yield "none", None
    for name, settings in POLICIES.items():
        yield name, policy_from_settings(settings, maximize=True, seed=SEED, metric="test-acc")


def compare(curves: list[Accuracies], orders: int) -> None:
    total = len(curves) * EPOCHS
    print(f"{'policy':20} {'stopped':>8} {'epochs':>7} {'saved':>7} {'best':>7} {'lost':>7} worst")
    for name, policy in policies():
        outcomes = [
            replay(random.Random(order).sample(curves, len(curves)), policy)
            for order in range(orders)
        ]
        stopped = statistics.mean(outcome.stopped for outcome in outcomes)
        epochs = statistics.mean(outcome.epochs for outcome in outcomes)
        best = statistics.mean(outcome.best for outcome in outcomes)
        whole = max(curve[-1] for curve in curves)
        worst = whole - min(outcome.best for outcome in outcomes)
        print(
            f"{name:20} {stopped:8.1f} {epochs:7.1f} {1 - epochs / total:7.1%} {best:7.4f} "
            f"{whole - best:7.4f} {worst:.4f}"
        )


def filled_store() -> CurveStore:
    """The others' curves; the last `RUNNING` of them are running."""
    store = CurveStore(maximize=True)
    source = random.Random(SEED)
    for index in range(OTHERS):
        run = f"run{index}"
        level = source.random()
        store.start(run, index)
        store.add(run, [(step, level * step / POINTS) for step in range(1, POINTS + 1)])
        if index < OTHERS - RUNNING:
            store.end(run)
    return store


def judging_time(policy: StoppingPolicy, store: CurveStore, run: str) -> float:
    """Mean microseconds to add a point of a new run and judge it."""
    store.start(run, OTHERS)
    began = time.perf_counter()
    for step in range(1, JUDGED + 1):
        policy.judge(run, store, store.add(run, [(step, 1.0)]))
    seconds = time.perf_counter() - began
    store.end(run)
    return 1e6 * seconds / JUDGED


def ranking_time(store: CurveStore) -> float:
    """Mean microseconds to rank the others' values at a step without anything kept."""
    curves = [store.curve(f"run{index}") for index in range(OTHERS)]
    began = time.perf_counter()
    for step in range(1, BASELINE_STEPS + 1):
        sorted(curve.at(step, Statistic.LAST) or 0.0 for curve in curves)
    return 1e6 * (time.perf_counter() - began) / BASELINE_STEPS


def time_judgements() -> None:
    began = time.perf_counter()
    store = filled_store()
    adding = 1e6 * (time.perf_counter() - began) / (OTHERS * POINTS)
    print(f"\n{OTHERS} runs × {POINTS} points, {adding:.2f} µs to add one; µs to add and judge one")
    print(f"{'policy':20} {'first at a step':>15} {'later':>8}")
    for name, policy in policies():
        if policy is not None and name in TIMED:
            first, later = (judging_time(policy, store, f"{name} {i}") for i in range(2))
            print(f"{name:20} {first:15.1f} {later:8.1f}")
    print(f"{'baseline: rank anew':20} {ranking_time(store):15.1f}")


def main() -> None:
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    orders = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    train_set, test_set = load_digits()
    began = time.perf_counter()
    curves = [
        train({name: float(str(value)) for name, value in hparams.items()}, train_set, test_set)
        for hparams in random_search(Space.from_object(SPACE), sets, SEED)
    ]
    seconds = time.perf_counter() - began
    print(f"{sets} sets × {EPOCHS} epochs of the digits example, trained in {seconds:.0f} s;")
    print(f"means over {orders} orders, {CONCURRENT} runs at once; lost: test accuracy")
    compare(curves, orders)
    time_judgements()


if __name__ == "__main__":
    main()
