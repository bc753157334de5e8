"""Metric records as events."""

import math
from typing import Any

from event_files import hparams_of, parsed, points_of, sessions_of

from xt_core.model.records import MetricRecord, Run, Value
from xt_core.model.states import RunStatus
from xt_core.tensorboard.events import framed, metric_events, opening, session_end, session_start


def read_back(*records: MetricRecord, steps: dict[str, float] | None = None) -> dict[str, Any]:
    known = {} if steps is None else steps
    return points_of(parsed(framed(e for record in records for e in metric_events(record, known))))


def test_numbers_and_booleans_are_scalars_texts_are_texts_and_null_is_nothing() -> None:
    values: dict[str, Value] = {"loss": 0.25, "n": 3, "ok": True, "said": "hi ü", "none": None}
    assert read_back(MetricRecord(0, 1e9, 7.0, values)) == {
        "loss": [(1e9, 7, 0.25)],
        "n": [(1e9, 7, 3.0)],
        "ok": [(1e9, 7, 1.0)],
        "said/text_summary": [(1e9, 7, "hi ü")],
    }


def test_numbers_that_are_none_or_too_large_are_kept_as_such() -> None:
    values: dict[str, Value] = {
        "nan": math.nan,
        "inf": -math.inf,
        "double": 1e300,
        "whole": 10**400,
    }
    got = read_back(MetricRecord(0, 1e9, 0.0, values))
    assert math.isnan(got["nan"][0][2])
    assert [got[name][0][2] for name in ("inf", "double", "whole")] == [
        -math.inf,
        math.inf,
        math.inf,
    ]


def test_a_record_without_a_step_counts_on_from_its_metrics_last_one() -> None:
    steps = {"loss": 4.0}
    records = [MetricRecord(n, 1e9 + n, None, {"loss": 1.0, "acc": 0.5}) for n in range(2)]
    got = read_back(*records, steps=steps)
    assert got == {
        "loss": [(1e9, 5, 1.0), (1e9 + 1, 6, 1.0)],
        "acc": [(1e9, 0, 0.5), (1e9 + 1, 1, 0.5)],
    }
    assert steps == {"loss": 6.0, "acc": 1.0}


def test_steps_are_whole_and_within_64_bits() -> None:
    records = [MetricRecord(0, 1e9, step, {"a": 1.0}) for step in (2.9, -0.5, 1e30, -1e30)]
    steps = [step for _, step, _ in read_back(*records)["a"]]
    assert steps == [2, -1, 2**63 - 1, -(2**63) + 1]


def test_a_name_that_is_not_utf_8_is_written_all_the_same() -> None:
    record = MetricRecord(0, 1e9, 0.0, {"a\udcff": 1.0, "b": "\udcff"})
    assert list(read_back(record)) == ["a?", "b/text_summary"]


def test_a_session_has_the_hyperparameters_and_the_end() -> None:
    run = Run("ws1", "run1", "job1", "first", "node0", RunStatus.ERROR, 1e9, started=1e9 + 1)
    run.hparams = {"lr": 0.1, "layers": 2, "opt": "sgd", "nesterov": True, "seed": None}
    run.ended = 1e9 + 9
    events = parsed(framed([opening(1e9), session_start(run, 1e9), session_end(run, 1e9)]))
    assert events[0].file_version == "brain.Event:2"
    start, end = sessions_of(events)
    assert hparams_of(start) == {"lr": 0.1, "layers": 2.0, "opt": "sgd", "nesterov": True}
    assert (start.group_name, start.start_time_secs) == ("ws1/run1", 1e9 + 1)
    assert (end.status, end.end_time_secs) == (2, 1e9 + 9)
