"""The runs pane: the runs of the job under the jobs pane's cursor, or all."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace

from textual import on

from xt_core.chart.sparkline import sparkline
from xt_core.choices import Choices
from xt_core.model.records import Run
from xt_core.query import views
from xt_core.query.columns import Column
from xt_core.query.fields import Field, FieldSet, Kind
from xt_core.query.filters import parse_filter
from xt_core.query.formats import format_float
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.table import display_width
from xt_core.reports.direction import is_maximized
from xt_core.search.trials import finite_number
from xt_core.session import Session
from xt_tui.looks import draws_ascii
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.records import RecordsPane
from xt_tui.state import ViewState
from xt_tui.trends import WIDTH, Trends
from xt_tui.widgets.table import Table

TREND: Field[Run] = Field(views.TREND, Kind.FLAG, lambda run, now: bool(run.metrics) or None)
"""Shown as the course of the run's metric; as a value, whether there is any."""
_FALLING = (8, 5, 4, 3, 2.5, 2, 1.5, 1)
"""What a course may look like."""
FIELDS = copy(RUN_FIELDS)
FIELDS.fields = {**RUN_FIELDS.fields, TREND.name: TREND}

_COLUMNS = (
    "run,status,{metrics}trend,{varied}metrics.*,duration,{searched}hparams.*,restarts,tags.*,job,"
    "experiment"
)
_ORDER = "run"
_WIDEST_METRIC = 10
"""Cells of a metric's name beside a trend."""
_MOST_LEADING = 2
"""Metrics that come before all else, where the jobs shown go by different ones."""


