"""Curves that grow, and what charts show beyond plain lines: raw values, bands, dashes, times."""

import math
import random
import time
from collections.abc import Iterator

import pytest

from xt_core.chart import (
    ASCII_GLYPHS,
    BLOCK_GLYPHS,
    DURATION,
    TIME,
    UNICODE_GLYPHS,
    Band,
    Chart,
    Curve,
    Form,
    Glyphs,
    Look,
    Series,
    Spread,
    fitting_glyphs,
    lay_out,
    prepare,
    render_chart,
    to_ansi,
)
from xt_core.chart.axes import Scale
from xt_core.chart.cursor import Cursor
from xt_core.chart.extremes import Extremes
from xt_core.chart.quantities import format_duration, format_time
from xt_core.chart.svg import to_svg

NAN = math.nan


def text(chart: Chart) -> list[str]:
    return ["".join(span.text for span in row) for row in chart.rows]


def curve(*y: float, form: Form | None = None, color: int = 0, name: str = "run1") -> Curve:
    return prepare(Series(name, list(range(len(y))), list(y), color), form or Form())


def styles(chart: Chart) -> set[str]:
    return {span.style for row in chart.rows for span in row}


class TestGrowing:
    @pytest.mark.parametrize(
        "form",
        [Form(), Form(smoothing=0.9), Form(best=-1), Form(log_y=True), Form(log_x=True, raw=True)],
    )
    def test_a_curve_that_grew_is_the_curve_that_came_at_once(self, form: Form) -> None:
        source = random.Random(1)
        for _ in range(30):
            count = source.choice([1, 7, 300])
            x = [float(n) for n in range(count)]
            if source.random() < 0.3:
                x = [source.choice(x) for _ in x]
            y = [source.choice([NAN, math.inf, 0.0, *[source.gauss(1, 1)] * 9]) for _ in x]
            whole = prepare(Series("run1", x, y, 0), form)
            grown = Curve("run1", 0, form)
            start = 0
            while start < count:
                stop = start + source.randrange(1, 40)
                grown.extend(x[start:stop], y[start:stop])
                start = stop
            for part in ("logged_x", "x", "runs", "not_finite", "not_positive"):
                assert getattr(grown, part) == getattr(whole, part)
            assert grown.y == pytest.approx(whole.y)
            assert lay_out([grown], 50, 12, Look(log_x=form.log_x, log_y=form.log_y)).rows == (
                lay_out([whole], 50, 12, Look(log_x=form.log_x, log_y=form.log_y)).rows
            )

    def test_a_restarted_run_goes_back_and_its_points_are_put_in_order(self) -> None:
        grown = curve(9, 8, 7)
        grown.extend([1, 2, 3], [6, 5, 4])
        assert grown.x == [0, 1, 1, 2, 2, 3]
        assert grown.y == [9, 8, 6, 7, 5, 4]

    def test_extremes_of_any_stretch_are_those_of_its_values(self) -> None:
        source = random.Random(2)
        values = [source.gauss(0, 1) for _ in range(1000)]
        growing = values[:100]
        extremes = Extremes(growing)
        for _ in range(200):
            growing += values[len(growing) : len(growing) + source.randrange(9)]
            start, stop = sorted(source.sample(range(len(growing) + 1), 2))
            part = growing[start:stop]
            assert extremes.within(start, stop) == (min(part), max(part))

    def test_what_was_drawn_is_drawn_anew_only_after_a_change(self) -> None:
        grown = curve(1, 2, 3)
        before = lay_out([grown], 30, 9, Look()).rows
        memo = dict(grown.memo)
        assert lay_out([grown], 30, 9, Look(cursor_x=1)).rows != before
        assert {key: id(cells) for key, cells in grown.memo.items()} == {
            key: id(cells) for key, cells in memo.items()
        }
        grown.extend([3], [9])
        assert lay_out([grown], 30, 9, Look()).rows != before
        assert (
            lay_out([grown], 30, 9, Look()).rows == lay_out([curve(1, 2, 3, 9)], 30, 9, Look()).rows
        )


