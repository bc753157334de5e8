"""Samples of what runs use: their lines, how many become one, series, a run's bounded file."""

import math
from pathlib import Path

import pytest

from controller.systemlog import MOST_SAMPLES, SystemLog, thinned
from xt_core.model.samples import Number, Sample, SystemSeries, merge, sample_from, samples_from


def sample(time: float, seconds: float = 5.0, **values: Number) -> Sample:
    return Sample(time, seconds, values)


def test_a_line_tells_a_sample_as_precisely_as_anybody_looks() -> None:
    told = Sample(1234.5678, 5.00049, {"cpu_percent": 12.3456, "memory_bytes": 123_456_789_012})
    line = told.to_line()
    assert line == (
        '{"time":1234.568,"seconds":5.0,"values":{"cpu_percent":12.35,"memory_bytes":123456789012}}'
        "\n"
    )
    assert sample_from(line) == Sample(1234.568, 5.0, {"cpu_percent": 12.35,
                                                       "memory_bytes": 123456789012})  # fmt: skip
    assert Sample(1.0, 1.0, {"x": 1.5e9}).to_line().endswith('{"x":1500000000}}\n')


@pytest.mark.parametrize(
    "line",
    ["", "{}", '{"time":1,"seconds":2', '{"time":1,"seconds":2,"values":[]}', "[1]", "\xff", "3"],
)
def test_what_is_no_sample_is_left_out(line: str) -> None:
    assert sample_from(line) is None
    odd = '{"time":7,"seconds":1,"values":{"a":NaN,"b":true,"c":"x","d":2}}'
    assert samples_from([line, odd]) == [Sample(7.0, 1.0, {"d": 2})]


def test_of_several_samples_memory_is_the_highest_and_all_else_the_mean() -> None:
    merged = merge(
        [
            sample(5, cpu_percent=100.0, memory_bytes=9, **{"gpu0.memory_bytes": 1}),
            sample(20, 15.0, cpu_percent=20.0, memory_bytes=4, processes=2),
        ]
    )
    assert merged == Sample(20, 20.0, {
        "cpu_percent": 40.0, "memory_bytes": 9, "gpu0.memory_bytes": 1, "processes": 2.0,
    })  # fmt: skip


def test_series_are_read_on_from_their_position() -> None:
    series = SystemSeries()
    assert series.position == -math.inf
    series.add([sample(1, a=1), sample(2, a=2, b=7)])
    series.add([sample(3, b=8)])
    assert series.series == {"system.a": ([1, 2], [1, 2]), "system.b": ([2, 3], [7, 8])}
    assert series.position == 3
    lines = [sample(n, a=n).to_line() for n in range(1, 6)]
    assert [each.time for each in samples_from(lines, after=series.position)] == [4, 5]


def test_a_week_of_samples_stays_small_with_its_last_hour_in_full() -> None:
    kept, week = list[Sample](), 7 * 24 * 720
    for number in range(1, week + 1):
        if len(kept) == MOST_SAMPLES:
            kept = thinned(kept)
        kept.append(sample(5.0 * number, cpu_percent=number % 3, memory_bytes=number))
    assert 1_500 < len(kept) <= MOST_SAMPLES
    assert math.fsum(each.seconds for each in kept) == 5.0 * week
    assert [each.time for each in kept[-720:]] == [5.0 * n for n in range(week - 719, week + 1)]
    times = [each.time for each in kept]
    assert times == sorted(set(times))
    mean = math.fsum(each.values["cpu_percent"] * each.seconds for each in kept) / (5.0 * week)
    assert mean == pytest.approx(1.0, abs=0.01)


def test_a_full_file_is_thinned_out_before_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "system.jsonl"
    path.write_text("".join(sample(float(n), 1.0, a=n).to_line() for n in range(MOST_SAMPLES)))
    SystemLog(path).append(sample(float(MOST_SAMPLES), 1.0, a=0))
    found = samples_from(path.read_bytes().splitlines())
    assert len(found) == 2_501
    assert math.fsum(each.seconds for each in found) == MOST_SAMPLES + 1
    assert [path] == list(tmp_path.iterdir())


def test_few_samples_are_left_as_they_are() -> None:
    few = [sample(float(n), 1.0, a=n) for n in range(900)]
    assert thinned(few) == few


def test_a_file_goes_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "system.jsonl"
    path.write_text(sample(1, a=1).to_line() + '{"time":2,"seco')
    log = SystemLog(path)
    log.append(sample(3, a=3))
    log.append(sample(4, a=4))
    assert [each.time for each in samples_from(path.read_bytes().splitlines())] == [1, 3, 4]


def test_of_a_run_whose_folder_is_gone_nothing_is_kept(tmp_path: Path) -> None:
    SystemLog(tmp_path / "gone" / "system.jsonl").append(sample(1, a=1))
    assert not (tmp_path / "gone").exists()