class RunsPane(RecordsPane[Run]):
    """Whatever the runs logged has a column; the metric that tells which is best comes first."""

    WIDTHS: Mapping[str, int] = {**RecordsPane.WIDTHS, TREND.name: WIDTH}
    LATER = "metrics.*,hparams.*,tags.*"
    PICTURES = (TREND.name,)

    def __init__(self, session: Session, state: ViewState) -> None:
        super().__init__(
            "3 Runs",
            id="runs",
            noun="run",
            records=state.runs,
            fields=FIELDS,
            order=RecordOrder(FIELDS, state.runs, lambda run: run.full_name, is_living),
            selection=Selection(_ORDER, reverse=True),
            empty="no runs yet: press n to launch one, or run `xt demo`",
            example="any word, tags.best status=running metrics.loss<.2",
            choices=Choices(session.team_home.team_root),
        )
        self._state = state
        self._trends = Trends(self, session, self._metric)
        self._missed_trends: set[str] = set()
        """The runs whose trends could not be read."""
        self._job: str | None = None
        self._trend_metrics: Sequence[str] = ()
        """Of the trends that are shown."""

    @property
    def plain_view(self) -> views.View:
        """Of all jobs the newest runs come first, of one they come in its order."""
        return views.View(sort=_ORDER, reverse=self._job is None)

    @property
    def reported(self) -> FieldSet[Run]:
        return RUN_FIELDS

    @property
    def run(self) -> Run | None:
        """The run under the cursor."""
        return self.cursor

    def show_job(self, job: str | None) -> None:
        """Only this job's runs; None for all."""
        if job != self._job:
            self._job = job
            if not self._is_ordered:
                plain = self.plain_view
                self.selection = replace(self.selection, sort=plain.sort, reverse=plain.reverse)
            self.scope = () if job is None else (parse_filter(f"job={job}", FIELDS),)
            self.wish_rows(holds_keys=False)  # who moves over jobs need not wait for their runs

    def text(self, column: Column[Run], record: Run, now: float) -> str:
        if column.field is not TREND:
            return column.text(record, now)
        trend = self._trends.text(record)
        is_named = trend and len(self._trend_metrics) > 1
        return f"{trend} {self._metric(record)}" if is_named else trend

    def look_over(self, records: Sequence[Run]) -> None:
        self._trend_metrics = list(dict.fromkeys(filter(None, map(self._metric, records))))

    def heading(self, column: Column[Run], width: int) -> tuple[str, int]:
        """Above the trends stands their metric; where they are of several, each names its own."""
        if column.field is not TREND:
            return super().heading(column, width)
        names = self._trend_metrics
        if len(names) == 1:
            return f"{column.header}({names[0]})", width
        widest = max((display_width(name) for name in names), default=-1)
        return column.header, width + 1 + min(widest, _WIDEST_METRIC)

    def example(self, column: Column[Run], record: Run, now: float) -> str:
        if column.field is TREND:
            return sparkline(_FALLING, WIDTH, is_ascii=draws_ascii(self.app))
        return column.text(record, now)

    @on(Trends.Read)
    def _show_trends(self, message: Trends.Read) -> None:
        for table in self.query(Table):  # none while the app closes
            table.touch(message.keys)
        self._missed_trends |= set(message.missed)

    def draw_missed_trends(self) -> None:
        """The store answers: trends that it did not give are asked for where they are in sight."""
        missed, self._missed_trends = self._missed_trends, set()
        if missed:
            self.table.touch(missed)

    def summary(self, records: Sequence[Run]) -> str:
        """Best and mean of the metric, where the runs have one in common; then their states."""
        text = super().summary(records)
        metric = self._metric(records[0])
        found = (finite_number(run.metrics.get(metric)) for run in records)
        values = [value for value in found if value is not None]
        if not values:
            return text
        row = self._state.jobs.get(records[0].job)
        goal = (row.job.primary_metric, row.job.maximize) if row else ("", True)
        best = max(values) if is_maximized(metric, *goal) else min(values)
        mean = sum(values) / len(values)
        return f"{metric} best {format_float(best)}, mean {format_float(mean)}  {text}"

    def _metric(self, run: Run) -> str:
        """The metric whose course is shown: the job's primary one, or the first of a run that
        has logged no such metric."""
        row = self._state.jobs.get(run.job)
        primary = row.job.primary_metric if row else ""
        return primary if primary in run.metrics else next(iter(run.metrics), "")

    @property
    def trouble(self) -> str:
        return self._state.error

    def column_text(self, keys: Sequence[str]) -> str:
        """What tells runs apart comes first: the metric, then the hyperparameters that vary; of
        the others those that are searched are shown."""
        runs = [self._records[key] for key in keys]
        metrics = list(dict.fromkeys(name for name in map(self._metric, runs) if name))
        varied = _varied(runs)
        searched = dict.fromkeys(name for run in runs for name in self._space(run.job))
        return _COLUMNS.format(
            metrics=_columns("metrics", metrics[:_MOST_LEADING]),
            varied=_columns("hparams", varied),
            searched=_columns("hparams", [name for name in searched if name not in varied]),
        )

    def _space(self, job: str) -> Iterable[str]:
        row = self._state.jobs.get(job)
        return () if row is None else row.job.space

    def status_of(self, record: Run) -> str:
        return self._state.run_status(record)

    def empty_text(self) -> str:
        """Before there are runs, and where there never will be any, a parent tells why."""
        parents = self._state.told_parents(self._job)
        if self.trouble:
            return super().empty_text()
        own = [run for run in self._state.runs.values() if run.job == self._job]
        if own and all(map(self.leaves_out, own)):
            return f"all runs of {self._job} are archived: A shows them"
        if not parents:
            return super().empty_text()
        parent = parents[-1]
        name = f"{parent.name} (a shows its output)"
        if parent.status.is_final:
            return f"no runs: {name} failed: {parent.error}"
        return f"no runs yet: {name} runs the parent script"

    def is_last_known(self, record: Run) -> bool:
        return self._state.known_until(record) is not None

    def _drawn(self, key: str) -> tuple[Run, float]:
        """Durations of runs that nobody hears of stand still."""
        run, now = super()._drawn(key)
        known = self._state.known_until(run)
        return run, now if known is None else min(now, known)

    def scope_text(self) -> str:
        return self._job or ""


def _varied(runs: Sequence[Run]) -> list[str]:
    """The hyperparameters that have several values among runs."""
    values: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.hparams.items():
            values.setdefault(name, set()).add(str(value))
    return [name for name, found in values.items() if len(found) > 1]


def _columns(family: str, names: Iterable[str]) -> str:
    """Columns of these names, each with a comma after it; a quote in a name has no spelling."""
    return "".join(f'{family}."{name}",' for name in names if '"' not in name)


def is_living(run: Run) -> bool:
    """Whether its duration grows."""
    return run.started is not None and run.ended is None
