"""The runs pane: the runs of the job under the jobs pane's cursor, or all."""

from collections.abc import Sequence

from xt_core.model.records import Run
from xt_core.query.filters import parse_filter
from xt_core.query.registry import RUN_FIELDS
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.records import RecordsPane
from xt_tui.state import ViewState

_COLUMNS = "run,status,{primary}hparams.*,metrics.*,duration,restarts,tags.*,job,experiment"


class RunsPane(RecordsPane[Run]):
    """Whatever the runs logged has a column; the metric that tells which is best comes first."""

    def __init__(self, state: ViewState) -> None:
        super().__init__(
            "3 Runs",
            id="runs",
            noun="run",
            records=state.runs,
            fields=RUN_FIELDS,
            order=RecordOrder(RUN_FIELDS, lambda run: run.full_name, _is_living),
            selection=Selection("run"),
            empty="no runs yet: press n to launch one, or run `xt demo`",
            example="metrics.loss<.2 status=running",
        )
        self._state = state
        self._job: str | None = None

    @property
    def run(self) -> Run | None:
        """The run under the cursor."""
        return self.cursor

    def show_job(self, job: str | None) -> None:
        """Only this job's runs; None for all."""
        if job != self._job:
            self._job = job
            self.scope = () if job is None else (parse_filter(f"job={job}", RUN_FIELDS),)
            self.update_rows()

    def column_text(self, keys: Sequence[str]) -> str:
        shown = {self._records[key].job for key in keys}
        jobs = [self._state.jobs[name].job for name in sorted(shown) if name in self._state.jobs]
        names = dict.fromkeys(job.primary_metric for job in jobs)
        primary = (f'metrics."{name}",' for name in names if name and '"' not in name)
        return _COLUMNS.format(primary="".join(primary))

    def status_of(self, record: Run) -> str:
        return self._state.run_status(record)

    def scope_text(self) -> str:
        return self._job or ""


def _is_living(run: Run) -> bool:
    return run.started is not None and run.ended is None
