"""Searches that cannot be are refused before anything is stored."""

import json

import pytest
from support import Xt


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--search-type", "tpe", "t.py", "--x=[1,2]"), "a tpe search without a number of runs"),
        (("--search-type", "cmaes", "--runs", "3", "t.py", "--x=[a,b]"), "no parameter with"),
        (("--search-type", "dgd", "--runs", "3", "--primary-metric", "a,b", "t.py", "--x=[1,2]"),
         "2 objectives, but it takes one"),
        (("--search-type", "tpe", "--runs", "3", "t.py"), "with nothing to search"),
        (("--hp-config", "none.yaml", "t.py"), "cannot read the hyperparameter file none.yaml"),
        (("--early-stopping", "medain", "t.py", "--x=[1,2]"), "medain"),
        (("--retry-exit-codes", "x", "t.py"), "not all are whole numbers"),
        (("--extend", "job1", "--runs", "2", "--seed", "1"), "--extend and --seed together"),
        (("--extend", "job1"), "--extend without a number of runs"),
        (("--warm-start", "job1", "t.py"), "--warm-start without a search that learns"),
        (("--search-style", "static", "--search-type", "tpe", "--runs", "2", "t.py", "--x=[1,2]"),
         "a static tpe search: it chooses each set by the results of earlier runs"),
        (("--warm-start", "job1", "--search-type", "qmc", "--runs", "2", "t.py", "--x=[1,2]"),
         "--warm-start without a search that learns"),
        (("--nodes", "0", "t.py"), "--nodes is 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_one_line(xt: Xt, options: tuple[str, ...], message: str) -> None:
    xt.script("t.py", "")
    done = xt("run", *options, code=2)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert xt.session.store.jobs() == []


def test_an_option_replaces_the_other_way_to_say_it_in_a_file(xt: Xt) -> None:
    xt.script("t.py", "")
    (xt.code / "xt_config.yaml").write_text(
        "early-stopping: {early-policy: bandit, slack-amount: 3}\n"
    )
    command = ("run", "--json", "--dry-run", "--runs", "2", "t.py", "--x=[1,2]")
    assert slacks(xt, *command) == (None, 3)
    assert slacks(xt, *command, options=("--early-stopping", "bandit,slack-factor=0.5")) == (
        0.5,
        None,
    )


def slacks(xt: Xt, *command: str, options: tuple[str, ...] = ()) -> tuple[object, object]:
    """The factor and the amount that the job would have."""
    document = json.loads(xt("run", *options, *command[1:]).stdout)
    stopping = document["mrc"]["stopping"]
    return stopping["slack-factor"], stopping["slack-amount"]
