"""What the names of metrics tell."""

import pytest

from xt_core.reports.direction import is_an_error, is_maximized, likely_primary


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


def test_some_names_say_that_less_is_better() -> None:
    errors = ["loss", "val/loss", "trainLoss", "top1_err", "mean-error", "val_ppl"]
    others = ["acc", "lossless", "error_score", "x", "epoch", "latency"]
    assert [is_an_error(name) for name in (*errors, *others)] == [True] * 6 + [False] * 6


def test_more_is_better_of_what_is_named_so() -> None:
    names = ["val/acc", "F1", "throughput", "loss", "valLoss", "perplexity", "accident"]
    assert [is_maximized(name, "", True) for name in names] == [True] * 3 + [False] * 4
    assert (is_maximized("acc", "acc", False), is_maximized("loss", "loss", True)) == (False, True)
