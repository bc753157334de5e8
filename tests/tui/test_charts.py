"""The charts of the metrics pane: crosshair, zoom, axes, bands, pages, the mouse."""

import math
from dataclasses import replace
from functools import partial

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widgets import Input
from tui_support import log_values, text_of, told, until, until_loaded

from xt_core.model.records import MetricRecord, Run, Value
from xt_core.model.states import RunStatus
from xt_core.reports.curves import XKind
from xt_core.session import Session
from xt_core.stats.store import JournalBatch
from xt_tui.app import XtApp
from xt_tui.charting.drawn import Drawn
from xt_tui.charting.view import Banding

STEPS = 101


def log_curves(session: Session, run: str, metrics: int = 1) -> None:
    """Metrics m00, m01, … over 101 steps, one a second: the step + the number of the metric; and
    the epoch, ten steps each."""
    start = session.store.journal_end("ws1", run)
    points = []
    for step in range(STEPS):
        values: dict[str, Value] = {f"m{number:02}": step + number for number in range(metrics)}
        values["epoch"] = step // 10
        points.append(MetricRecord(start + step, 1e9 + step, float(step), values))
    session.store.add_journal(JournalBatch("ws1", run, start, start + 200, points))


def is_shown(app: XtApp, text: str) -> bool:
    return text in text_of(app)


async def test_the_crosshair_reads_values_in_all_charts_at_once(session: Session) -> None:
    log_curves(session, "run2", 2)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4", "z")
        await until(pilot, lambda: app.metrics.charts.names == ["epoch", "m00", "m01"])
        await pilot.press("x")
        await until(pilot, lambda: "│ step 50  ● run2 51" in text_of(app))
        assert app.metrics.view.cursor == 50
        assert "│ step 50  ● run2 50" in text_of(app)
        await pilot.press("l", "right", "left", "l")
        assert app.metrics.view.cursor is not None
        assert app.metrics.view.cursor > 51
        await pilot.press("home", "right")
        assert app.metrics.view.cursor == pytest.approx(100 / 60, abs=0.5)
        await pilot.press("end")
        await until(pilot, lambda: "│ step 100  ● run2 101" in text_of(app))
        await pilot.press("backspace")
        await until(pilot, lambda: "step 100" not in text_of(app))
        assert app.metrics.view.cursor is None


async def test_zoom_and_pan_keep_within_the_data(session: Session) -> None:
    log_curves(session, "run2", 2)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4")
        view = app.metrics.view

        def ends() -> list[float]:
            return list(view.x_range or ())

        await until(pilot, lambda: app.metrics.charts.chosen_view is not None)
        await until(pilot, lambda: len(app.metrics.charts.names) == 3)
        await pilot.press("-")
        assert told(app) == ["all of x is shown: zoom in with +"]
        await pilot.press("+")
        assert ends() == [25, 75]
        await pilot.press("[", "shift+left")
        assert ends() == [0, 50]
        await pilot.press("left_square_bracket")
        assert ends() == [0, 50]
        await pilot.press("]", "]", "]", "]", "]")
        assert ends() == [50, 100]
        await pilot.press("-")
        assert ends() == [25, 100]
        await pilot.press("0")
        assert ends() == []
        await pilot.press("x", "G", "+")
        assert ends() == [50, 100], "about the crosshair"
        await pilot.press("backspace", "backspace")
        assert [view.cursor, *ends()] == [None]