class TestForms:
    def test_the_best_so_far_never_gets_worse(self) -> None:
        values = (3, 5, 2, NAN, 4, 1)
        assert curve(*values, form=Form(best=-1)).y == [3, 3, 2, 2, 1]
        assert curve(*values, form=Form(best=1)).y == [3, 5, 5, 5, 5]

    def test_raw_values_lie_dim_behind_the_smoothed_ones(self) -> None:
        smoothed = curve(1, 5, 1, 5, 1, form=Form(smoothing=0.9, raw=True))
        assert smoothed.raw is not None
        assert smoothed.raw.y == [1, 5, 1, 5, 1]
        chart = lay_out([smoothed], 40, 12, Look())
        assert {"raw-0", "series-0"} <= styles(chart)
        assert "\x1b[2;38;5;39m" in to_ansi(chart, color=True)
        letters = text(lay_out([smoothed], 40, 12, Look(glyphs=ASCII_GLYPHS)))
        assert any("." in row for row in letters)
        assert any("A" in row for row in letters)

    def test_nothing_lies_behind_values_as_they_are(self) -> None:
        assert curve(1, 2, form=Form(raw=True)).raw is None

    def test_what_is_left_out_is_told(self) -> None:
        broken = curve(1, NAN, math.inf, -2, 5, form=Form(log_y=True))
        chart = lay_out([broken], 60, 10, Look("loss", log_y=True))
        assert text(chart)[0].split("  ")[-1].strip() == "2 not finite, 1 not > 0"
        assert text(chart)[0].strip().startswith("loss ")

    def test_the_note_gives_way_to_the_title(self) -> None:
        chart = lay_out([curve(1, NAN, 2)], 20, 10, Look("a long title"))
        assert text(chart)[0].strip() == "a long title"


class TestDensity:
    def test_dense_points_show_how_many_there_are_below_all_lines(self) -> None:
        x = [0.0] * 100 + [1.0] * 50 + [2.0] * 20 + [3.0]
        points = Series("runs", x, [1.0] * len(x), 0, scattered=True, dense=True)
        line = Series("median", [0.0, 1.0], [2.0, 2.0], 1)
        rows = text(render_chart([line, points], 30, 9, glyphs=UNICODE_GLYPHS))
        assert "█   ▓   ▒   ░" in "".join(text(render_chart([points], 13, 3)))
        assert "▓ runs" in rows[-1] + rows[-2]
        over = Series("line", [0.0, 3.0], [1.0, 1.0], 1)
        assert not set("".join(text(render_chart([over, points], 13, 3)))) & set("█▓▒░")
        assert "@   o   :   ." in "".join(text(render_chart([points], 13, 3, glyphs=ASCII_GLYPHS)))


