"""What is between logged metrics and charts: columns, ranges, colours, groups, directions."""

import math
from typing import cast

import pytest

from xt_core.chart import Band, Scale
from xt_core.errors import UnavailableError
from xt_core.model.records import MetricRecord, Run, Value
from xt_core.model.samples import Sample
from xt_core.model.states import RunStatus
from xt_core.reports.curves import RunPoints, XKind
from xt_core.reports.direction import is_maximized
from xt_core.reports.replicates import replicates
from xt_core.reports.top import best_runs
from xt_core.session import Session
from xt_tui.charting.captions import undo_text
from xt_tui.charting.colors import Colors
from xt_tui.charting.curves import Curves
from xt_tui.charting.drawn import Drawn
from xt_tui.charting.points import Points, read
from xt_tui.charting.ranges import panned, zoomed
from xt_tui.charting.sampled import sampled
from xt_tui.charting.view import Banding, View
from xt_tui.widgets.charts import Layout, layout_for


def run(name: str, **hparams: Value) -> Run:
    made = Run("ws1", name, "job1", "e", "node0", RunStatus.RUNNING, 1e9)
    made.hparams = hparams
    return made


def record(offset: int, step: float | None = None, **values: Value) -> MetricRecord:
    return MetricRecord(offset, 1e9 + offset, step, values)


class TestColumns:
    def test_each_kind_of_x_has_its_values(self) -> None:
        points = RunPoints()
        points.add([record(0, 5, loss=1, epoch=1), record(10, loss=2), record(30, 7, acc=0.5)])
        points.add([record(40, None, loss=True, note="x", big=10**400), record(50, 9, loss=3.5)])
        assert list(points.metrics) == ["loss", "epoch", "acc"]
        assert points.metrics["loss"].values == [1, 2, 3.5]
        assert points.x("loss", XKind.STEP) == [5, 1, 9]
        assert points.x("loss", XKind.STEP, 1) == [1, 9]
        assert points.x("loss", XKind.RELATIVE) == [0, 10, 50]
        assert points.x("loss", XKind.WALL, 2) == [1e9 + 50]
        epochs = points.x("loss", XKind.EPOCH)
        assert (epochs[0], [math.isnan(epoch) for epoch in epochs]) == (1, [False, True, True])
        assert (points.offset, points.has_epochs) == (50, True)

    def test_parts_join_to_the_whole(self) -> None:
        records = [record(n, loss=n / 2) for n in range(10)]
        whole, joined = RunPoints(), RunPoints()
        whole.add(records)
        for start in (0, 4, 9):
            part = RunPoints()
            part.add(records[start : {0: 4, 4: 9, 9: 10}[start]])
            joined.join(part)
        assert joined == whole


class TestPoints:
    def test_what_is_read_twice_or_after_a_gap_is_joined_once(self) -> None:
        one, points = run("run1"), Points()
        records = [record(n, loss=n) for n in range(4)]

        def source(_run: Drawn, after: int) -> list[MetricRecord]:
            return [each for each in records if each.offset > after][:2]

        first, _ = read(source, points.wanted([one]))
        for part in (*first, *first):
            points.take(part)
        assert points.wanted([one]) == [(one, 1)]
        for part in read(source, points.wanted([one]))[0]:
            points.take(part)
        assert points.of(one.full_name).metrics["loss"].values == [0, 1, 2, 3]
        assert read(source, points.wanted([one])) == ([], {})

    def test_runs_long_out_of_sight_are_forgotten(self) -> None:
        points = Points()
        old = points.of("ws1/run0")
        for number in range(1, 100):
            points.of(f"ws1/run{number}")
        assert points.of("ws1/run0") is old
        points.of("ws1/run100")
        assert points.of("ws1/run0") is old
        assert points.of("ws1/run1") == RunPoints()

    def test_a_store_that_is_away_gives_nothing(self) -> None:
        def source(_run: Drawn, _after: int) -> list[MetricRecord]:
            raise UnavailableError("away", "wait")

        parts, silent = read(source, [(run("run1"), -1)])
        assert parts == []
        assert {node: error.message for node, error in silent.items()} == {"node0": "away"}

    def test_a_node_that_is_away_is_asked_once_and_the_others_answer(self) -> None:
        asked: list[str] = []

        def source(one: Drawn, _after: int) -> list[MetricRecord]:
            asked.append(one.name)
            if one.node == "gpu1":
                raise UnavailableError("away", "wait")
            return [record(0, loss=1)]

        runs = [run("run1"), run("run2"), run("run3"), run("run4")]
        runs[0].node = runs[2].node = "gpu1"
        parts, silent = read(source, [(one, -1) for one in runs])
        assert asked == ["run1", "run2", "run4"]
        assert [part.run for part in parts] == ["ws1/run2", "ws1/run4"]
        assert list(silent) == ["gpu1"]


