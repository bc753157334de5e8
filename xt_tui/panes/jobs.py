"""The jobs pane: each job, its state and progress."""

from textual.app import ComposeResult

from xt_core.query.formats import counted
from xt_core.query.registry import JobRow
from xt_tui.panes.pane import Pane
from xt_tui.state import GLYPHS, STYLES, ViewState
from xt_tui.widgets.table import Cell, Table, TableColumn

ALL_JOBS = "all"
_COLUMNS = (
    TableColumn("  job", 8),
    TableColumn("done", 9, right=True),
    TableColumn("best", 7, right=True),
    TableColumn("experiment", 12),
)


class JobsPane(Pane):
    """The cursor's job decides which runs are shown; the first row means all of them."""

    def __init__(self, state: ViewState) -> None:
        super().__init__("2 Jobs", id="jobs")
        self._state = state

    def compose(self) -> ComposeResult:
        yield Table(self._cells, id="jobs-table", empty="")

    @property
    def table(self) -> Table:
        return self.query_one("#jobs-table", Table)

    @property
    def job(self) -> str | None:
        """The job under the cursor; None for all jobs."""
        key = self.table.cursor_key
        return None if key in (None, ALL_JOBS) else key

    def update_rows(self) -> None:
        """Show the jobs, the newest first."""
        jobs = list(self._state.jobs.values())
        self.table.show(_COLUMNS, [ALL_JOBS, *(row.job.name for row in reversed(jobs))])

    def _cells(self, key: str) -> list[Cell]:
        if key == ALL_JOBS:
            return [Cell("  all", "bold"), Cell(counted(len(self._state.jobs), "job"))]
        row = self._state.jobs[key]
        status = self._state.pending.get(key, str(row.counts.status()))
        best = "" if row.best_value is None else f"{row.best_value:.4g}"
        return [
            Cell(f"{GLYPHS[status]} {key}", STYLES.get(status, "")),
            Cell(progress(row)),
            Cell(best),
            Cell(row.job.experiment),
        ]


def progress(row: JobRow) -> str:
    """``7/12 2✘``: what has ended, of all, and what failed."""
    counts = row.counts
    ended = counts.completed + counts.error + counts.cancelled
    failed = f" {counts.error}✘" if counts.error else ""
    return f"{ended}/{row.job.work_items}{failed}"
