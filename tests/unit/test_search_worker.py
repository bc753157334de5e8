"""The search worker as its controller meets it: a process and lines."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from search_support import MIXED, completed, failed, mixed_loss, new, run, spec

from xt_core.model.encoding import dumps
from xt_core.search import worker
from xt_core.search.suggest import Suggester
from xt_core.search.trials import Suggestion, Trial

ROOT = Path(__file__).parents[2]
QUIET = os.environ | {"PYTHONPATH": str(ROOT)}


def tell(*trials: Trial) -> str:
    return dumps({"tell": [trial.to_json() for trial in trials]})


def ask(run_index: int) -> str:
    return dumps({"ask": run_index})


class Process:
    """A real worker."""

    def __init__(self, *first: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "xt_core.search.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=QUIET,
        )
        self.send(*first)

    def send(self, *lines: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.writelines(line + "\n" for line in lines)
        self._process.stdin.flush()

    def answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def end(self) -> tuple[int, str, str]:
        """Exit code, what else was answered, standard error."""
        out, err = self._process.communicate()
        return self._process.returncode, out, err


@pytest.fixture
def process() -> Iterator[Process]:
    started = Process(dumps(spec("tpe").to_json()))
    yield started
    started.end()


def test_it_suggests_what_the_algorithm_does_here(process: Process) -> None:
    search = new("tpe")
    for index in range(14):
        process.send(ask(index))
        expected = search.suggest(index)
        answer = process.answer()
        assert answer == {"run_index": index, "hparams": expected.hparams, "notes": {}}
        trial = completed(index, Suggestion(answer["hparams"]), mixed_loss(answer["hparams"]))
        search.tell([trial])
        process.send(tell(trial))
    assert process.end() == (0, "", "")


def test_lines_may_come_before_their_answers_are_read(process: Process) -> None:
    trials = run(new("tpe"), mixed_loss, 12)
    search = new("tpe")
    search.tell(trials)
    process.send(tell(*trials[6:]), tell(*trials[:6]), ask(13), ask(12))
    answers = [process.answer(), process.answer()]
    assert [answer["run_index"] for answer in answers] == [13, 12]
    assert [a["hparams"] for a in answers] == [search.suggest(i).hparams for i in (13, 12)]


def test_a_line_or_trial_that_makes_no_sense_does_not_end_it(process: Process) -> None:
    nan = completed(0, new("tpe").suggest(0), float("nan"))
    assert "$float" in tell(nan)
    process.send(tell(nan), '{"tell": [{"job": 1}, 5]}', "no JSON", '{"ask": "x"}', "[]", ask(1))
    senseless = {"error": "neither a list to tell nor a run_index to ask for"}
    assert process.answer() == {
        "error": "not JSON: JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
    }
    assert [process.answer(), process.answer()] == [senseless, senseless]
    assert list(process.answer()["hparams"]) == list(MIXED)
    code, out, err = process.end()
    assert (code, out) == (0, "")
    assert [line.partition(":")[0] for line in err.splitlines()] == ["xt", "xt"]


def test_a_bad_spec_ends_it_with_the_reason() -> None:
    started = Process(dumps(spec("tpe").to_json() | {"algorithm": "tpa"}))
    assert started.end() == (2, '{"error":"unknown search type \'tpa\'"}\n', "")
    started = Process("{}")
    assert started.end() == (2, '{"error":"KeyError: \'algorithm\'"}\n', "")


def test_no_input_at_all_is_a_quiet_end() -> None:
    started = Process()
    assert started.end() == (0, "", "")


class Broken(Suggester):
    """An algorithm that talks, and fails for odd runs."""

    def tell(self, trials: object) -> None:
        raise ValueError("bad trial")

    def suggest(self, run_index: int) -> Suggestion:
        print("talk")
        if run_index % 2:
            raise RuntimeError("a matrix\nis singular")
        return Suggestion({"a": run_index}, {"b": float("inf")})


def test_an_algorithm_that_fails_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker, "suggester", lambda spec: Broken())
    trial = failed(0, Suggestion({"a": 1}))
    lines = [dumps(spec("tpe").to_json()), tell(trial), ask(1), ask(2)]
    monkeypatch.setattr("sys.stdin", StringIO("\n".join(lines)))
    assert worker.main() == 0
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        {"run_index": 1, "error": "RuntimeError: a matrix is singular"},
        {"run_index": 2, "hparams": {"a": 2}, "notes": {"b": {"$float": "Infinity"}}},
    ]
    assert err == "xt: search: trial left out: ValueError: bad trial\ntalk\ntalk\n"