class TestCurves:
    def test_runs_of_one_name_in_two_workspaces_have_curves_of_their_own(self) -> None:
        one, other = run("run1"), run("run1")
        other.workspace = "ws2"
        points, colors, view = Points(), Colors(), View()
        colors.allot([one.full_name, other.full_name])
        points.of(one.full_name).add([record(0, loss=1)])
        points.of(other.full_name).add([record(0, loss=2)])
        both = [one, other]
        shown = Curves().of("loss", both, points, colors, view, view.x_kind, maximize=False)
        assert [getattr(curve, "y", None) for curve in shown] == [[1], [2]]
        view.banding = Banding.ALL
        (band,) = Curves().of("loss", both, points, colors, view, view.x_kind, maximize=False)
        assert [list(member.y) for member in cast(Band, band).members] == [[1], [2]]

    def test_curves_grow_and_are_made_anew_only_for_another_form(self) -> None:
        one, points, colors, curves, view = run("run1"), Points(), Colors(), Curves(), View()
        colors.allot([one.full_name])
        points.of(one.full_name).add([record(0, loss=1), record(1, loss=2)])

        def shown() -> object:
            (curve,) = curves.of("loss", [one], points, colors, view, view.x_kind, maximize=False)
            return curve

        curve = shown()
        assert getattr(curve, "y", None) == [1, 2]
        points.of(one.full_name).add([record(2, loss=0.5)])
        assert shown() is curve
        assert getattr(curve, "y", None) == [1, 2, 0.5]
        view.best = True
        assert shown() is not curve
        assert getattr(shown(), "y", None) == [1, 1, 0.5]
        view.banding = Banding.ALL
        band = shown()
        assert isinstance(band, Band)
        assert (band.name, len(band.members)) == ("mean of all runs (1)", 1)


class TestRanges:
    def test_zooming_keeps_its_place_and_ends_at_the_whole(self) -> None:
        scale, whole = Scale(0, 100, False), (0.0, 100.0)
        assert zoomed(scale, whole, 2, None) == (25, 75)
        assert zoomed(scale, whole, 2, 0) == (0, 50)
        assert zoomed(scale, whole, 4, 80) == pytest.approx((60, 85))
        assert zoomed(Scale(25, 75, False), whole, 0.5, None) is None
        assert zoomed(Scale(80, 100, False), whole, 0.5, None) == (70, 100)

    def test_zooming_ends_before_a_range_is_one_value(self) -> None:
        scale = Scale(1e6, 1e6 + 1e-3, False)
        assert zoomed(scale, (0, 2e6), 2, None) == (scale.low, scale.high)

    def test_a_logarithmic_axis_is_zoomed_by_decades(self) -> None:
        shown = zoomed(Scale(1, 10_000, True), (1, 10_000), 2, None)
        assert shown == pytest.approx((10, 1000))

    def test_panning_stops_at_the_ends(self) -> None:
        whole = (0.0, 100.0)
        assert panned(Scale(20, 60, False), whole, 0.25) == (30, 70)
        assert panned(Scale(20, 60, False), whole, -1) == (0, 40)
        assert panned(Scale(20, 60, False), whole, 9) == (60, 100)


