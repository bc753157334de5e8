"""The options of a command's script, as hyperparameters."""

import pytest

from xt_core.submit.arguments import LONGEST_VALUE, script_arguments

PYTHON = ["/usr/bin/python3", "-u"]


def test_options_are_typed_as_the_values_of_a_search_are() -> None:
    argv = [
        *PYTHON, "train.py", "data.csv", "--lr=1e-3", "--epochs", "40", "--opt=adam", "--amp",
        "--nesterov=False", "--bias", "-0.5", "--tag=", "-k=3", "-v", "--name", "a b", "--run=007",
    ]  # fmt: skip
    assert script_arguments(argv, "--") == {
        "lr": 0.001, "epochs": 40, "opt": "adam", "amp": True, "nesterov": False, "bias": -0.5,
        "tag": "", "k": 3, "name": "a b", "run": "007",
    }  # fmt: skip


def test_several_numbers_are_one_text_and_the_last_of_equal_options_counts() -> None:
    argv = [*PYTHON, "t.py", "--layers", "64", "32", "--lr=1", "--lr=2", "--in", "a.csv", "b.csv"]
    assert script_arguments(argv, "--") == {"layers": "64 32", "lr": 2, "in": "a.csv"}


@pytest.mark.parametrize(
    "before",
    [
        [*PYTHON, "sub/train.py"],
        ["bash", "train.sh"],
        ["./train"],
        ["python", "-X", "dev", "-m", "pkg.train"],
        ["torchrun", "--nproc-per-node=2", "train.py"],
        ["python", "-m", "accelerate.launch", "--num", "2", "train.py"],
    ],
)
def test_what_stands_before_the_script_is_not_for_it(before: list[str]) -> None:
    assert script_arguments([*before, "--lr=.1", "--", "--x=1"], "--") == {"lr": 0.1}


def test_options_begin_as_those_of_a_search_do() -> None:
    argv = [*PYTHON, "t.py", "+lr=.1", "opt.name=adam", "--a=1", "-b", "2", "-c=3"]
    assert script_arguments(argv, "-") == {"a": 1, "b": 2, "c": 3}
    assert script_arguments(argv, "--") == {"a": 1, "c": 3}
    assert script_arguments(argv, "+") == {"lr": 0.1}
    assert script_arguments(argv, "") == {"opt.name": "adam"}
    assert script_arguments(argv, None) == script_arguments([], "--") == {}


def test_secrets_and_documents_are_left_out() -> None:
    secret = ["password", "db.password", "hf-token", "TOKEN", "api_key", "apikey", "aws-secret"]
    argv = [*PYTHON, "t.py", *(f"--{name}=x" for name in secret)]
    kept = ["max-tokens", "tokenizer", "key", "author", "keys"]
    argv += [f"--{name}=x" for name in kept]
    assert list(script_arguments([*argv, f"--text={'x' * (LONGEST_VALUE + 1)}"], "--")) == kept


def test_bytes_that_are_no_utf8_are_shown_escaped() -> None:
    assert script_arguments(["./t", "--x=\udcff", "--\udcff=1"], "--") == {"x": "\\udcff"}
