"""`Run`, the logging API: the records it writes, and what it does not take."""

import json
import math
import time
from collections.abc import Callable
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import pytest
from journal_support import contents, records

from xt_core import Run


class Scalar:
    """What numpy and torch call a scalar: something with `item`."""

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value


class Several:
    """An array of many elements."""

    def item(self) -> object:
        raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")


class Level(IntEnum):
    HIGH = 3


class Colour(StrEnum):
    RED = "red"


class TestRecords:
    def test_a_metrics_record_is_one_line_of_plain_json_with_the_time(self, journal: Path) -> None:
        before = time.time()
        Run().log_metrics({"loss": 0.2, "acc": 1}, step=3)
        (record,) = records(journal)
        stamp = record["time"]
        assert journal.read_text() == (
            f'{{"type": "metrics", "time": {stamp:.3f}, "step": 3, '
            '"values": {"loss": 0.2, "acc": 1}}\n'
        )
        assert before - 0.001 <= stamp <= time.time() + 0.001

    def test_every_kind_of_record_has_its_keys(self, journal: Path) -> None:
        run = Run()
        run.log_hparams({"lr": 0.01, "opt": "adam"})
        run.log_metrics({"loss": 0.5})
        run.log_event("restored", {"epoch": 4})
        run.log_event("paused")
        run.tag("best", "final", note="x")
        assert contents(journal) == [
            {"type": "hparams", "values": {"lr": 0.01, "opt": "adam"}},
            {"type": "metrics", "step": None, "values": {"loss": 0.5}},
            {"type": "event", "event": "restored", "data": {"epoch": 4}},
            {"type": "event", "event": "paused", "data": {}},
            {"type": "tags", "values": {"best": True, "final": True, "note": "x"}},
        ]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (True, "true"),
            (False, "false"),
            (None, "null"),
            (-7, "-7"),
            (2**70, str(2**70)),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e-300, "1e-300"),
            (math.nan, '{"$float": "NaN"}'),
            (math.inf, '{"$float": "Infinity"}'),
            (-math.inf, '{"$float": "-Infinity"}'),
            (
                'a "quoted"\nline \u00e9 \U0001f600',
                '"a \\"quoted\\"\\nline \\u00e9 \\ud83d\\ude00"',
            ),
            ("\udcff", '"\\udcff"'),
            (Level.HIGH, "3"),
            (Colour.RED, '"red"'),
            (Scalar(0.25), "0.25"),
            (Scalar(math.nan), '{"$float": "NaN"}'),
            (Scalar(True), "true"),
        ],
    )
    def test_a_value_keeps_its_type(self, journal: Path, value: object, text: str) -> None:
        run = Run()
        run.log_metrics({"m": value})
        run.log_hparams({"m": value})
        metrics, hparams = journal.read_text().splitlines()
        assert metrics.endswith(f'"values": {{"m": {text}}}}}')
        assert hparams.endswith(f'"values": {{"m": {text}}}}}')
        json.loads(metrics, parse_constant=pytest.fail)

    @pytest.mark.parametrize(
        ("step", "text"),
        [
            (0, "0"),
            (-1, "-1"),
            (2.5, "2.5"),
            (None, "null"),
            (Scalar(12), "12"),
            (2**40, "1099511627776"),
        ],
    )
    def test_a_step_is_a_number_or_none(self, journal: Path, step: Any, text: str) -> None:
        Run().log_metrics({"m": 1}, step=step)
        assert f'"step": {text}, ' in journal.read_text()

    def test_any_non_empty_text_is_a_name(self, journal: Path) -> None:
        names = ["loss", 'a "b"', "é/ü", "new\nline", "$float", "{}"]
        run = Run()
        run.log_metrics(dict.fromkeys(names, 1.0))
        run.log_metrics(dict.fromkeys(names, 2.0))
        first, second = contents(journal)
        assert first["values"] == dict.fromkeys(names, 1.0)
        assert second["values"] == dict.fromkeys(names, 2.0)

    def test_thousands_of_different_names_are_all_right(self, journal: Path) -> None:
        run = Run()
        for number in range(10_000):
            run.log_metrics({f"loss/{number}": number})
        assert [record["values"] for record in contents(journal)] == [
            {f"loss/{number}": number} for number in range(10_000)
        ]


class TestMistakes:
    @pytest.mark.parametrize(
        ("log", "message"),
        [
            (
                lambda run: run.log_metrics({"ok": 1.0, "loss": [1, 2]}),
                "metric 'loss' is a list, not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_metrics({"loss": Several()}),
                "metric 'loss' is a Several, "
                "not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_metrics({"loss": Scalar}),
                "metric 'loss' is a type, not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_metrics({"": 1}),
                "the name of a metric must be a non-empty str, not ''",
            ),
            (
                lambda run: run.log_metrics({3: 1}),
                "the name of a metric must be a non-empty str, not 3",
            ),
            (
                lambda run: run.log_hparams({"net": {"size": 3}}),
                "hyperparameter 'net' is a dict, "
                "not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.tag(note=b"x"),
                "tag 'note' is a bytes, not a bool, int, float, str, None or one-element array",
            ),
            (lambda run: run.tag(""), "the name of a tag must be a non-empty str, not ''"),
            (
                lambda run: run.log_event("e", {"x": 1j}),
                "event data 'x' is a complex, "
                "not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_event(""),
                "an event's name must be a non-empty str, not ''",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step="3"),
                "step must be a finite number or None, not '3'",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step=math.nan),
                "step must be a finite number or None, not nan",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step=True),
                "step must be a finite number or None, not True",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step=[3]),
                "step must be a finite number or None, not [3]",
            ),
        ],
    )
    def test_a_mistake_is_named_at_the_call_and_nothing_is_logged(
        self, journal: Path, log: Callable[[Run], None], message: str
    ) -> None:
        with pytest.raises(TypeError) as caught:
            log(Run())
        assert str(caught.value) == message
        assert not journal.exists()