@pytest.mark.parametrize("key", ["plus", "right", "left", "right_square_bracket"])
async def test_places_on_a_linear_axis_are_left_for_a_logarithmic_one(
    session: Session, key: str
) -> None:
    async with XtApp(session).run_test(size=(160, 48)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("4")
        await until(pilot, lambda: app.metrics.charts.chosen is not None)
        await pilot.press("plus", "x", "g", "o")
        assert (app.metrics.view.cursor, app.metrics.view.x_range) == (None, None)
        await pilot.press(key, "x", key, "o", key)
        await until(pilot, lambda: not app.metrics.view.log_x)


async def test_x_may_be_steps_epochs_or_times(session: Session) -> None:
    log_curves(session, "run2")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4")
        await until(pilot, lambda: app.metrics.charts.names == ["epoch", "m00"])
        kinds = []
        for label, tick in (
            ("epoch", "10"),
            ("elapsed", "1m30s"),
            ("time", ":47:"),
            ("step", "100"),
        ):
            await pilot.press("X")
            await until(pilot, partial(is_shown, app, f" {label} │"))
            assert tick in text_of(app)
            kinds.append(app.metrics.view.x_kind)
        assert kinds == [XKind.EPOCH, XKind.RELATIVE, XKind.WALL, XKind.STEP]
        await pilot.press("3", "g", "4")
        await until(pilot, lambda: app.metrics.charts.names == ["loss"])
        await pilot.press("X")
        assert app.metrics.view.x_kind is XKind.RELATIVE, "run1.1 has logged no epochs"
        await pilot.press("X", "X", "o", "b", "s", "L")
        await until(pilot, lambda: "loss (log x · log y · least so far)" in text_of(app))
        assert app.metrics.border_subtitle == "undo: o log x, L log y, b best so far"
        await pilot.press("b", "o", "x")
        await until(pilot, lambda: "loss (log y · smoothed 0.6)" in text_of(app))
        undo = "undo: L log y, s smoothed 0.6, x crosshair"
        assert app.metrics.border_subtitle == undo
        assert "● run1.1 1.2 ~1.2" in text_of(app)
        await pilot.press("3", "G", "4")
        await until(pilot, lambda: app.metrics.charts.names == ["epoch", "m00"])
        await until(pilot, lambda: "epoch (smoothed 0.6)" in text_of(app))
        subtitle = app.metrics.border_subtitle
        assert subtitle == "page 1 of 2 · undo: s smoothed 0.6", "another job and metric"
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("3", "g", "4")
        await until(pilot, lambda: "loss (log y · smoothed 0.6)" in text_of(app))


async def test_runs_are_taken_together_as_bands(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("space", "space", "4")
        await until(pilot, lambda: "━━ run1.1 0.6  ╍╍ run1.2 0.5" in text_of(app))
        await pilot.press("B")
        await until(pilot, lambda: "● mean of all runs (2) 0.55 [0.5, 0.6]" in text_of(app))
        await pilot.press("B")
        await until(pilot, lambda: "● mean of all runs (2) 0.55 ± 0.07071" in text_of(app))
        await pilot.press("B", "w")
        await until(pilot, lambda: "run1.1 0.6" not in text_of(app))
        assert (app.metrics.view.banding, app.metrics.view.legend) == (Banding.OFF, False)


async def test_groups_of_the_table_are_bands_of_all_their_runs(session: Session) -> None:
    job = replace(session.store.job("job1"), name="job3")
    runs = [
        Run("ws1", f"run{n}", "job3", "e", "node0", RunStatus.QUEUED, 1e9) for n in range(20, 50)
    ]
    for number, run in enumerate(runs):
        run.hparams = {"opt": ("adam", "sgd")[number % 2], "lr": number}
    session.store.add_job(job, runs, [])
    for number in range(20, 50):
        log_values(session, f"run{number}", {"loss": float(number)})
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 37)
        await pilot.press("r", "slash", *"job=job3", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 30)
        await pilot.press("asterisk", "4", "B")
        await until(pilot, lambda: "● mean of all runs (30) 34.5 [20, 49]" in text_of(app))
        await pilot.press("3", "B", *"hparams.opt", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 2)
        await until(pilot, lambda: "━━ opt=sgd (15) 35 [21, 49]" in text_of(app))
        assert "╍╍ opt=adam (15) 34 [20, 48]" in text_of(app)
        assert "run" not in str(app.metrics.border_subtitle), "it is of all"
        await pilot.press("4", "B", "B")
        await until(pilot, lambda: "● mean of all runs (30) 34.5 [20, 49]" in text_of(app))
        assert app.metrics.view.banding is Banding.ALL
        await pilot.press("3", "u", "4", "B", "B")
        await until(pilot, lambda: "● opt=sgd (15) 35 [21, 49]" in text_of(app))
        assert "opt=adam" not in text_of(app), "the group under the cursor alone"


async def test_of_many_runs_the_best_are_shown_in_colours_that_stay(session: Session) -> None:
    job = replace(session.store.job("job1"), name="job3")
    session.store.add_job(
        job,
        [Run("ws1", f"run{n}", "job3", "e", "node0", RunStatus.QUEUED, 1e9) for n in range(20, 33)],
        [],
    )
    for number in range(20, 33):
        log_values(session, f"run{number}", {"loss": float(number)})
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 20)

        def colors() -> dict[str, int]:
            return {curve.name: curve.color for curve in app.metrics.curves_of("loss")}

        def described(text: str) -> bool:
            return str(app.metrics.border_subtitle).startswith(text)

        await pilot.press("r", "slash", *"job=job3", "enter")
        await until(pilot, lambda: len(app.runs.table.keys) == 13)
        await pilot.press("asterisk", "4")
        best = [f"run{number}" for number in range(29, 19, -1)]
        await until(pilot, lambda: list(colors()) == best)
        await until(pilot, lambda: described("the 10 best by loss of 13 runs"))
        before = colors()
        assert sorted(before.values()) == list(range(10))
        await pilot.press("p")
        await until(pilot, lambda: described("the first 10 of 13 runs"))
        newest = [f"run{number}" for number in range(32, 22, -1)]
        await until(pilot, lambda: list(colors()) == newest)
        after = colors()
        assert sorted(after.values()) == list(range(10))
        assert {name: after[name] for name in best[:7]} == {name: before[name] for name in best[:7]}


