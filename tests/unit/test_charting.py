"""What is between logged metrics and charts: columns, ranges, colours, groups, directions."""

import math
from dataclasses import replace
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
from xt_core.reports.rungroups import RunGroup
from xt_core.reports.top import best_runs
from xt_core.session import Session
from xt_tui.charting.captions import reading_text, undo_text
from xt_tui.charting.choice import Choice, Wanted, chosen
from xt_tui.charting.colors import Colors
from xt_tui.charting.curves import Curves
from xt_tui.charting.drawn import Drawn
from xt_tui.charting.points import Points, read
from xt_tui.charting.ranges import panned, zoomed
from xt_tui.charting.sampled import sampled
from xt_tui.charting.view import Banding, View
from xt_tui.groups import Groups, group_key
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
        assert points.metrics["loss"].values.tolist() == [1, 2, 3.5]
        assert points.x("loss", XKind.STEP) == [5, 1, 9]
        assert points.x("loss", XKind.STEP, 1) == [1, 9]
        assert points.x("loss", XKind.RELATIVE) == [0, 10, 50]
        assert points.x("loss", XKind.WALL, 2) == [1e9 + 50]
        epochs = points.x("loss", XKind.EPOCH)
        assert (epochs[0], [math.isnan(epoch) for epoch in epochs]) == (1, [False, True, True])
        assert (points.offset, points.has_epochs) == (50, True)

    def test_parts_join_to_the_whole(self) -> None:
        records = [record(n, n, loss=n / 2, epoch=n) for n in range(10)]
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

        first = read(source, points.wanted([one]))
        points.take(first)
        points.take(first)
        assert points.wanted([one]) == [(one, 1)]
        points.take(read(source, points.wanted([one])))
        assert points.of(one.full_name).metrics["loss"].values.tolist() == [0, 1, 2, 3]
        assert (points.unread([one]), points.count([one])) == (1, 4)
        points.take(read(source, points.wanted([one])))
        assert (points.unread([one]), points.wanted([one])) == (0, [])

    def test_a_run_is_read_again_once_it_has_changed(self) -> None:
        one, points = run("run1"), Points()
        points.take(read(lambda *_: [], points.wanted([one])))
        assert points.wanted([one]) == []
        changed = replace(one, revision=one.revision + 1)
        assert points.wanted([changed]) == [(changed, -1)]
        points.expect_news(of_all=True)
        assert points.wanted([one]) == [(one, -1)], "what is sampled comes without a change"

    def test_runs_are_read_in_pieces(self) -> None:
        runs, points = [run(f"run{n}") for n in range(3)], Points()
        order = list[str]()
        while wanted := points.wanted(runs):
            found = read(lambda _run, after: [record(0, loss=1)][after + 1 :], wanted, patience=0)
            order += [each.name for each in found.asked]
            points.take(found)
        assert order == ["run0", "run0", "run1", "run1", "run2", "run2"]

    def test_runs_long_out_of_sight_are_forgotten(self) -> None:
        points = Points()
        old = points.of("ws1/run0")
        for number in range(1, 700):
            points.of(f"ws1/run{number}")
        assert points.of("ws1/run0") is old
        points.of("ws1/run700")
        assert points.of("ws1/run0") is old
        assert points.of("ws1/run1") == RunPoints()

    def test_a_store_that_is_away_gives_nothing(self) -> None:
        def source(_run: Drawn, _after: int) -> list[MetricRecord]:
            raise UnavailableError("away", "wait")

        one, points = run("run1"), Points()
        found = read(source, points.wanted([one]))
        assert found.parts == []
        assert {node: error.message for node, error in found.silent.items()} == {"node0": "away"}
        points.take(found)
        assert (points.unread([one]), points.wanted([one])) == (1, []), "asked again with news"
        points.expect_news()
        assert points.wanted([one]) == [(one, -1)]

    def test_a_node_that_is_away_is_asked_once_and_the_others_answer(self) -> None:
        asked: list[str] = []

        def source(one: Drawn, _after: int) -> list[MetricRecord]:
            asked.append(one.name)
            if one.node == "gpu1":
                raise UnavailableError("away", "wait")
            return [record(0, loss=1)]

        runs = [run("run1"), run("run2"), run("run3"), run("run4")]
        runs[0].node = runs[2].node = "gpu1"
        found = read(source, [(one, -1) for one in runs], patience=60)
        assert asked == ["run1", "run2", "run4"]
        assert [part.run for part in found.parts] == ["ws1/run2", "ws1/run4"]
        assert list(found.silent) == ["gpu1"]
        read(source, [(runs[0], -1)], found.silent)
        assert asked == ["run1", "run2", "run4"]


