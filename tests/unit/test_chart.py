"""Charts and sparklines, by the very rows they draw."""

import math
import random
import subprocess
import sys
from array import array

import pytest
from color_vision import VISIONS, least_distance
from rich.cells import cell_len

from xt_core.chart import (
    ASCII_GLYPHS,
    BLOCK_GLYPHS,
    PALETTE,
    UNICODE_GLYPHS,
    Chart,
    Form,
    Glyphs,
    Look,
    Series,
    Span,
    beside,
    prepare,
    render_chart,
    series_color,
    sparkline,
    to_ansi,
)
from xt_core.chart.axes import Scale, format_number, format_tick, tick_labels
from xt_core.chart.quantities import INTEGER, only
from xt_core.chart.smoothing import Smoother
from xt_core.chart.svg import to_svg

NAN, INF = math.nan, math.inf


def line(*y: float, name: str = "loss", color: int = 0) -> Series:
    return Series(name, list(range(len(y))), list(y), color)


def text(chart: Chart) -> list[str]:
    return ["".join(span.text for span in row) for row in chart.rows]


def styles(chart: Chart) -> set[str]:
    return {span.style for row in chart.rows for span in row}


class TestLines:
    def test_a_diagonal_takes_one_dot_a_column(self) -> None:
        assert text(render_chart([line(*range(8))], 4, 2)) == ["  ⡠⠊", "⡠⠊  "]

    def test_points_far_apart_are_joined(self) -> None:
        assert text(render_chart([line(0, 1)], 10, 3)) == [
            "      ⢀⡠⠔⠊",
            "   ⢀⠤⠒⠁   ",
            "⡠⠔⠊⠁      ",
        ]

    def test_a_jump_is_joined_upright(self) -> None:
        assert text(render_chart([line(0, 1)], 1, 2)) == ["⢸", "⡇"]

    def test_many_points_on_one_column_draw_all_between_their_extremes(self) -> None:
        noise = [0.0, 9.0, 3.0, 5.0] * 500
        assert text(render_chart([line(*noise)], 6, 2)) == ["⣿⣿⣿⣿⣿⣿", "⣿⣿⣿⣿⣿⣿"]

    def test_one_spike_among_a_hundred_thousand_points_is_seen(self) -> None:
        values = [0.0] * 100_000
        values[50_001] = 1.0
        assert text(render_chart([line(*values)], 5, 2)) == ["  ⢸  ", "⣀⣀⣸⣀⣀"]

    def test_a_nan_is_a_gap(self) -> None:
        chart = render_chart([line(1, 1, NAN, NAN, 1, 1)], 11, 1, y_range=(0, 2))
        assert text(chart) == ["⠒⠒⠂     ⠐⠒⠒"]

    def test_infinities_are_gaps_and_leave_the_range_alone(self) -> None:
        with_gaps = render_chart([line(0, 1, INF, -INF, 2, 3)], 40, 10, legend=False)
        finite = Series("loss", [0, 1, 4, 5], [0, 1, 2, 3], 0)
        without = render_chart([finite], 40, 10, legend=False)
        assert with_gaps.y_scale is not None
        assert (with_gaps.y_scale.low, with_gaps.y_scale.high) == (0, 3)
        assert [row[:4] for row in text(with_gaps)] == [row[:4] for row in text(without)]

    def test_a_gap_that_leaves_no_column_empty_does_not_tear_the_line(self) -> None:
        values = [NAN if n % 2 else 1.0 for n in range(1001)]
        assert text(render_chart([line(*values)], 6, 1, y_range=(0, 2))) == ["⠒⠒⠒⠒⠒⠒"]

    def test_a_single_point_is_visible_in_the_middle(self) -> None:
        assert text(render_chart([line(5)], 5, 3)) == ["     ", " ⠐⠗  ", "     "]

    def test_a_constant_runs_through_the_middle(self) -> None:
        chart = render_chart([line(5, 5)], 5, 3)
        assert text(chart) == ["     ", "⠒⠒⠒⠒⠒", "     "]
        assert chart.y_scale is not None
        assert (chart.y_scale.low, chart.y_scale.high) == (4.5, 5.5)

    def test_the_order_of_points_does_not_matter(self) -> None:
        shuffled = Series("loss", [2, 0, 3, 1], [20, 0, 30, 10], 0)
        ordered = Series("loss", [0, 1, 2, 3], [0, 10, 20, 30], 0)
        assert render_chart([shuffled], 40, 12).rows == render_chart([ordered], 40, 12).rows

    def test_of_points_at_one_x_the_last_logged_is_the_last(self) -> None:
        restarted = Series("loss", [0, 1, 2, 1, 2], [9, 8, 7, 6, 5], 0)
        assert text(render_chart([restarted], 20, 9))[-1].startswith("● loss 5")

    def test_a_point_without_a_finite_x_is_left_out(self) -> None:
        broken = Series("loss", [0, NAN, 1, INF], [0, 50, 1, 90], 0)
        sound = Series("loss", [0, 1], [0, 1], 0)
        assert render_chart([broken], 40, 12).rows == render_chart([sound], 40, 12).rows

    def test_a_later_series_covers_an_earlier_one(self) -> None:
        chart = render_chart([line(1, 1, color=3), line(1, 1, color=4)], 4, 1, y_range=(0, 2))
        assert chart.rows == ((Span("⠒⠒⠒⠒", "series-4"),),)

    def test_arrays_draw_as_lists_do(self) -> None:
        arrays = Series("loss", array("q", [0, 1, 2]), array("d", [0, 2, 1]), 0)
        assert render_chart([arrays], 30, 9).rows == render_chart([line(0, 2, 1)], 30, 9).rows

    def test_x_and_y_of_different_lengths_are_refused(self) -> None:
        with pytest.raises(ValueError, match="series 'loss' has 2 values of x and 1 of y"):
            render_chart([Series("loss", [0, 1], [0], 0)], 20, 5)