async def test_charts_come_in_pages_are_filtered_and_opened_large(session: Session) -> None:
    log_curves(session, "run2", 30)
    async with XtApp(session).run_test(size=(140, 44)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4", "z")
        charts = app.metrics.charts
        await until(pilot, lambda: len(app.metrics.charts.names) == 31)
        await until(pilot, lambda: len(charts.views) == 8)
        assert charts.pages == (1, 4)
        assert charts.chosen == "epoch"
        await pilot.press("right", "j", "h")
        assert charts.chosen == "m01"
        await pilot.press("pagedown")
        assert (charts.chosen, charts.pages) == ("m09", (2, 4))
        await pilot.press("G")
        assert (charts.chosen, charts.pages, len(charts.views)) == ("m29", (4, 4), 7)
        await pilot.press("m")
        assert charts.chosen == "epoch"
        await pilot.press("M", "k", "enter")
        await until(pilot, lambda: len(charts.views) == 1)
        assert charts.chosen == "m27"
        await until(pilot, partial(is_shown, app, " m27 "))
        await pilot.press("escape", "/", *"M0?,epoch")
        await until(pilot, lambda: len(app.metrics.charts.names) == 11)
        await pilot.press("enter")
        assert app.focused is app.metrics
        await pilot.press("/", *"x")
        await until(pilot, lambda: "no metric matches x" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.metrics.charts.names) == 31)
        assert app.metrics.query_one("#metric-filter", Input).has_class("hidden")


async def test_tab_goes_from_chart_to_chart_and_on_to_the_next_pane(session: Session) -> None:
    log_curves(session, "run2")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4")
        await until(pilot, lambda: app.metrics.charts.names == ["epoch", "m00"])
        await pilot.press("tab")
        assert app.metrics.charts.chosen == "m00"
        await pilot.press("tab")
        assert app.focused is not app.metrics
        await pilot.press("shift+tab", "shift+tab")
        assert app.metrics.charts.chosen == "epoch"


async def test_the_mouse_points_zooms_and_drags(session: Session) -> None:
    log_curves(session, "run2")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4", "z")
        await until(pilot, lambda: app.metrics.charts.names == ["epoch", "m00"])
        await until(pilot, lambda: len(app.metrics.charts.views) == 2)
        shown, view = app.metrics.charts.views[1], app.metrics.view
        await pilot.pause()
        left, width = shown.chart.left, shown.chart.plot_width
        await pilot.click(shown, offset=(left + width - 1, 4))
        assert (view.cursor, app.metrics.charts.chosen) == (100, "m00")
        await pilot.hover(shown, offset=(left, 4))
        assert view.cursor == 0
        await pilot.mouse_down(shown, offset=(left, 4))
        await pilot.hover(shown, offset=(left + width // 2, 4))
        assert view.mark == 0
        await pilot.mouse_up(shown, offset=(left + width // 2, 4))
        assert [round(end or 0) // 5 for end in view.x_range or ()] == [0, 10]
        assert [view.cursor, view.mark] == [None, None]
        await pilot._post_mouse_events([MouseScrollDown], shown, offset=(left, 4))
        await until(pilot, lambda: view.x_range is not None and view.x_range[1] > 60)
        await pilot._post_mouse_events([MouseScrollUp], shown, offset=(left, 4))
        await until(pilot, lambda: view.x_range is not None and view.x_range[1] < 60)


async def test_a_second_source_is_shown_by_a_key_and_by_time(session: Session) -> None:
    log_curves(session, "run2")
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4", "U")
        await until(pilot, lambda: "nothing sampled yet" in text_of(app))
        await pilot.press("U")
        asked: list[tuple[str, int]] = []

        def sampled(run: Drawn, after: int) -> list[MetricRecord]:
            asked.append((run.name, after))
            points = [(0, 1e9, 10.0), (1, 1e9 + 5, 20.0), (2, 1e9 + 10, math.nan)]
            return [
                MetricRecord(offset, time, None, {"system.cpu_percent": value})
                for offset, time, value in points
                if offset > after
            ]

        app.metrics._reading.system = sampled
        await pilot.press("U")
        await until(pilot, lambda: app.metrics.charts.names == ["system.cpu_percent"])
        await until(pilot, lambda: " elapsed │" in text_of(app))
        assert "1 not finite" in text_of(app)
        assert asked[:1] == [("run2", -1)]
        assert set(asked[1:]) <= {("run2", 2)}
        await pilot.press("U")
        await until(pilot, lambda: app.metrics.charts.names == ["epoch", "m00"])


@pytest.mark.parametrize("size", [(60, 20), (200, 60)])
async def test_every_size_of_terminal_shows_values_at_the_crosshair(
    session: Session, size: tuple[int, int]
) -> None:
    log_curves(session, "run2", 40)
    async with XtApp(session).run_test(size=size) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "4", "z")
        await until(pilot, lambda: len(app.metrics.charts.names) == 41)
        await pilot.press("x")
        await until(pilot, lambda: "step 5" in text_of(app))
        await pilot.press("u", "u")
        await until(pilot, lambda: ": step 5" in text_of(app))
        assert app.metrics.view.glyphs.name == "ascii"


async def test_a_run_that_comes_back_is_read_from_where_it_was_left(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: app.metrics.points.of("ws1/run1.1").offset == 1)
        await pilot.press("G", "k")
        log_values(session, "run1.1", {"loss": 0.01})
        await pilot.press("g")
        known = app.metrics.points.of("ws1/run1.1")
        await until(pilot, lambda: known.offset == 10)
        assert known.metrics["loss"].values.tolist() == [1.2, 0.6, 0.01]
