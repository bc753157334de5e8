"""Train a small neural network on handwritten digits, in plain Python.

Softmax regression (``--hidden 0``) or one hidden layer of tanh units, trained by mini-batch
stochastic gradient descent with momentum on 1,297 images of 8×8 pixels, tested on 500 others.
Each epoch logs its metrics and saves a checkpoint in the run's output folder; a restarted run
goes on from there and ends with the same weights as one that was never stopped.

A matrix is a list of rows. A layer is a matrix with one row per unit: its weights, then its bias.
"""

import argparse
import csv
import gzip
import json
import os
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import exp, log, sqrt, tanh
from operator import mul
from pathlib import Path
from typing import Any

from xt_core import Run

Row = Sequence[float]
Matrix = Sequence[Row]
Rows = list[list[float]]
Network = list[Rows]
Sample = tuple[list[float], int]

DATA = Path(__file__).with_name("digits.csv.gz")
CLASSES = 10
BRIGHTEST = 16.0
TEST_IMAGES = 500
EVALUATION_BATCH = 100


def main() -> None:
    args = parse_arguments()
    with Run() as run:
        run.log_hparams(vars(args))
        train(args, run)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a small network on handwritten digits.")
    parser.add_argument("--lr", type=float, default=0.03, help="learning rate")
    parser.add_argument("--momentum", type=float, default=0.9, help="0 for plain SGD")
    parser.add_argument("--hidden", type=int, default=32, help="hidden units, 0 for none")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--l2", type=float, default=1e-4, help="weight decay")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.lr <= 0 or args.l2 < 0 or not 0 <= args.momentum < 1:
        parser.error("--lr must be positive, --l2 not negative, --momentum in [0, 1)")
    if args.hidden < 0 or args.epochs < 1 or args.batch_size < 1:
        parser.error("--hidden must not be negative, --epochs and --batch-size at least 1")
    return args


def train(args: argparse.Namespace, run: Run) -> None:
    train_set, test_set = load_digits(DATA)
    checkpoint = Checkpoint(run.output_dir / "checkpoint.json", vars(args))
    network, velocity = checkpoint.network, checkpoint.velocity
    if checkpoint.epoch:
        print(f"continuing after epoch {checkpoint.epoch} of {args.epochs}", flush=True)
    for epoch in range(checkpoint.epoch + 1, args.epochs + 1):
        samples = train_set.copy()
        random.Random(f"{args.seed}, epoch {epoch}").shuffle(samples)
        loss = train_epoch(network, velocity, samples, args)
        test_loss, accuracy = evaluate(network, test_set)
        print(
            f"epoch {epoch}/{args.epochs}  train-loss {loss:.4f}  "
            f"test-loss {test_loss:.4f}  test-acc {accuracy:.4f}",
            flush=True,
        )
        metrics = {"train-loss": loss, "test-loss": test_loss, "test-acc": accuracy}
        run.log_metrics(metrics, step=epoch)
        if accuracy > checkpoint.best:
            checkpoint.best = accuracy
            best = {"epoch": epoch, "test-acc": accuracy, "layers": network}
            save(best, run.output_dir / "best.json")
        checkpoint.epoch = epoch
        checkpoint.save()
    print(f"best test-acc {checkpoint.best:.4f}", flush=True)


class Checkpoint:
    """All that training needs to go on after an epoch.

    It is taken up only by a run with the same settings; the number of epochs may differ.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings = {name: value for name, value in settings.items() if name != "epochs"}
        try:
            state = json.loads(path.read_text())
        except FileNotFoundError:
            state = {}
        if state.get("settings") != self.settings:
            network = new_network(settings["hidden"], random.Random(settings["seed"]))
            velocity = [[[0.0] * len(row) for row in layer] for layer in network]
            state = {"epoch": 0, "best": -1.0, "network": network, "velocity": velocity}
        self.epoch: int = state["epoch"]
        self.best: float = state["best"]
        self.network: Network = state["network"]
        self.velocity: Network = state["velocity"]

    def save(self) -> None:
        state = {
            "settings": self.settings,
            "epoch": self.epoch,
            "best": self.best,
            "network": self.network,
            "velocity": self.velocity,
        }
        save(state, self.path)


def save(data: dict[str, Any], path: Path) -> None:
    """Write a JSON file that is at every moment either the old one or the new one."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data))
    os.replace(part, path)