class TestScatter:
    @pytest.mark.parametrize(
        ("glyphs", "rows"),
        [
            (UNICODE_GLYPHS, [" ◇  ", "◆█ ◇"]),
            (BLOCK_GLYPHS, [" □  ", "■█ □"]),
            (ASCII_GLYPHS, [" ?  ", "o@ ?"]),
        ],
    )
    def test_a_point_fills_its_cell_and_several_look_heavier(
        self, glyphs: Glyphs, rows: list[str]
    ) -> None:
        settled = Series("done", [0, 3, 3], [0, 1, 0], 0, scattered=True)
        unsettled = Series("running", [3, 7], [7, 3], 1, scattered=True, is_open=True)
        assert text(render_chart([settled, unsettled], 4, 2, glyphs=glyphs)) == rows

    def test_a_picture_has_circles_hollow_where_points_are_not_settled(self) -> None:
        settled = prepare(Series("done", [0, 1], [0, 1], 0, scattered=True), Form())
        unsettled = prepare(Series("running", [2], [2], 1, True, True), Form())
        circles = [line for line in to_svg([([settled, unsettled], Look())]).split("\n")
                   if line.startswith("<circle")]  # fmt: skip
        assert ["none" in circle for circle in circles] == [False, False, True]

    def test_the_legend_has_the_marks_and_values_at_a_cursor_alone(self) -> None:
        settled = Series("done", [0, 1], [0, 1], 0, scattered=True)
        unsettled = Series("running", [2], [2], 1, scattered=True, is_open=True)
        chart = render_chart([settled, unsettled], 30, 9)
        assert text(chart)[-1].rstrip() == "◆ done  ◇ running"
        at_one = render_chart([settled, unsettled], 40, 9, x_label="run", cursor_x=1)
        assert text(at_one)[-1].rstrip() == "│ run 1  ◆ done 1  ◇ running -"

    def test_points_are_not_smoothed(self) -> None:
        points = Series("loss", [0, 1, 2], [0, 9, 0], 0, scattered=True)
        smoothed, plain = (render_chart([points], 20, 9, smoothing=s) for s in (0.9, 0))
        assert smoothed.rows == plain.rows

    def test_what_has_no_place_is_left_out(self) -> None:
        odd = Series("loss", [0, NAN, 3, 7, 5], [0, 1, INF, 3, NAN], 0, scattered=True)
        whole = Series("loss", [0, 7], [0, 3], 0, scattered=True)
        drawn = [render_chart([points], 20, 9, legend=False) for points in (odd, whole)]
        assert drawn[0].rows == drawn[1].rows

    def test_an_axis_can_bear_names(self) -> None:
        points = Series("loss", [0, 1, 2], [0, 1, 2], 0, scattered=True)
        names = ["a", "a long name", "宽宽宽宽"]
        assert text(render_chart([points], 20, 6, legend=False, x_names=names)) == [
            "2┤              ◆   ",
            "1┤         ◆        ",
            " │                  ",
            "0┤   ◆              ",
            " └───┬─────┬────┬───",
            "     a   a lo… 宽宽…",
        ]

    def test_charts_stand_side_by_side(self) -> None:
        pair = beside([render_chart([line(0, 1)], 4, 2), render_chart([line(1, 1)], 3, 2)])
        assert (pair.width, pair.height) == (8, 2)
        assert text(pair) == ["  ⡠⠊    ", "⡠⠊   ⠉⠉⠉"]