class TestCurves:
    def test_runs_of_one_name_in_two_workspaces_have_curves_of_their_own(self) -> None:
        one, other = run("run1"), run("run1")
        other.workspace = "ws2"
        points, colors, view = Points(), Colors(), View()
        colors.allot([one.full_name, other.full_name])
        points.of(one.full_name).add([record(0, loss=1)])
        points.of(other.full_name).add([record(0, loss=2)])
        both = [one, other]
        shown = Curves().of("loss", Choice(both), points, colors, view, view.x_kind, maximize=False)
        assert [getattr(curve, "y", None) for curve in shown] == [[1], [2]]
        colors.allot(["mean of all runs"])
        choice = Choice(both, [RunGroup("mean of all runs", both, 3)])
        (band,) = Curves().of("loss", choice, points, colors, view, view.x_kind, maximize=False)
        assert band.name == "mean of all runs (2 of 3)"
        assert [list(member.y) for member in cast(Band, band).members] == [[1], [2]]

    def test_curves_grow_and_are_made_anew_only_for_another_form(self) -> None:
        one, points, colors, curves, view = run("run1"), Points(), Colors(), Curves(), View()
        colors.allot([one.full_name])
        points.of(one.full_name).add([record(0, loss=1), record(1, loss=2)])

        def shown() -> object:
            (curve,) = curves.of(
                "loss", Choice([one]), points, colors, view, view.x_kind, maximize=False
            )
            return curve

        curve = shown()
        assert getattr(curve, "y", None) == [1, 2]
        points.of(one.full_name).add([record(2, loss=0.5)])
        assert shown() is curve
        assert getattr(curve, "y", None) == [1, 2, 0.5]
        view.best = True
        assert shown() is not curve
        assert getattr(shown(), "y", None) == [1, 1, 0.5]

    def test_a_band_stays_the_same_while_its_runs_do(self) -> None:
        runs, points, colors, curves, view = [run("run1")], Points(), Colors(), Curves(), View()
        colors.allot(["all"])

        def shown() -> object:
            choice = Choice(runs, [RunGroup("all", runs, len(runs))])
            kind = view.x_kind
            (band,) = curves.of("loss", choice, points, colors, view, kind, maximize=False)
            return band

        points.of(runs[0].full_name).add([record(0, loss=1)])
        band = shown()
        assert shown() is band
        runs.append(run("run2"))
        assert shown() is band
        assert getattr(band, "name", "") == "all (1 of 2)"
        points.of(runs[1].full_name).add([record(0, loss=1)])
        assert shown() is not band
        assert getattr(shown(), "name", "") == "all (2)"


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