class TestColors:
    def test_a_run_keeps_its_colour_while_others_come_and_go(self) -> None:
        colors = Colors()
        colors.allot(["a", "b", "c"])
        colors.allot(["c", "d", "e"])
        assert [colors[name] for name in "cde"] == [2, 0, 1]


class TestLayout:
    @pytest.mark.parametrize(
        ("count", "width", "height", "layout"),
        [
            (5, 40, 8, Layout(1, 1)),
            (5, 90, 20, Layout(1, 2)),
            (3, 140, 40, Layout(2, 2)),
            (300, 200, 60, Layout(3, 4)),
            (0, 200, 60, Layout(1, 1)),
        ],
    )
    def test_as_many_charts_stand_in_a_page_as_can_be_read(
        self, count: int, width: int, height: int, layout: Layout
    ) -> None:
        assert layout_for(count, width, height) == layout


class TestGroups:
    def test_runs_that_differ_by_seed_stand_together(self) -> None:
        runs = [run(f"run{n}", lr=[0.1, 0.2][n % 2], seed=n, model="m") for n in range(4)]
        named = {name: [one.name for one in members] for name, members in replicates(runs).items()}
        assert named == {"lr=0.1": ["run0", "run2"], "lr=0.2": ["run1", "run3"]}

    def test_groups_are_named_as_tables_write_values_unless_they_look_alike(self) -> None:
        lr = 0.0004886895251714557
        assert list(replicates([run("a", lr=lr), run("b", lr=0.25)])) == ["lr=0.000489", "lr=0.25"]
        alike = replicates([run("a", lr=lr), run("b", lr=0.0004886895251714559)])
        assert list(alike) == ["lr=0.0004886895251714557", "lr=0.0004886895251714559"]

    def test_runs_of_one_set_are_one_group(self) -> None:
        assert list(replicates([run("run1", seed=1), run("run2", data_seed=2)])) == ["mean"]
        assert replicates([]) == {}

    def test_the_best_stay_in_their_order(self) -> None:
        runs = [run(f"run{n}") for n in range(5)]
        values: list[Value] = [3, math.nan, "x", 1, 2]
        for one, value in zip(runs, values, strict=True):
            one.metrics = {"loss": value}
        assert [one.name for one in best_runs(runs, "loss", False, 2)] == ["run3", "run4"]
        assert [one.name for one in best_runs(runs, "loss", True, 2)] == ["run0", "run4"]


@pytest.mark.parametrize(
    ("metric", "is_more"),
    [
        ("val-acc", True), ("testAccuracy", True), ("eval/f1", True), ("loss", False),
        ("perplexity", False), ("mapping_error", False), ("speed", True),
    ],
)  # fmt: skip
def test_the_name_of_a_metric_tells_its_direction(metric: str, is_more: bool) -> None:
    assert is_maximized(metric, "speed", True) is is_more


def test_samples_are_points_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [Sample(1e9 + n / 8, 5, {"cpu_percent": n}) for n in range(3)]
    monkeypatch.setattr(
        "xt_core.system.run_samples",
        lambda _session, _run, after: [each for each in taken if each.time > after],
    )
    source = sampled(cast(Session, None))
    records = source(run("run1"), -1)
    assert [record.values for record in records] == [{"system.cpu_percent": n} for n in range(3)]
    assert [each.offset for each in source(run("run1"), records[0].offset)] == [
        1_000_000_000_125,
        1_000_000_000_250,
    ]


def test_what_is_not_plain_is_told_with_the_keys_that_undo_it() -> None:
    view = View(log_y=frozenset({"loss"}))
    assert [undo_text(view, metric, {}) for metric in ("loss", "acc", None)] == [
        "undo: L log y",
        "",
        "",
    ]
    view.smoothing, view.x_kind, view.cursor = 0.6, XKind.WALL, 5.0
    told = undo_text(view, "acc", {"smoothing": "f2,s"})
    assert told == f"undo: X x: {XKind.WALL}, f2 smoothed 0.6, x crosshair"
    view.best, view.banding = True, Banding.SEEDS
    assert undo_text(view, "loss", {}).endswith(
        "L log y, b best so far, B mean over seeds, x crosshair"
    )