class TestBands:
    def test_a_band_has_the_mean_and_reaches_from_the_least_to_the_greatest(self) -> None:
        members = [curve(0, 0, 0), curve(2, 4, 6), curve(4, 8)]
        band = Band("lr=0.1 (3)", 1, members)
        assert [band.spans_x, band.extent_y(0, 2)] == [(0, 2), (0, 8)]
        assert [band.at(x) for x in (Cursor(0, 0, 0), Cursor(2, 2, 2), None)] == [
            (0, 2, 4),
            (0, 3, 6),
            (0, 14 / 3, 8),
        ]
        levels = band.levels(Scale(0, 2, False), 5)
        assert [level.mean for level in levels if level] == [2, 3, 4, 2.5, 3]
        chart = lay_out([band], 40, 12, Look())
        assert {"raw-1", "series-1"} <= styles(chart)
        assert text(chart)[-1].strip() == "● lr=0.1 (3) 4.667 [0, 8]"
        assert text(lay_out([band], 40, 12, Look(cursor_x=1)))[-1].strip() == (
            "│ x 1  ● lr=0.1 (3) 4 [0, 8]"
        )
        assert text(lay_out([band], 40, 12, Look(cursor_x=2)))[-1].strip() == (
            "│ x 2  ● lr=0.1 (3) 3 [0, 6] of 2"
        ), "the third run has ended there"

    def test_a_band_shows_the_mean_of_many_points_on_a_column(self) -> None:
        band = Band("all", 0, [curve(*[0.0, 10.0] * 500)])
        levels = band.levels(Scale(0, 999, False), 10)
        assert [round(level.mean) for level in levels if level] == [5] * 10

    def test_a_band_may_reach_a_standard_deviation_to_either_side(self) -> None:
        band = Band("all", 0, [curve(1, 2), curve(2, 2), curve(3, 2), curve(10, 2)], Spread.STD)
        level = band.at(Cursor(0, 0, 0))
        assert level == pytest.approx((4 - 50**0.5 / 3**0.5, 4, 4 + 50**0.5 / 3**0.5))
        low, high = band.extent_y(0, 1) or (0, 0)
        assert low == 1
        assert high == pytest.approx(4 + 50**0.5 / 3**0.5, abs=0.1)
        assert text(lay_out([band], 40, 12, Look(cursor_x=0)))[-1].strip() == (
            "│ x 0  ● all 4 ± 4.082"
        )
        look = Look(cursor_x=0, glyphs=ASCII_GLYPHS)
        assert "all 4 +- 4.082" in text(lay_out([band], 40, 12, look))[-1]
        assert band.at(Cursor(1, 1, 1)) == (2, 2, 2)
        logarithmic = Look(log_y=True)
        form = Form(log_y=True)
        runs = [prepare(Series("run", [0, 1], [y, 2], 0), form) for y in (1, 2, 3, 10)]
        drawn = lay_out([Band("all", 0, runs, Spread.STD)], 40, 12, logarithmic)
        assert drawn.y_scale is not None
        assert drawn.y_scale.low == 1, "what is below zero has no place"
        assert "<svg" in to_svg([([Band("all", 0, runs, Spread.STD)], logarithmic)])

    def test_a_band_is_worked_out_anew_when_a_run_has_grown(self) -> None:
        first, second = curve(0, 1), curve(2, 3)
        band, scale = Band("all", 0, [first, second]), Scale(0, 2, False)
        before = band.levels(scale, 3)
        assert band.levels(scale, 3) is before
        assert before == [(0, 1, 2), (1, 2, 3), None]
        second.extend([2], [4])
        assert band.levels(scale, 3) == [(0, 1, 2), (1, 2, 3), (4, 4, 4)]

    def test_a_run_that_has_diverged_spoils_no_band(self) -> None:
        runs = [curve(4, 2), curve(4, math.nan), curve(4, math.inf), curve(4, 6)]
        band = Band("all", 0, runs)
        assert (band.at(None), band.count_at(None)) == ((2, 4, 6), 2)
        assert Band("all", 0, [curve(4, math.nan)]).at(None) is None

    @pytest.mark.parametrize("form", [Form(smoothing=0.9), Form(best=-1)])
    def test_what_is_read_of_it_lies_where_it_is_drawn(self, form: Form) -> None:
        members = [Curve(f"run{number}", number, form) for number in range(3)]
        for number, member in enumerate(members):
            member.extend([0.0, 1.0, 2.0], [4.0, 1.0, 9.0 + number])
        band = Band("all", 0, members)
        levels = band.levels(Scale(0.0, 2.0, log=False), 3)
        assert [band.at(Cursor(x, x, x)) for x in (0.0, 1.0, 2.0)] == levels
        assert band.at(None) == levels[-1]

    def test_a_band_of_nothing_is_no_data(self) -> None:
        assert "no data" in "".join(text(lay_out([Band("all", 0, [curve()])], 30, 9, Look())))

    def test_letters_draw_a_band_too(self) -> None:
        band = Band("all", 0, [curve(0, 0), curve(4, 4)])
        rows = text(lay_out([band], 30, 9, Look(glyphs=ASCII_GLYPHS)))
        assert any(":::" in row for row in rows)
        assert any("AAA" in row for row in rows)


class TestDashes:
    def test_few_series_are_told_apart_by_dashes(self) -> None:
        level = [curve(n, n, color=n, name=f"run{n}") for n in range(3)]
        chart = lay_out(level, 14, 3, Look(dashed=True))
        assert text(chart) == ["⠉⠉ ⠉⠉ ⠉⠉ ⠉⠉ ⠉⠉", "⠒⠒⠒⠒  ⠒⠒⠒⠒  ⠒⠒", "⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀"]
        rows = text(lay_out(level, 40, 9, Look(dashed=True)))
        assert rows[-1].rstrip() == "━━ run0 0  ╍╍ run1 1  ┅┅ run2 2"

    def test_one_series_and_many_are_solid(self) -> None:
        for count in (1, 7):
            level = [curve(n, n, color=n) for n in range(count)]
            dashed = lay_out(level, 40, 30, Look(dashed=True))
            assert dashed.rows == lay_out(level, 40, 30, Look()).rows


