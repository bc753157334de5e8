"""The table: a row is made once, drawn from memory, and made anew when it has changed."""

from collections import Counter

from textual.app import App, ComposeResult

from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell, TableColumn

KEYS = [f"row{number}" for number in range(1_000)]
COLUMNS = [TableColumn(" ", 1), TableColumn("name", 8), TableColumn("text", 60)]


class TableApp(App[int]):
    def __init__(self) -> None:
        super().__init__()
        self.made: Counter[str] = Counter()
        self.texts: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Table(self.cells, id="table", empty="nothing", frozen=2)

    def cells(self, key: str) -> list[Cell]:
        self.made[key] += 1
        if key == "row2":
            return [Cell("●"), Cell("a heading that is wider than its column", is_wide=True)]
        return [Cell(" "), Cell(key), Cell(self.texts.get(key, f"text of {key}, which is long"))]

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    def show(self, keys: list[str]) -> None:
        self.table.show(COLUMNS, keys, {key: row for row, key in enumerate(keys)})

    def lines(self) -> list[str]:
        return [self.table.render_line(y).text.rstrip() for y in range(self.table.size.height)]


async def test_rows_are_made_once_until_they_change() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(KEYS)
        await pilot.press("pagedown", "pageup", "down", "up", "down", "end", "home")
        await pilot.pause()
        lines = app.lines()
        assert lines[0].startswith("   name      text")
        assert lines[2].startswith("   row1      text of row1, which is")
        assert (
            lines[3] == "●  a heading that is wider than its c…lu"
        )  # those are under the scrollbar
        made = app.made.copy()
        assert made["row5"] == 1
        assert app.lines() == lines
        # the row under the cursor is drawn anew: it is but one
        assert app.made - made == Counter({"row0": 1})
        app.texts["row5"] = "changed"
        assert app.lines()[6].startswith("   row5      text of row5")
        app.table.touch(["row5", "row900", "no row"])
        assert app.lines()[6] == "   row5      changed"
        assert app.made["row5"] == 2
        assert app.made["row6"] == 1
        app.table.redraw()
        app.lines()
        assert app.made["row6"] == 2


async def test_the_first_columns_stay_in_sight_and_the_cursor_on_its_key() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(KEYS)
        await pilot.press("j", "l")
        await pilot.pause()
        assert app.table.scroll_offset.x == 8
        assert app.lines()[2].startswith("   row1      row1, which is long")
        app.show(KEYS[500:] + KEYS[:500])
        await pilot.pause()
        assert app.table.cursor_key == "row1"
        assert app.table.place("row1") == 501
        assert "row1" in app.table.shown_keys
        app.show(KEYS[2:])
        assert app.table.cursor_key == KEYS[503]
        app.show([])
        await pilot.pause()
        assert not app.table.cursor_key
        assert app.lines()[1] == "nothing"
        app.table.action_choose()  # there is no row to choose


async def test_rows_that_come_first_are_seen_by_who_looks_at_the_beginning() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(KEYS[100:])
        await pilot.press("j", "j")
        app.show(KEYS[97:])
        await pilot.pause()
        assert app.table.shown_keys[0] == "row97"
        assert app.table.cursor_key == "row102"
        app.show(KEYS[90:])
        await pilot.pause()
        assert app.table.cursor_key == app.table.shown_keys[-1] == "row102"  # it stays in sight
        await pilot.press("k")
        await pilot.pause()
        seen = app.table.shown_keys
        app.show(KEYS)
        await pilot.pause()
        assert app.table.shown_keys == seen


class NumbersApp(TableApp):
    def cells(self, key: str) -> list[Cell]:
        number = {"row1": "0.96", "row2": "0.5"}.get(key, "")
        return [Cell(" "), Cell(key), Cell("text"), Cell(number), Cell("end")]


async def test_no_part_of_a_number_is_shown_whatever_cuts_it() -> None:
    app = NumbersApp()
    columns = [TableColumn(" ", 1), TableColumn("name", 8), TableColumn("text", 17)]
    columns += [TableColumn("acc", 8, right=True), TableColumn("long", 60)]

    def words() -> list[list[str]]:
        return [line.split() for line in app.lines()[1:4]]

    async with app.run_test(size=(40, 12)) as pilot:
        app.table.show(columns, KEYS[:3], {key: row for row, key in enumerate(KEYS[:3])})
        await pilot.pause()
        assert words() == [["row0", "text"], ["row1", "text", "0.96"], ["row2", "text", "0.5"]]
        app.table.show(columns, KEYS, {key: row for row, key in enumerate(KEYS)})
        await pilot.pause()  # now there is a scrollbar
        assert words() == [["row0", "text"], ["row1", "text", "0.96"], ["row2", "text", "0.5"]]
        await pilot.resize_terminal(38, 12)  # room for three characters, and not for four
        await pilot.pause()
        assert words() == [["row0", "text"], ["row1", "text", "…"], ["row2", "text", "0.5"]]
        await pilot.resize_terminal(40, 12)
        for x in (22, 23, 24, 25):
            app.table.scroll_to(x=x, animate=False, force=True)
            await pilot.pause()
            parts = {24: [["row0", "end"], ["row1", "end"], ["row2", "0.5", "end"]]}
            whole = [["row0", "end"], ["row1", "0.96", "end"], ["row2", "0.5", "end"]]
            none = [["row0", "end"], ["row1", "end"], ["row2", "end"]]
            assert words() == (none if x > 24 else parts.get(x, whole))