class TestChoice:
    """Which of the chosen runs are drawn, and taken together."""

    def some(self, count: int) -> list[Run]:
        """Of three optimizers in turn; the loss is the number of the run."""
        runs = [run(f"run{n}", opt=("adam", "sgd", "lion")[n % 3], lr=n) for n in range(count)]
        for number, one in enumerate(runs):
            one.metrics = {"loss": number}
        return runs

    def by_opt(self, runs: list[Run]) -> Groups:
        return Groups("opt", of={one.full_name: group_key(str(one.hparams["opt"])) for one in runs})

    def sizes(self, choice: Choice) -> dict[str, tuple[int, int]]:
        return {group.name: (len(group.runs), group.total) for group in choice.groups}

    def test_of_many_curves_the_best_or_first_are_drawn(self) -> None:
        wanted = Wanted(self.some(12), "loss", maximize=True)
        choice = chosen(wanted)
        assert [one.name for one in choice.runs] == [f"run{n}" for n in range(2, 12)]
        assert choice.text == "the 10 best by loss of 12 runs"
        choice = chosen(replace(wanted, top=False))
        assert [one.name for one in choice.runs] == [f"run{n}" for n in range(10)]
        assert choice.text == "the first 10 of 12 runs"

    def test_a_band_is_of_all_chosen_runs(self) -> None:
        choice = chosen(Wanted(self.some(200), "loss", banding=Banding.RANGE))
        assert self.sizes(choice) == {"mean of all runs": (200, 200)}
        assert (len(choice.runs), choice.text, choice.has_groups) == (200, "", False)

    def test_bands_are_of_the_groups_that_the_table_has(self) -> None:
        runs = self.some(200)
        wanted = Wanted(runs, "loss", by=self.by_opt(runs), banding=Banding.STD)
        choice = chosen(wanted)
        sizes = {"opt=adam": (67, 67), "opt=sgd": (67, 67), "opt=lion": (66, 66)}
        assert self.sizes(choice) == sizes
        assert (choice.text, choice.has_groups) == ("", True)
        choice = chosen(replace(wanted, banding=Banding.ALL))
        assert (self.sizes(choice), choice.has_groups) == ({"mean of all runs": (200, 200)}, True)

    def test_of_too_many_runs_each_group_gives_a_sample_and_small_ones_all(self) -> None:
        runs = self.some(1500)
        few = [run(f"few{n}", opt="few") for n in range(6)]
        by = self.by_opt([*runs, *few])
        choice = chosen(Wanted([*runs, *few], by=by, banding=Banding.RANGE))
        assert self.sizes(choice) == {
            "opt=adam": (98, 500),
            "opt=sgd": (98, 500),
            "opt=lion": (98, 500),
            "opt=few": (6, 6),
        }
        assert choice.text == "a sample of 300 of 1,506 runs"
        adams = choice.groups[0].runs
        assert [adams[0].name, adams[-1].name, len({one.name for one in adams})] == [
            "run0",
            "run1497",
            98,
        ]

    def test_sets_are_compared_only_where_they_repeat(self) -> None:
        repeated = [run(f"run{n}", lr=[0.1, 0.2][n % 2], seed=n) for n in range(4)]
        choice = chosen(Wanted(repeated, banding=Banding.RANGE))
        assert self.sizes(choice) == {"lr=0.1": (2, 2), "lr=0.2": (2, 2)}
        single = [run(f"run{n}", lr=n / 10, seed=n) for n in range(4)]
        choice = chosen(Wanted(single, banding=Banding.RANGE))
        assert self.sizes(choice) == {"mean of all runs": (4, 4)}

    def test_of_many_groups_the_best_or_first_are_drawn(self) -> None:
        runs = [run(f"run{n}", lr=n // 2) for n in range(24)]
        for number, one in enumerate(runs):
            one.metrics = {"loss": number}
        wanted = Wanted(runs, "loss", False, banding=Banding.RANGE)
        choice = chosen(wanted)
        assert list(self.sizes(choice)) == [f"lr={n}" for n in range(10)]
        assert choice.text == "the 10 best by mean loss of 12 groups"
        choice = chosen(replace(wanted, maximize=True))
        assert list(self.sizes(choice)) == [f"lr={n}" for n in range(2, 12)]
        choice = chosen(replace(wanted, top=False))
        assert choice.text == "the first 10 of 12 groups"


def test_reading_is_told_until_it_is_done() -> None:
    assert reading_text(200, 80, is_full=False) == ["reading 120 of 200 runs"]
    assert reading_text(200, 0, is_full=False) == []
    told = ["120 of 200 runs: more would take too much memory"]
    assert reading_text(200, 80, is_full=True) == told


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

    def test_long_numbers_are_shortened_as_long_as_they_tell_sets_apart(self) -> None:
        values = (0.015178991141206594, 0.2)
        assert list(replicates([run("run1", lr=lr) for lr in values])) == ["lr=0.0152", "lr=0.2"]
        close = (0.015178991141206594, 0.015178991141206599)
        assert list(replicates([run("run1", lr=lr) for lr in close])) == [
            f"lr={lr}" for lr in close
        ]

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
    view.best, view.banding = True, Banding.STD
    assert undo_text(view, "loss", {}).endswith("L log y, b best so far, B mean ± std, x crosshair")