def load_digits(path: Path) -> tuple[list[Sample], list[Sample]]:
    """Training and test samples: 64 pixels between 0 and 1, a constant 1 for the bias; the digit.

    The split is the same for every seed, so that runs can be compared.
    """
    with gzip.open(path, "rt", newline="") as file:
        samples = [
            ([float(pixel) / BRIGHTEST for pixel in pixels] + [1.0], int(digit))
            for *pixels, digit in csv.reader(file)
        ]
    random.Random("split").shuffle(samples)
    return samples[TEST_IMAGES:], samples[:TEST_IMAGES]


def new_network(hidden: int, source: random.Random) -> Network:
    """Layers with normal weights, scaled to the number of inputs, and biases of 0."""
    sizes = [64, hidden, CLASSES] if hidden else [64, CLASSES]
    return [
        [[source.gauss(0, 1 / sqrt(inputs)) for _ in range(inputs)] + [0.0] for _ in range(units)]
        for inputs, units in pairwise(sizes)
    ]


def train_epoch(
    network: Network, velocity: Network, samples: list[Sample], args: argparse.Namespace
) -> float:
    """One pass over the samples; returns their mean loss, each taken before its update."""
    total = 0.0
    for batch in batches(samples, args.batch_size):
        loss, gradients = backpropagate(network, batch)
        total += loss
        for layer, speed, gradient in zip(network, velocity, gradients, strict=True):
            descend(layer, speed, gradient, args)
    return total / len(samples)


def descend(layer: Rows, speed: Rows, gradient: Matrix, args: argparse.Namespace) -> None:
    """Update a layer in place: SGD with momentum and weight decay, which spares the bias."""
    lr, momentum, decay = args.lr, args.momentum, args.l2
    for weights, speeds, slopes in zip(layer, speed, gradient, strict=True):
        bias_step = momentum * speeds[-1] - lr * slopes[-1]
        steps = [
            momentum * v - lr * (slope + decay * weight)
            for weight, v, slope in zip(weights, speeds, slopes, strict=True)
        ]
        steps[-1] = bias_step
        speeds[:] = steps
        weights[:] = [weight + step for weight, step in zip(weights, steps, strict=True)]


def backpropagate(network: Network, batch: list[Sample]) -> tuple[float, list[Matrix]]:
    """The batch's summed loss, and for each layer the gradient of the mean loss."""
    images, digits = [image for image, _ in batch], [digit for _, digit in batch]
    activations, outputs = forward(network, images)
    errors = []
    loss = 0.0
    for scores, digit in zip(outputs, digits, strict=True):
        probabilities, sample_loss = softmax_loss(scores, digit)
        probabilities[digit] -= 1.0
        errors.append([error / len(batch) for error in probabilities])
        loss += sample_loss
    gradients: list[Matrix] = []
    for layer, inputs in zip(reversed(network), reversed(activations), strict=True):
        gradients.insert(0, products(columns(errors), columns(inputs)))
        if inputs is not images:
            errors = [
                [slope * (1.0 - unit * unit) for slope, unit in zip(row, units, strict=False)]
                for row, units in zip(products(errors, columns(layer)[:-1]), inputs, strict=True)
            ]
    return loss, gradients


def forward(network: Network, images: Rows) -> tuple[list[Rows], Rows]:
    """What goes into each layer (a constant 1 last), and the scores that come out."""
    activations = [images]
    for layer in network[:-1]:
        hidden = [[*map(tanh, row), 1.0] for row in products(activations[-1], layer)]
        activations.append(hidden)
    return activations, products(activations[-1], network[-1])


def softmax_loss(scores: list[float], digit: int) -> tuple[list[float], float]:
    """The probabilities of the classes, and the cross-entropy of the true one in nats."""
    highest = max(scores)
    powers = [exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers], log(total) + highest - scores[digit]


def evaluate(network: Network, samples: list[Sample]) -> tuple[float, float]:
    """Mean cross-entropy in nats, and the share of the samples that are classified rightly."""
    loss, right = 0.0, 0
    for batch in batches(samples, EVALUATION_BATCH):
        _, outputs = forward(network, [image for image, _ in batch])
        for scores, (_, digit) in zip(outputs, batch, strict=True):
            loss += softmax_loss(scores, digit)[1]
            right += scores[digit] == max(scores)
    return loss / len(samples), right / len(samples)


def products(rows: Matrix, others: Matrix) -> Rows:
    """The matrix of dot products of two matrices' rows."""
    return [[sum(map(mul, row, other)) for other in others] for row in rows]


def columns(matrix: Matrix) -> list[tuple[float, ...]]:
    return list(zip(*matrix, strict=True))


def batches(samples: list[Sample], size: int) -> Iterable[list[Sample]]:
    return (samples[start : start + size] for start in range(0, len(samples), size))


if __name__ == "__main__":
    main()
