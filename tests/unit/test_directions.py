"""What the names of metrics tell."""

import pytest

from xt_core.reports.direction import is_maximized, likely_primary


@pytest.mark.parametrize(
    ("logged", "primary"),
    [
        (["loss", "val/acc", "grad_norm"], "val/acc"),
        (["train_acc", "loss", "val_loss"], "val_loss"),
        (["loss", "trainAcc"], "trainAcc"),
        (["val_loss", "valAccuracy", "test-acc"], "valAccuracy"),
        (["lr", "throughput", "train/loss"], "train/loss"),
        (["epoch", "test_time", "lr"], "epoch"),
        (["epoch", "x", "y"], "x"),
        (["validated", "perplexity"], "perplexity"),
    ],
)
def test_the_likeliest_to_tell_which_run_is_best(logged: list[str], primary: str) -> None:
    assert likely_primary(logged) == primary


def test_more_is_better_of_what_is_named_so() -> None:
    names = ["val/acc", "F1", "throughput", "loss", "valLoss", "perplexity", "accident"]
    assert [is_maximized(name, "", True) for name in names] == [True] * 3 + [False] * 4
    assert (is_maximized("acc", "acc", False), is_maximized("loss", "loss", True)) == (False, True)
