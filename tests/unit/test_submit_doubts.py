"""Commands that are taken literally and hardly meant so, and those of XT itself."""

import pytest

from xt_core.errors import UsageError
from xt_core.submit.doubts import command_doubts, refuse_open_brackets
from xt_core.submit.owncommand import own_arguments_of, refuse_own_command
from xt_core.submit.recent import metrics_of_scripts, script_of, unlogged

LISTED = "uniform, normal, loguniform, lognormal, linspace, randint, choice, quniform, …"


def test_what_is_hardly_meant_is_told_and_nothing_else() -> None:
    command = ["t.py", "--a=[$log,b]", "--b=['$log']", "--c=[$loguniform(.1, 1)]", "--d=[1,2]"]
    assert command_doubts(command, "--") == [
        f"a: $log is taken as a text; distributions: {LISTED}",
        "c: bounds are exponents: for 0.1 … 1 write $loguniform(-2.303, 0)",
    ]
    assert command_doubts(command, None) == []
    [open_bracket] = command_doubts(["t.py", "--lr=[.1", "--x=[a]b", "--", "--y=[1"], "--")
    assert open_bracket.startswith("--lr=[.1: one value, not a search; close the bracket")


def test_a_bracket_that_is_not_closed_is_refused_before_a_literal_end_of_options() -> None:
    refuse_open_brackets(["t.py", "--lr=[.1]", "[", "--x=a[", "--", "--y=[1"])
    with pytest.raises(UsageError, match=r"the bracket of -lr=\[.1, is not closed"):
        refuse_open_brackets(["t.py", "-lr=[.1,", ".2]"])


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("xt run t.py --a", ["t.py", "--a"]),
        ("$ .venv/bin/xt run --runs 2 t.py", ["--runs", "2", "t.py"]),
        ("python3.11 -m xt_core run '--lr=[1, 2]'", ["--lr=[1, 2]"]),
        ("xt run", []),
        ("xt run 't.py", None),
        ("xt list runs", None),
        ("python t.py run", None),
        ("$", None),
        ("", None),
    ],
)
def test_a_command_of_xt_itself_is_recognised(text: str, arguments: list[str] | None) -> None:
    assert own_arguments_of(text) == arguments


def test_xt_does_not_run_itself() -> None:
    refuse_own_command(["t.py", "xt", "run"])
    with pytest.raises(UsageError, match="the command to run begins with xt run itself"):
        refuse_own_command(["xt", "run", "t.py"])


def test_metrics_that_a_script_never_logged_are_told() -> None:
    assert metrics_of_scripts([]) == {}
    assert script_of("torchrun --nproc 2 ./a/t.py --x=b.py") == "a/t.py"
    assert (script_of("make all"), script_of("t.py 'x"), script_of("")) == ("make", "", "")
    logged = {"t.py": ["loss", "acc"]}
    assert unlogged(["loss", "acc"], "t.py", logged) == unlogged(["los"], "u.py", logged) == ""
    told = "no earlier run of t.py logged los: they logged loss, acc"
    assert unlogged(["loss", "los"], "python t.py --n=3", logged) == told
