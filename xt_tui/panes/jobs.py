"""The jobs pane: each job, its state and progress."""

from collections.abc import Mapping, Sequence

from xt_core.choices import Choices
from xt_core.query.columns import Column
from xt_core.query.formats import counted, format_value
from xt_core.query.registry import JOB_FIELDS, JobRow
from xt_core.session import Session
from xt_tui.looks import draws_ascii
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.records import RecordsPane
from xt_tui.state import GLYPHS, ViewState
from xt_tui.widgets.blocks import bar
from xt_tui.widgets.table_lines import Cell

ALL_JOBS = "all"
_BAR_CELLS = 5
DONE = JOB_FIELDS.fields["done"]
"""Shown as counts; as a value, a share from 0 to 1."""
PROGRESS = JOB_FIELDS.fields["progress"]
"""Shown as a bar."""
BEST = JOB_FIELDS.fields["best"]


class JobsPane(RecordsPane[JobRow]):
    """The cursor's job decides which runs are shown; the first row means all of them."""

    LEAD = (ALL_JOBS,)

    WIDTHS: Mapping[str, int] = {**RecordsPane.WIDTHS, PROGRESS.name: _BAR_CELLS}
    PICTURES = (PROGRESS.name,)

    def __init__(self, session: Session, state: ViewState) -> None:
        super().__init__(
            "2 Jobs",
            id="jobs",
            noun="job",
            records=state.jobs,
            fields=JOB_FIELDS,
            order=RecordOrder(JOB_FIELDS, state.jobs, lambda row: row.job.name, lambda row: False),
            selection=Selection("name", reverse=True),
            empty="no jobs yet",
            example="any word, status=running best>.9",
            choices=Choices(session.team_home.team_root),
        )
        self._state = state

    @property
    def job(self) -> str | None:
        """The job under the cursor; None for all jobs."""
        return None if self.cursor is None else self.cursor.job.name

    @property
    def trouble(self) -> str:
        return self._state.error

    def column_text(self, keys: Sequence[str]) -> str:
        return "job,status,best,done,progress,experiment"

    def status_of(self, record: JobRow) -> str:
        return self._state.job_status(record)

    def is_last_known(self, record: JobRow) -> bool:
        return self._state.is_job_silent(record)

    def text(self, column: Column[JobRow], record: JobRow, now: float) -> str:
        if column.field is DONE:
            return progress(record)
        if column.field is PROGRESS:
            return bar(record.progress, _BAR_CELLS, draws_ascii(self.app))
        text = column.text(record, now)
        return best(record, text) if column.field is BEST else text

    def example(self, column: Column[JobRow], record: JobRow, now: float) -> str:
        return self.text(column, record, now)

    def lead_cells(self, key: str) -> list[Cell]:
        return [Cell(ALL_JOBS, "bold"), Cell(counted(self._arrangement.total, "job"))]

    def is_right(self, column: Column[JobRow]) -> bool:
        """Counts and the best begin alike: what stands behind their numbers has any length."""
        return column.field not in (DONE, BEST) and super().is_right(column)


def progress(row: JobRow) -> str:
    """``7/12 2✘ 1■``: what has ended, of all, and of this what failed and what was cancelled."""
    counts = row.counts
    ended = counts.completed + counts.error + counts.cancelled
    failed = f" {counts.error}{GLYPHS['error']}" if counts.error else ""
    cancelled = f" {counts.cancelled}{GLYPHS['cancelled']}" if counts.cancelled else ""
    return f"{ended}/{row.job.work_items}{failed}{cancelled}"


def best(row: JobRow, text: str) -> str:
    """``0.978 test-acc``: the best value that a completed run has, given as text, and of what;
    ``▶ 0.7 test-acc`` while only running ones have any."""
    if text:
        return f"{text} {row.job.primary_metric}"
    if row.leading_value is None:
        return ""
    leading = format_value(row.leading_value, BEST.kind)
    return f"{GLYPHS['running']} {leading} {row.job.primary_metric}"