class TestLayout:
    def test_axes_title_and_labels_stand_around_the_plot(self) -> None:
        chart = render_chart(
            [line(0, 1, 2, 3)], 24, 9, title="curve", x_label="step", y_label="loss"
        )
        assert text(chart) == [
            "loss     curve          ",
            " │                 ⢀⣀⠤⠒⠉",
            "2┤             ⣀⠤⠔⠊⠁    ",
            " │         ⣀⠤⠒⠉         ",
            " │    ⢀⡠⠔⠒⠉             ",
            "0┤⣀⠤⠒⠉⠁                 ",
            " └┬─────────────┬── step",
            "  0             2       ",
            "● loss 3                ",
        ]
        assert styles(chart) == {"label", "title", "axis", "series-0", "legend", ""}

    def test_a_logarithmic_axis_makes_a_line_of_powers(self) -> None:
        chart = render_chart([line(1, 10, 100, 1000)], 24, 9, log_y=True)
        assert text(chart) == [
            " 1k┤                 ⡠⠔⠊",
            "   │             ⢀⡠⠔⠉   ",
            "100┤          ⣀⠤⠒⠁      ",
            "   │      ⢀⠤⠒⠉          ",
            "   │   ⣀⠔⠊⠁             ",
            "  1┤⡠⠔⠊                 ",
            "   └┬────────────┬──────",
            "    0            2      ",
            "● loss 1k               ",
        ]

    def test_logarithmic_axes_drop_what_is_not_positive(self) -> None:
        dropped = Series("loss", [-1, 0, 1, 2, 3, 4], [7, 8, 1, 0, -5, 10], 0)
        chart = render_chart([dropped], 40, 10, log_x=True, log_y=True)
        assert chart.x_scale is not None
        assert chart.y_scale is not None
        assert (chart.x_scale.low, chart.x_scale.high) == (1, 4)
        assert (chart.y_scale.low, chart.y_scale.high) == (1, 10)

    def test_ascii_draws_with_letters(self) -> None:
        up = Series("up", [0, 10], [0, 10], 0)
        down = Series("down ↓", [0, 10], [10, 0], 1)
        chart = render_chart([up, down], 24, 9, glyphs=ASCII_GLYPHS, title="both")
        assert text(chart) == [
            "          both          ",
            "10+BBB               AAA",
            "  |   BBBBB     AAAAA   ",
            " 5+        BBBBB        ",
            "  |   AAAAA     BBBBB   ",
            " 0+AAA               BBB",
            "  ++---------+---------+",
            "   0         5        10",
            "A up 10  B down ? 0     ",
        ]

    def test_small_charts_show_their_lines_only(self) -> None:
        chart = render_chart([line(0, 1)], 10, 3, title="curve", x_label="step")
        assert styles(chart) == {"", "series-0"}

    @pytest.mark.parametrize("values", [[], [NAN, NAN], [INF]])
    def test_without_data_the_chart_says_so(self, values: list[float]) -> None:
        chart = render_chart([line(*values)], 20, 5, legend=False)
        assert text(chart) == [" " * 20, " " * 20, "      no data       ", " " * 20, " " * 20]
        assert "note" in styles(chart)
        assert chart.x_at(10) is None

    def test_no_series_is_no_data(self) -> None:
        assert text(render_chart([], 7, 1)) == ["no data"]

    def test_ranges_zoom_and_the_line_leaves_where_it_should(self) -> None:
        chart = render_chart([line(0, 1, 2, 3)], 6, 3, x_range=(1.2, 1.8), y_range=(1.2, 1.8))
        assert text(chart) == ["    ⡠⠊", "  ⡠⠊  ", "⡠⠊    "]

    def test_y_spans_what_the_range_of_x_shows(self) -> None:
        chart = render_chart([line(100, 1, 2, 50)], 40, 10, x_range=(1, 2))
        assert chart.y_scale is not None
        assert (chart.y_scale.low, chart.y_scale.high) == (1, 2)

    def test_a_column_of_the_plot_names_an_x_that_falls_on_it(self) -> None:
        series = [line(*range(100))]
        chart = render_chart(series, 60, 12)
        columns = range(chart.left, chart.left + chart.plot_width)
        for column in columns:
            rows = text(render_chart(series, 60, 12, cursor_x=chart.x_at(column)))
            assert "│" in {rows[0][column], rows[chart.plot_height - 1][column]}
        assert chart.x_at(chart.left) == 0
        assert chart.x_at(chart.left - 1) is None
        assert chart.y_at(chart.top) == 99
        assert chart.y_at(chart.top + chart.plot_height) is None


