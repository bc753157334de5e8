"""The jobs pane: each job, its state and progress."""

from collections.abc import Sequence

from xt_core.query.columns import Column
from xt_core.query.formats import counted
from xt_core.query.registry import JOB_FIELDS, JobRow
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.records import RecordsPane
from xt_tui.state import ViewState
from xt_tui.widgets.table import Cell

ALL_JOBS = "all"


class JobsPane(RecordsPane[JobRow]):
    """The cursor's job decides which runs are shown; the first row means all of them."""

    LEAD = (ALL_JOBS,)

    def __init__(self, state: ViewState) -> None:
        super().__init__(
            "2 Jobs",
            id="jobs",
            noun="job",
            records=state.jobs,
            fields=JOB_FIELDS,
            order=RecordOrder(JOB_FIELDS, lambda row: row.job.name, lambda row: False),
            selection=Selection("name", reverse=True),
            empty="",
            example="status=running best>.9",
        )
        self._state = state

    @property
    def job(self) -> str | None:
        """The job under the cursor; None for all jobs."""
        return None if self.cursor is None else self.cursor.job.name

    def column_text(self, keys: Sequence[str]) -> str:
        return "job,status,work_items=done,best,experiment"

    def status_of(self, record: JobRow) -> str:
        return self._state.job_status(record)

    def text(self, column: Column[JobRow], record: JobRow, now: float) -> str:
        return progress(record) if column.header == "done" else column.text(record, now)

    def lead_cells(self, key: str) -> list[Cell]:
        return [Cell(ALL_JOBS, "bold"), Cell(counted(len(self._records), "job"))]


def progress(row: JobRow) -> str:
    """``7/12 2✘``: what has ended, of all, and what failed."""
    counts = row.counts
    ended = counts.completed + counts.error + counts.cancelled
    failed = f" {counts.error}✘" if counts.error else ""
    return f"{ended}/{row.job.work_items}{failed}"
