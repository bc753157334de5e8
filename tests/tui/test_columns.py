"""Columns that the user chooses, and what is drawn in them."""

import re
from pathlib import Path

from textual.widgets import Input
from tui_support import log_values, names, text_of, told, until, until_loaded

from xt_core.choices import Choices
from xt_core.query.fields import spelled
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.views import ChosenColumn, column_text, from_json, to_json
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.columns import first, hidden, moved, only, resized, shown, toggled
from xt_tui.screens.columns import ColumnsScreen
from xt_tui.widgets.blocks import bar
from xt_tui.widgets.table import Table

RUN, LR, LOSS = ChosenColumn("run"), ChosenColumn("hparams.lr", 7), ChosenColumn("metrics.loss")


def header(app: XtApp) -> list[str]:
    """The words of the runs pane's header."""
    line = next(line for line in text_of(app).splitlines() if "run▲" in line)
    return line[app.runs.table.region.x :].strip("│ ").split()


def test_columns_come_go_move_and_have_widths() -> None:
    columns = toggled((RUN, LR), "metrics.loss")
    assert columns == (RUN, LR, LOSS)
    assert toggled(columns, "hparams.lr") == (RUN, LOSS)
    assert moved(columns, "metrics.loss", -1) == (RUN, LOSS, LR)
    assert moved(columns, "run", -1) == columns
    assert moved(columns, "status", 1) == columns
    assert resized(columns, "run", 12) == (ChosenColumn("run", 12), LR, LOSS)
    assert resized((RUN,), "run", 1)[0].width == 3
    assert resized((RUN,), "run", 1_000)[0].width == 80


def test_columns_move_among_those_that_are_seen() -> None:
    job, node = ChosenColumn("job"), ChosenColumn("node")
    columns = (RUN, job, LR, node, LOSS)
    seen = ["run", "hparams.lr", "metrics.loss", "hparams.hidden"]
    assert moved(columns, "metrics.loss", -1, seen) == (RUN, job, LOSS, LR, node)
    assert moved(columns, "run", 1, seen) == (job, LR, RUN, node, LOSS)
    assert moved(columns, "metrics.loss", 1, seen) == columns
    assert first(columns, "metrics.loss") == (LOSS, RUN, job, LR, node)


def test_many_columns_come_and_go_at_once() -> None:
    a, b = ChosenColumn("metrics.a"), ChosenColumn("metrics.b")
    assert shown((RUN, LR), ["metrics.a", "run", "metrics.b"]) == (RUN, LR, a, b)
    assert hidden((RUN, LR, a, b), {"metrics.a", "hparams.lr"}) == (RUN, b)
    assert only((RUN, LR, a), ["metrics.b", "metrics.a"], RUN_FIELDS) == (RUN, a, b)


def log_sparse(session: Session, run: str, count: int) -> None:
    log_values(session, run, {f"layer{number:03}/norm": number for number in range(count)})


async def test_of_hundreds_of_metrics_a_dozen_have_columns_and_a_search_shows_them(
    session: Session,
) -> None:
    log_sparse(session, "run1.6", 200)
    async with XtApp(session).run_test(size=(200, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "+190 columns: C" in str(app.runs.border_subtitle))
        assert header(app)[:5] == ["run▲", "status", "loss", "trend(loss)", "lr"]
        columns = [column.name for column in app.runs.columns]
        assert columns[-2:] == ["job", "experiment"]
        assert sum(name.startswith("metrics.layer") for name in columns) == 10
        await pilot.press("3", "C", "/", *"layer1", "enter")
        screen = await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and app.screen)
        table = screen.query_one(Table)
        await until(pilot, lambda: "metrics.layer100/norm" in table.keys)
        await until(pilot, lambda: screen.focused is table)
        before = len(screen._columns)
        await pilot.press("a")
        assert len(screen._columns) == before + 100, "without their aggregates"
        await pilot.press("x")
        assert len(screen._columns) == before
        await pilot.press("o")
        logged = [each.name for each in screen._columns if "." in each.name]
        assert logged == [f"metrics.layer{number}/norm" for number in range(100, 200)]
        await pilot.press("escape")
        await until(pilot, lambda: "run" in table.keys)
        assert screen.is_active, "it has left the search alone"
        table.move_to("metrics.layer100/norm")
        await pilot.press("t")
        assert screen._columns[0].name == "metrics.layer100/norm"
        await pilot.press("r")
        await until(pilot, lambda: header(app)[:3] == ["run▲", "status", "loss"])