class TestLegend:
    def test_it_gives_the_last_value_even_if_that_is_nan(self) -> None:
        rows = text(render_chart([line(1, 2, name="a"), line(1, NAN, name="b")], 40, 9))
        assert rows[-1].rstrip() == "● a 2  ● b nan"

    def test_at_a_cursor_it_gives_the_nearest_values(self) -> None:
        series = Series("loss", [0, 10, 20], [1, 1.5, 2], 0)
        chart = render_chart([series], 30, 8, cursor_x=14, x_label="step")
        assert text(chart)[-1].rstrip() == "│ step 14  ● loss 1.5"
        assert "cursor" in styles(chart)

    def test_at_a_cursor_there_is_no_value_of_what_has_ended_or_not_begun(self) -> None:
        stopped, late = Series("a", [0, 1], [1, 2], 0), Series("b", [30, 40], [3, 4], 1)

        def read(x: float, smoothing: float = 0.0) -> str:
            series = [stopped, late]
            chart = render_chart(series, 40, 8, smoothing=smoothing, x_label="step", cursor_x=x)
            return text(chart)[-1].rstrip()

        assert read(0) == "│ step 0  ● a 1  ● b -"
        assert read(1.4) == "│ step 1.4  ● a 2  ● b -", "a cell reaches as far"
        assert read(16) == "│ step 16  ● a -  ● b -"
        assert read(29.6) == "│ step 29.6  ● a -  ● b 3"
        assert read(16, smoothing=0.5) == "│ step 16  ● a -  ● b -"

    def test_what_does_not_fit_is_counted(self) -> None:
        many = [line(0, n, name=f"run{n}", color=n) for n in range(9)]
        assert text(render_chart(many, 30, 12))[-2:] == [
            "● run0 0  ● run1 1  ● run2 2  ",
            "● run3 3  ● run4 4  + 4       ",
        ]

    def test_a_long_name_gives_way_to_the_value(self) -> None:
        rows = text(render_chart([line(0, 0.25, name="n" * 90)], 20, 8))
        assert rows[-1] == "● nnnnnnnnnnnn… 0.25"

    def test_it_can_be_left_out(self) -> None:
        assert "legend" not in styles(render_chart([line(0, 1)], 40, 12, legend=False))


class TestSmoothing:
    def test_the_average_is_not_drawn_to_zero_at_its_start(self) -> None:
        assert Smoother(0.99).smooth([4.0] * 2000) == pytest.approx([4.0] * 2000)

    def test_it_weighs_the_past(self) -> None:
        assert Smoother(0.5).smooth([1.0, 2.0, 4.0]) == pytest.approx([1, 5 / 3, 3])

    def test_it_passes_over_gaps(self) -> None:
        gap = render_chart([line(1, NAN, 2)], 40, 10, smoothing=0.5)
        assert gap.y_scale is not None
        assert (gap.y_scale.low, gap.y_scale.high) == pytest.approx((1, 5 / 3))

    @pytest.mark.parametrize("weight", [-0.1, 1.0, NAN])
    def test_a_weight_outside_its_range_is_refused(self, weight: float) -> None:
        with pytest.raises(ValueError, match="smoothing is from 0"):
            render_chart([line(1, 2)], 20, 5, smoothing=weight)


