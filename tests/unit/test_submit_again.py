"""A request made again with changes: arguments of the script, and options."""

import pytest

from xt_core.submit.again import changed, with_arguments
from xt_core.submit.options import RunRequest, command_line, request_from_texts, texts_of


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], ["t.py", "--lr=0.1", "--opt", "adam", "-v"]),
        (["--lr=0.2"], ["t.py", "--lr=0.2", "--opt", "adam", "-v"]),
        (["--opt=sgd"], ["t.py", "--lr=0.1", "--opt", "sgd", "-v"]),
        (["--l=3", "x"], ["t.py", "--lr=0.1", "--opt", "adam", "-v", "--l=3", "x"]),
        (["-v=2"], ["t.py", "--lr=0.1", "--opt", "adam", "-v", "-v=2"]),
        (["--opt=a", "--opt=b"], ["t.py", "--lr=0.1", "--opt", "b", "-v"]),
    ],
)
def test_arguments_take_the_place_of_those_of_their_name(
    arguments: list[str], command: list[str]
) -> None:
    assert with_arguments(["t.py", "--lr=0.1", "--opt", "adam", "-v"], arguments) == command


def test_what_stands_after_a_double_dash_is_left_alone() -> None:
    command = ["t.py", "--", "--lr=0.1"]
    assert with_arguments(command, ["--lr=0.2"]) == ["t.py", "--lr=0.2", "--", "--lr=0.1"]


def test_options_take_the_place_of_the_old_ones() -> None:
    request = RunRequest(command=["t.py"], runs=3, maximize=True, env={"A": "1", "B": "2"})
    other = changed(request, {"runs": 5, "minimize": True, "env": {"B": "3"}}, [])
    assert (other.runs, other.maximize, other.minimize) == (5, None, True)
    assert other.env == {"A": "1", "B": "3"}
    assert request.env == {"A": "1", "B": "2"}


def test_a_request_survives_a_form() -> None:
    request = RunRequest(
        command=["t.py", "a b"], seed=0, max_minutes=1234567.25, env={"A": "x y"}, minimize=True
    )
    assert request.given() == {
        "seed": 0, "max_minutes": 1234567.25, "env": {"A": "x y"}, "minimize": True,
    }  # fmt: skip
    assert request_from_texts("t.py 'a b'", texts_of(request)) == request
    assert command_line(request) == (
        "xt run --seed 0 --minimize --max-minutes 1234567.25 --env 'A=x y' t.py 'a b'"
    )