async def test_another_width_leaves_columns_automatic(session: Session) -> None:
    async with XtApp(session).run_test(size=(200, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "trend(loss)" in header(app))
        await pilot.press("C")
        screen = await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and app.screen)
        await pilot.press("+", "enter")
        choices = Choices(session.team_home.team_root)
        await until(pilot, lambda: choices.get("runs widths") == [["run", 8]])
        assert choices.get("runs columns") is None
        log_values(session, "run1.6", {"f1": 0.5})
        await until(pilot, lambda: "f1" in header(app))
    async with XtApp(session).run_test(size=(200, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: app.runs.columns[:1] == (ChosenColumn("run", 8),))
        await pilot.press("C")
        screen = await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and app.screen)
        assert screen._columns[0] == ChosenColumn("run", 8)
        await pilot.press("r")
        await until(pilot, lambda: app.runs.columns[:1] == (ChosenColumn("run"),))
        assert choices.get("runs widths") is None


def test_columns_are_written_as_the_command_line_takes_them() -> None:
    odd = ChosenColumn("hparams.a,b")
    assert column_text((RUN, odd, LR), RUN_FIELDS) == 'run,hparams."a,b",hparams.lr'
    assert spelled(RUN_FIELDS.find("tags.it's")) == 'tags."it\'s"'
    assert spelled(RUN_FIELDS.member("tags", 'a"b')) == "tags.'a\"b'"


def test_what_was_kept_is_checked_before_it_is_taken() -> None:
    assert from_json(to_json((RUN, LR)), RUN_FIELDS) == (RUN, LR)
    wrong = [["run", 0], ["nothing", 0], ["job"], "status", ["job", "wide"], ["job", 1_000]]
    assert from_json(wrong, RUN_FIELDS) == (RUN,)
    assert from_json({"run": 0}, RUN_FIELDS) == ()


def test_bars_have_a_form_in_ascii() -> None:
    assert bar(0.5, 4) == "██··"
    assert bar(0.45, 4) == "█▊··"
    assert bar(2, 3) == "███"
    assert bar(0.5, 4, is_ascii=True) == "##.."


def test_a_memory_that_is_broken_is_told_of_and_replaced(tmp_path: Path) -> None:
    choices = Choices(tmp_path / "team")
    assert choices.get("columns") is None
    choices.put("columns", [1])
    choices.put("views", {"a": 1})
    choices.put("columns", None)
    again = Choices(tmp_path / "team")
    assert (again.get("columns"), again.get("views"), again.problem) == (None, {"a": 1}, "")
    assert [file.name for file in (tmp_path / "team").iterdir()] == ["choices.json"]
    (tmp_path / "team" / "choices.json").write_text("{")
    assert again.get("views") is None
    assert "is no JSON object; it is ignored" in again.problem
    again.put("views", 2)
    assert Choices(tmp_path / "team").get("views") == 2
    assert (tmp_path / "team" / "choices.json.bad").read_text() == "{"