class TestTicks:
    def test_the_ends_of_an_axis_of_y_are_told_where_no_tick_is_near(self) -> None:
        def labels(values: tuple[float, ...], height: int, *, log_y: bool = False) -> list[str]:
            chart = render_chart([line(*values)], 40, height, legend=False, log_y=log_y)
            rows = text(chart)
            return [row.split("┤")[0].strip() for row in rows if "┤" in row]

        assert labels((0.1234, 0.98765), 7) == ["0.99", "0.5", "0.12"]
        assert labels((0.1234, 0.98765), 10) == ["0.8", "0.6", "0.4", "0.2"]
        assert labels((0.1234, 0.98765), 24) == ["0.99", "0.8", "0.6", "0.4", "0.2", "0.12"]
        assert labels((1000.12, 1000.5), 8) == ["1.0004k", "1.0002k"]
        assert labels((3, 70_000), 10, log_y=True) == ["10k", "100", "3"]
        assert labels((3, 7), 10, log_y=True) == ["6", "4", "3"]

    @pytest.mark.parametrize(
        ("low", "high", "limit", "labels"),
        [
            (0, 1, 6, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
            (0, 2600, 6, ["0", "500", "1k", "1.5k", "2k", "2.5k"]),
            (-0.03, 0.03, 4, ["-0.02", "0", "0.02"]),
            (0, 5e-4, 6, ["0", "1e-4", "2e-4", "3e-4", "4e-4", "5e-4"]),
            (99.5, 100.5, 3, ["99.5", "100", "100.5"]),
            (0, 3e6, 4, ["0", "1M", "2M", "3M"]),
            (3.1, 3.9, 1, ["3.5"]),
            (0, 1, 0, []),
            (0, 5.9e301, 3, ["0", "2e301", "4e301"]),
            (-8e307, 8e307, 3, ["-5e307", "0", "5e307"]),
        ],
    )
    def test_they_are_round(self, low: float, high: float, limit: int, labels: list[str]) -> None:
        assert [label for _, label in tick_labels(Scale(low, high, log=False), limit)] == labels

    @pytest.mark.parametrize(
        ("low", "high", "limit", "labels"),
        [
            (1e-5, 1e-1, 5, ["1e-5", "1e-4", "0.001", "0.01", "0.1"]),
            (1, 100, 7, ["1", "2", "5", "10", "20", "50", "100"]),
            (1e-9, 1e9, 4, ["1e-5", "1", "100k"]),
            (3, 4, 3, ["3", "3.5", "4"]),
        ],
    )
    def test_logarithmic_ones_are_powers_where_they_can_be(
        self, low: float, high: float, limit: int, labels: list[str]
    ) -> None:
        assert [label for _, label in tick_labels(Scale(low, high, log=True), limit)] == labels

    @pytest.mark.parametrize(
        ("low", "high", "log", "labels"),
        [
            (0, 2, False, ["0", "1", "2"]),
            (0.9, 1.1, False, ["1"]),
            (1, 3, True, ["1", "2"]),
            (0.5, 64, True, ["1", "2", "5", "10", "20", "50"]),
            (0, 2600, False, ["0", "500", "1k", "1.5k", "2k", "2.5k"]),
            (3.2, 3.8, False, ["3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8"]),
        ],
    )
    def test_those_of_integers_are_integers(
        self, low: float, high: float, log: bool, labels: list[str]
    ) -> None:
        assert [label for _, label in INTEGER.ticks(Scale(low, high, log), 8)] == labels

    def test_a_quantity_may_have_few_values_alone(self) -> None:
        scale, widths = Scale(16, 64, log=False), only([8, 16, 32, 48, 64])
        shown = [[label for _, label in widths.ticks(scale, limit)] for limit in (4, 3, 1, 0)]
        assert shown == [["16", "32", "48", "64"], ["16", "48"], ["16"], []]

    def test_integers_of_x_have_integer_ticks_and_a_lone_point_has_its_own(self) -> None:
        steps, halves = (render_chart([Series("y", x, [1, 2, 3], 0)], 60, 9, legend=False)
                         for x in ([0, 1, 2], [0, 0.5, 2]))  # fmt: skip
        assert [text(chart)[-1].split() for chart in (steps, halves)] == [
            ["0", "1", "2"],
            ["0", "0.5", "1", "1.5", "2"],
        ]
        lone = render_chart([Series("y", [100], [7], 0)], 60, 9, legend=False)
        assert text(lone)[-1].split() == ["100"]

    def test_huge_values_are_drawn_as_they_are_or_said_to_be_clipped(self) -> None:
        huge = render_chart([line(1, 3e301, 5.9e301)], 40, 12, title="loss", legend=False)
        assert text(huge)[0].strip() == "loss"
        assert [row.split("┤")[0].strip() for row in text(huge) if "┤" in row] == [
            "5.9e301",
            "4e301",
            "2e301",
            "0",
        ]
        assert huge.y_scale is not None
        assert huge.y_scale.high == 5.9e301
        hugest = render_chart([line(1, sys.float_info.max)], 40, 12, title="loss")
        assert text(hugest)[0].split() == ["loss", "clipped", "at", "8e307"]

    @pytest.mark.parametrize(
        ("value", "step", "label"),
        [
            (1200, 100, "1.2k"),
            (3e-4, 1e-4, "3e-4"),
            (-2.5e-7, 5e-8, "-2.5e-7"),
            (1e15, 1e15, "1e15"),
        ],
    )
    def test_labels_are_compact(self, value: float, step: float, label: str) -> None:
        assert format_tick(value, step) == label

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (0.123456, "0.1235"),
            (12345.6, "12.35k"),
            (999.96, "1k"),
            (-0.00031, "-3.1e-4"),
            (0.0, "0"),
            (5e-324, "0"),
            (NAN, "nan"),
            (-INF, "-inf"),
            (sys.float_info.max, "1.798e308"),
            (None, "-"),
        ],
    )
    def test_numbers_have_four_digits(self, value: float | None, shown: str) -> None:
        assert format_number(value) == shown


