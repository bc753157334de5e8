"""The runs pane: a table of runs with a filter, a sort order, and marks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input, Static

from xt_core import clock
from xt_core.errors import UsageError
from xt_core.model.records import Run
from xt_core.query.columns import Column, expand_columns, parse_columns
from xt_core.query.filters import Filter, parse_filter
from xt_core.query.formats import counted
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.table import display_width
from xt_tui.panes.pane import Pane
from xt_tui.state import GLYPHS, STYLES, RunSelection, ViewState
from xt_tui.widgets.table import Cell, Table, TableColumn

_COLUMNS = "run,status,{primary}hparams.*,metrics.*,duration,restarts,tags.*,job,experiment"
_WIDEST = 16
_SAMPLE = 200  # rows that decide about columns and their widths


@dataclass(frozen=True)
class Arrangement:
    """Rows in order, with the columns that fit them; `asked` counts the requests."""

    asked: int
    keys: Sequence[str]
    columns: Sequence[Column[Run]]
    widths: Sequence[int]


class RunsPane(Pane):
    """What is shown is arranged by a thread: sorting 100,000 runs must not stop the keys."""

    @dataclass
    class Arranged(Message):
        """An arrangement is ready."""

        arrangement: Arrangement

    def __init__(self, state: ViewState) -> None:
        super().__init__("3 Runs", id="runs")
        self._state = state
        self.selection = RunSelection()
        self._asked = 0
        self._arrangement = Arrangement(0, (), (), ())
        self._filter_text = ""

    def compose(self) -> ComposeResult:
        yield Input(placeholder="metrics.loss<.2 status=running", id="filter", classes="hidden")
        yield Static(id="filter-error", classes="hidden")
        empty = "no runs yet: press n to launch one, or run `xt demo`"
        yield Table(self._cells, id="runs-table", empty=empty)

    @property
    def table(self) -> Table:
        return self.query_one("#runs-table", Table)

    @property
    def run(self) -> Run | None:
        """The run under the cursor."""
        key = self.table.cursor_key
        return None if key is None else self._state.runs.get(key)

    @property
    def chosen(self) -> list[Run]:
        """The marked runs, else the one under the cursor."""
        marked = [self._state.runs[key] for key in self.table.keys if key in self._state.marks]
        return marked or ([self.run] if self.run is not None else [])

    # Rows -------------------------------------------------------------------------------

    def update_rows(self) -> None:
        """Arrange anew, in the background."""
        self._asked += 1
        self._arrange(self._asked, list(self._state.runs.values()), self.selection)

    @work(thread=True, exclusive=True, group="arrange", exit_on_error=False)
    def _arrange(self, asked: int, runs: list[Run], selection: RunSelection) -> None:
        now = clock.now()
        arranged = selection.arrange(runs, now)
        sample = arranged[:_SAMPLE] + arranged[_SAMPLE:][-_SAMPLE:]
        wanted = _COLUMNS.format(primary=self._primary_columns(arranged))
        columns = expand_columns(
            parse_columns(wanted, RUN_FIELDS), RUN_FIELDS, sample, now, drop_absent=True
        )
        columns = [c for c in columns if any(c.text(run, now) for run in sample)]
        widths = [_width(column, sample, now) for column in columns]
        keys = [run.full_name for run in arranged]
        self.post_message(self.Arranged(Arrangement(asked, keys, columns, widths)))

    def _primary_columns(self, runs: Sequence[Run]) -> str:
        """The metrics that tell which run is best come first, whatever the order of the rows."""
        shown = {run.job for run in runs}
        rows = [row for name, row in self._state.jobs.items() if name in shown]
        names = dict.fromkeys(row.job.primary_metric for row in rows)
        return "".join(f'metrics."{name}",' for name in names if name and '"' not in name)

    @on(Arranged)
    def _show_arrangement(self, message: Arranged) -> None:
        arrangement = message.arrangement
        if arrangement.asked < self._arrangement.asked or not self.query(Table):
            return  # a thread that was overtaken, or the app closes
        self._arrangement = arrangement
        self.table.show([*self._table_columns(arrangement)], arrangement.keys)
        self._describe()

    def _table_columns(self, arrangement: Arrangement) -> list[TableColumn]:
        sort = self.selection.sort
        columns = [TableColumn(" ", 1)]
        for column, width in zip(arrangement.columns, arrangement.widths, strict=True):
            arrow = ("▼" if self.selection.reverse else "▲") if column.field.name == sort else ""
            header = f"{column.header}{arrow}"
            columns.append(
                TableColumn(header, max(width, display_width(header)), column.alignment == "right")
            )
        return columns

    def _cells(self, key: str) -> list[Cell]:
        run, now = self._state.runs[key], clock.now()
        cells = [Cell("●" if key in self._state.marks else " ", "bold magenta")]
        for column in self._arrangement.columns:
            if column.field.name == "status":
                status = self._state.shown_status(run)
                cells.append(Cell(f"{GLYPHS[status]} {status}", STYLES.get(status, "")))
            else:
                cells.append(Cell(column.text(run, now)))
        return cells

    def _describe(self) -> None:
        shown, marks = len(self._arrangement.keys), len(self._state.marks)
        parts = [counted(shown, "run")]
        parts += [self.selection.job] if self.selection.job else []
        parts += [f"filter {self._filter_text}"] if self._filter_text else []
        parts += [f"{marks} marked"] if marks else []
        self.border_subtitle = " · ".join(parts)

    def show_job(self, job: str | None) -> None:
        """Only this job's runs; None for all."""
        if job != self.selection.job:
            self.selection = replace(self.selection, job=job)
            self.update_rows()

    # Sort and marks ---------------------------------------------------------------------

    def sort_by_next(self, step: int) -> None:
        """Sort by the column beside the present one."""
        names = [column.field.name for column in self._arrangement.columns]
        if names:
            sort = self.selection.sort
            place = names.index(sort) if sort in names else 0
            self.selection = replace(self.selection, sort=names[(place + step) % len(names)])
            self.update_rows()

    def reverse(self) -> None:
        self.selection = replace(self.selection, reverse=not self.selection.reverse)
        self.update_rows()

    def toggle_mark(self) -> None:
        """Mark or unmark the cursor's run, and go on to the next."""
        if (key := self.table.cursor_key) is not None:
            self._state.marks ^= {key}
            self.table.action_cursor(1)
            self._marks_changed()

    def mark_all(self) -> None:
        """Mark all that is shown; none if all are."""
        shown = set(self.table.keys)
        if shown <= self._state.marks:
            self._state.marks -= shown
        else:
            self._state.marks |= shown
        self._marks_changed()

    def clear_marks(self) -> None:
        self._state.marks.clear()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self._describe()
        self.table.refresh()
        self.table.announce_cursor()

    # Filter -----------------------------------------------------------------------------

    def open_filter(self) -> None:
        """Let the user type a filter."""
        field = self.query_one("#filter", Input)
        field.remove_class("hidden")
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        """Filter while typing; a wrong filter is told inline, and the old rows stay."""
        if not self.query("#filter-error"):
            return  # the app closes
        error = self.query_one("#filter-error", Static)
        try:
            filters = parse_filters(event.value)
        except UsageError as problem:
            error.update(f"{problem.message}: {problem.hint}")
            error.remove_class("hidden")
            return
        error.add_class("hidden")
        self._filter_text = event.value.strip()
        self.selection = replace(self.selection, filters=filters)
        self.update_rows()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        field = self.query_one("#filter", Input)
        field.set_class(not field.value.strip(), "hidden")
        self.table.focus()

    def close_filter(self) -> None:
        """Give the filter up."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.add_class("hidden")
        self.query_one("#filter-error", Static).add_class("hidden")
        self.table.focus()


def parse_filters(text: str) -> tuple[Filter[Run], ...]:
    """Filters separated by blanks, as of `xt list --filter`. Raises UsageError."""
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        raise UsageError("a quote is not closed", "close it") from None
    return tuple(parse_filter(word, RUN_FIELDS) for word in words)


def _width(column: Column[Run], runs: Sequence[Run], now: float) -> int:
    if column.field.name == "status":
        return len("◍ cancelling")
    widest = max((display_width(column.text(run, now)) for run in runs), default=0)
    return min(_WIDEST, max(widest, display_width(column.header)))