async def test_columns_are_chosen_by_keys_and_remembered(session: Session) -> None:
    async with XtApp(session).run_test(size=(200, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "trend(loss)" in header(app))
        assert header(app)[:5] == ["run▲", "status", "loss", "trend(loss)", "lr"]
        await until(pilot, lambda: "█▁" in text_of(app), "a sparkline of two values")
        await pilot.press("C")
        screen = await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and app.screen)
        table = screen.query_one(Table)
        await until(pilot, lambda: len(table.keys) > 20)
        await pilot.press("space")  # run goes out, and comes back at the end
        assert "run" not in [column.name for column in screen._columns]
        table.move_to("run")
        await pilot.press("space", *"K" * 9, "+")
        assert screen._columns[0] == ChosenColumn("run", 8)
        await pilot.press("/", *"nod", "space")  # no name goes on with a blank
        await until(pilot, lambda: list(table.keys) == ["node"])
        assert "node" in [column.name for column in screen._columns]
        await pilot.press("escape")  # out of the search, not of the dialog
        await until(pilot, lambda: len(table.keys) > 20)
        assert (app.focused, table.cursor_key) == (table, "node")
        await pilot.press("/", *"restart", "enter")
        await until(pilot, lambda: list(table.keys)[:1] == ["restarts"])
        await pilot.press("escape")
        await until(pilot, lambda: len(table.keys) > 20)
        assert screen.is_current
        await pilot.press("/")
        screen.query_one("#sought", Input).value = "restart"
        await until(pilot, lambda: list(table.keys)[:1] == ["restarts"])
        await pilot.press("down", "up", "space", "space")  # in and out again
        assert screen._columns[-1] == ChosenColumn("node")
        screen.query_one("#sought", Input).value = "moon"
        await until(pilot, lambda: "nothing matches" in text_of(app))
        screen.query_one("#sought", Input).value = "hparams.later"
        await pilot.press("enter")
        await until(pilot, lambda: list(table.keys) == ["hparams.later"])
        await pilot.press("space", "enter")
        await until(pilot, lambda: header(app)[-2:] == ["node", "later"])
        await pilot.press("2")
        await until(pilot, lambda: "job2" in text_of(app) and re.search("1/1 +█████", text_of(app)))
        # What could not be chosen yet is shown behind what was, and can be left out as well.
        log_values(session, "run1.6", {"精度": 0.5})
        await until(pilot, lambda: header(app)[-3:] == ["node", "later", "精度"])
        await pilot.press("3", "C")
        screen = await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and app.screen)
        table = screen.query_one(Table)
        assert screen._columns[-1] == ChosenColumn("metrics.精度")
        table.move_to("metrics.loss")
        await pilot.press("space", "enter")
        await until(pilot, lambda: "loss" not in header(app))
        log_values(session, "run1.6", {"f1": 0.5, "loss": 0.1})
        await until(pilot, lambda: header(app)[-4:] == ["node", "later", "精度", "f1"])
    choices = Choices(session.team_home.team_root)
    kept = choices.get("runs columns")
    assert kept[0] == ["run", 8]
    assert kept[-3:] == [["node", 0], ["hparams.later", 0], ["metrics.精度", 0]]
    assert choices.get("runs left out") == ["metrics.loss"]
    choices.put("runs columns", kept[:-1])
    choices.put("runs left out", None)  # as an older XT left it
    async with XtApp(session).run_test(size=(200, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: header(app)[-5:] == ["node", "later", "loss", "f1", "精度"])
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen))
        await pilot.press("r")
        await until(pilot, lambda: "later" not in header(app))
        assert Choices(session.team_home.team_root).get("runs columns") is None
        assert names(app)[0] == "run1.1"


async def test_a_broken_memory_is_told_and_the_ui_opens(session: Session) -> None:
    session.team_home.create()
    (session.team_home.team_root / "choices.json").write_text("no json")
    async with XtApp(session).run_test(size=(120, 36)) as pilot:
        app = await until_loaded(pilot, 7)
        assert any("is no JSON object" in text for text in told(app))


async def test_a_trend_names_its_metric_and_an_unseen_order_is_told(session: Session) -> None:
    async with XtApp(session).run_test(size=(200, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await until(pilot, lambda: "trend(loss)" in header(app))
        log_values(session, "run2", {"acc": 0.5}, {"acc": 0.75})
        await until(pilot, lambda: "▁█       acc" in text_of(app))
        assert "█▁       loss" in text_of(app)
        assert "trend" in header(app)
        await pilot.press("O", *"node", "enter")
        await until(pilot, lambda: "sorted by node▲" in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "sorted by node▼" in text_of(app))
        await pilot.press("O", *"status", "enter")
        await until(pilot, lambda: re.search("status[▲▼]", text_of(app)))
        assert "sorted by" not in text_of(app)