class TestAnsi:
    def test_colours_are_escapes_of_the_palette(self) -> None:
        chart = render_chart([line(1, 1, color=1)], 4, 1, y_range=(0, 2))
        assert to_ansi(chart, color=True) == "\x1b[38;5;208m⠒⠒⠒⠒\x1b[0m"

    def test_without_colour_a_single_series_is_left_as_it_is(self) -> None:
        chart = render_chart([line(0, 1)], 30, 9)
        assert to_ansi(chart, color=False).split("\n") == text(chart)

    def test_without_colour_several_series_bear_letters(self) -> None:
        train = Series("train", [0, 1], [1, 2], 0)
        test = Series("test", [0, 1], [2, 12345.6], 1)
        assert to_ansi(render_chart([train, test], 30, 10), color=False).split("\n") == [
            "   │                      ⢀⡠⠔B",
            "10k┤                  ⢀⡠⠔⠊⠁   ",
            "   │               ⣀⠤B⠁       ",
            "   │           ⣀⠤⠒⠉           ",
            " 5k┤       ⢀⡠B⠉               ",
            "   │   ⢀⡠⠔⠊⠁                  ",
            "  1┤⡠B⠊⠁A⣀⣀⣀⣀⣀⣀⣀A⣀⣀⣀⣀⣀⣀⣀A⣀⣀⣀⣀⣀",
            "   └┬────────────────────────┬",
            "    0                        1",
            "A train 2  B test 12.35k      ",
        ]

    def test_a_name_cannot_smuggle_in_an_escape(self) -> None:
        chart = render_chart([line(0, 1, name="\x1b[2Jrun\n")], 30, 9, title="\x07bell")
        assert to_ansi(chart, color=False).isprintable() is False  # the newlines between rows
        assert all(row.isprintable() for row in to_ansi(chart, color=False).split("\n"))
        assert "\x1b[2J" not in to_ansi(chart, color=True)


class TestPalette:
    def test_colours_are_those_of_the_256_colour_cube(self) -> None:
        levels = (0, 95, 135, 175, 215, 255)
        for code, shown in PALETTE:
            red, rest = divmod(code - 16, 36)
            rgb = (levels[part] for part in (red, *divmod(rest, 6)))
            assert shown == "#" + "".join(f"{part:02x}" for part in rgb)
        assert len(set(PALETTE)) == 10

    @pytest.mark.parametrize("vision", VISIONS)
    def test_they_stay_apart_however_one_sees_colours(self, vision: str) -> None:
        assert least_distance([color.hex for color in PALETTE], vision) > 0.09

    def test_a_style_names_its_colour(self) -> None:
        assert series_color("series-0") == PALETTE[0]
        assert series_color("series-13") == PALETTE[3]
        assert series_color("axis") is None