class TestGlyphs:
    def test_block_elements_draw_four_dots_a_cell(self) -> None:
        chart = render_chart([Series("a", range(4), range(4), 0)], 2, 2, glyphs=BLOCK_GLYPHS)
        assert text(chart) == [" ▞", "▞ "]

    @pytest.mark.parametrize(
        ("term", "encoding", "glyphs"),
        [
            ("xterm-256color", "utf-8", UNICODE_GLYPHS),
            ("linux", "UTF-8", BLOCK_GLYPHS),
            ("dumb", "utf-8", ASCII_GLYPHS),
            ("xterm", "ISO-8859-1", ASCII_GLYPHS),
            ("xterm", None, ASCII_GLYPHS),
        ],
    )
    def test_a_terminal_gets_what_it_can_show(
        self, term: str, encoding: str | None, glyphs: Glyphs
    ) -> None:
        assert fitting_glyphs({"TERM": term}, encoding) is glyphs


class TestQuantities:
    @pytest.fixture(autouse=True)
    def _utc(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
        yield
        monkeypatch.undo()
        time.tzset()

    @pytest.mark.parametrize(
        ("seconds", "shown"),
        [
            (0, "0s"), (0.25, "0.25s"), (45, "45s"), (90, "1m30s"), (3600, "1h"),
            (7500, "2h05m"), (273_600, "3d04h"), (-90, "-1m30s"), (1e300, "1e300s"),
        ],
    )  # fmt: skip
    def test_durations_are_short(self, seconds: float, shown: str) -> None:
        assert format_duration(seconds) == shown

    @pytest.mark.parametrize(
        ("low", "high", "labels"),
        [
            (0, 100, ["0s", "30s", "1m", "1m30s"]),
            (0, 7300, ["0s", "30m", "1h", "1h30m", "2h"]),
            (0, 1, ["0s", "0.2s", "0.4s", "0.6s", "0.8s", "1s"]),
        ],
    )
    def test_ticks_of_durations_are_round(self, low: float, high: float, labels: list[str]) -> None:
        limit = 5 if high > 1 else 6
        assert [label for _, label in DURATION.ticks(Scale(low, high, False), limit)] == labels

    @pytest.mark.parametrize(
        ("length", "labels"),
        [
            (40, ["23:59:50", "01-02", "00:00:10", "00:00:20", "00:00:30"]),
            (3600, ["01-02", "00:15", "00:30", "00:45"]),
            (86400 * 3, ["01-02", "01-03", "01-04"]),
            (86400 * 900, ["1970-07-20", "1971-02-05", "1971-08-24", "1972-03-11"]),
        ],
    )
    def test_ticks_of_times_are_round(self, length: float, labels: list[str]) -> None:
        start = 86400.0 - 10
        scale = Scale(start, start + length, False)
        assert [label for _, label in TIME.ticks(scale, 5)] == labels

    @pytest.mark.parametrize(
        ("length", "labels"),
        [
            (1.6, ["00:00:00.0", "00:00:00.5", "00:00:01.0", "00:00:01.5"]),
            (0.0021, ["00:00:00.0000", "00:00:00.0005", "00:00:00.0010", "00:00:00.0015"]),
        ],
    )
    def test_ticks_of_times_close_together_have_parts_of_seconds(
        self, length: float, labels: list[str]
    ) -> None:
        scale = Scale(1795737600.0, 1795737600.0 + length, False)
        assert [label for _, label in TIME.ticks(scale, 5)][:4] == labels

    def test_a_time_is_written_whole_at_the_cursor(self) -> None:
        assert format_time(86400) == "1970-01-02 00:00:00"
        assert format_time(1e300) == "1e300"
        chart = lay_out([curve(1, 2, 3)], 60, 9, Look(x_label="time", quantity=TIME, cursor_x=1))
        assert text(chart)[-1].startswith("│ time 1970-01-01 00:00:01  ● run1 2")