class TestSparkline:
    def test_it_shows_the_shape(self) -> None:
        assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"

    def test_more_values_than_cells_are_averaged(self) -> None:
        assert sparkline([0, 2, 6, 8, 3, 5], 3) == "▁█▅"

    def test_fewer_leave_space(self) -> None:
        assert sparkline([0, 1], 4) == "▁█  "

    def test_values_too_close_to_tell_apart_are_level(self) -> None:
        assert sparkline([0.0, 5e-324], 2) == "▄▄"

    def test_ascii_has_as_many_steps(self) -> None:
        assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, math.nan], 9, is_ascii=True) == "_.-:=+*# "
        assert sparkline([1, 1], 2, is_ascii=True) == "::"

    def test_gaps_are_spaces_and_a_constant_is_level(self) -> None:
        assert sparkline([3, NAN, INF, 3], 4) == "▄  ▄"
        assert sparkline([], 3) == "   "
        assert sparkline([1, 2], 0) == ""

    def test_huge_values_do_not_overflow(self) -> None:
        assert sparkline([-1.7e308, 1.7e308], 2) == "▁█"


NAMES = [
    "",
    "a",
    "ws1/run35.2 test-acc",
    "日本語の名前",
    "e\u0301",
    "👍🏽x",
    "\x1b[31m\n\t",
    "–" * 200,
]
ODD_VALUES = [0.0, -0.0, NAN, INF, -INF, 1e300, -1.7e308, 1.7e308, 5e-324, 1e-310, 1e15, True, 3]


def _value(source: random.Random) -> float:
    kind = source.random()
    if kind < 0.2:
        return source.choice(ODD_VALUES)
    if kind < 0.6:
        return source.gauss(0, 1)
    return source.lognormvariate(0, source.choice([1, 10, 100]))


def _values(source: random.Random, count: int) -> list[float]:
    return [_value(source) for _ in range(count)]


def _series(source: random.Random) -> Series:
    count = source.choice([0, 1, 2, 5, 50, 300])
    steps = list(range(count)) if source.random() < 0.5 else _values(source, count)
    return Series(
        source.choice(NAMES),
        steps,
        _values(source, count),
        source.randrange(-2, 30),
        source.random() < 0.2,
    )


def _random_chart(source: random.Random, width: int, height: int, ascii_only: bool) -> Chart:
    return render_chart(
        [_series(source) for _ in range(source.randrange(4))],
        width,
        height,
        title=source.choice(NAMES),
        x_label=source.choice(NAMES),
        y_label=source.choice(NAMES),
        log_x=source.random() < 0.5,
        log_y=source.random() < 0.5,
        smoothing=source.choice([0, 0.5, 0.99]),
        x_range=source.choice([None, (_value(source), _value(source))]),
        y_range=source.choice([None, (_value(source), _value(source))]),
        glyphs=ASCII_GLYPHS if ascii_only else UNICODE_GLYPHS,
        legend=source.random() < 0.7,
        cursor_x=source.choice([None, _value(source)]),
        x_names=source.choices(NAMES, k=source.randrange(60)) if source.random() < 0.2 else (),
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_row_is_as_wide_as_asked_whatever_is_drawn(seed: int, ascii_only: bool) -> None:
    source = random.Random(seed)
    for _ in range(40):
        tiny = source.random() < 0.5
        width = source.randrange(20) if tiny else source.randrange(160)
        height = source.randrange(8) if tiny else source.randrange(50)
        chart = _random_chart(source, width, height, ascii_only)
        assert [cell_len(row) for row in text(chart)] == [width] * height
        assert all(cell_len(row) == width for row in to_ansi(chart, False).split("\n") if row)
        if ascii_only:
            assert all(row.isascii() for row in text(chart))


def test_charts_need_neither_rich_nor_textual() -> None:
    program = "import sys, xt_core.chart; print({'rich', 'textual', 'numpy'} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "set()\n"
