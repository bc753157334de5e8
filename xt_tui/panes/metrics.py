"""The metrics pane: live curves of the chosen runs, or of nodes' machines, a chart for each metric.

What is new is read in the background while the pane is on the screen, one reader at a time; charts
are drawn anew at most five times a second, or at once after a key.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from xt_core.chart import ASCII_GLYPHS, Band, Chart, Curve, Look, fitting_glyphs, lay_out
from xt_core.choices import Choices
from xt_core.errors import XTError
from xt_core.model.records import MetricRecord, Run
from xt_core.query.formats import counted
from xt_core.reports.curves import XKind, as_number
from xt_core.reports.direction import is_maximized
from xt_core.reports.top import best_runs
from xt_core.session import Session
from xt_tui.acting import charts
from xt_tui.actions.action import bindings
from xt_tui.actions.charts import ACTIONS
from xt_tui.background import Background
from xt_tui.charting.captions import chart_title, undo_text
from xt_tui.charting.colors import Colors
from xt_tui.charting.curves import Curves
from xt_tui.charting.drawn import Drawn, Machine
from xt_tui.charting.points import Part, Points, Source, read
from xt_tui.charting.view import SMOOTHINGS, View
from xt_tui.looks import draws_ascii
from xt_tui.panes.pane import Pane
from xt_tui.widgets.chart import ChartView
from xt_tui.widgets.charts import Charts
from xt_tui.widgets.metric_filter import MetricFilter, matching

MOST_RUNS = 10
"""More curves could not be told apart."""

_LEAST_SECONDS_BETWEEN_DRAWINGS = 0.2
_RECORDS_A_READ = 20_000
_LOG_Y, _SMOOTHING = "log y", "smoothing"
"""The names under which they are remembered."""
_SAMPLES_SECONDS = 5.0
_WHEEL_ZOOM, _WHEEL_SHARE = 1.25, 0.1


class MetricsPane(Pane, can_focus=True):
    """Decides which runs and metrics are shown, and how; the charts themselves are widgets."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(ACTIONS, "metrics")

    @dataclass
    class Read(Message, bubble=False):
        """New points are there."""

        parts: Sequence[Part]
        silent: Mapping[str, XTError]
        """Why nodes told nothing."""
        of_system: bool

    @dataclass
    class Ranked(Message, bubble=False):
        """The best of the chosen runs are known."""

        runs: Sequence[Run]

    def __init__(self, session: Session, system: Source) -> None:
        """`system` gives what is sampled of runs' processes and of machines, as metrics."""
        super().__init__("", id="metrics")
        self._session, self._system = session, system
        self._background = Background(self, "metrics")
        self._ranking = Background(self, "ranking of runs")
        self._logged, self._sampled = Points(), Points()
        self._curves, self._colors = Curves(), Colors()
        self._chosen: Sequence[Run] = ()
        self._runs: Sequence[Drawn] = ()
        """What is drawn."""
        self.machines: Sequence[Machine] = ()
        """Those that are drawn in the place of the chosen runs."""
        self._silent: Mapping[str, XTError] = {}
        self.primary, self._maximize = "", True
        """The metric that its job is about, or nothing."""
        self._job = ""
        """That of the runs that were chosen last."""
        self._drawn, self._described = 0.0, ""
        self._timer: Timer | None = None
        # While the app runs, what stands for standard output is not the terminal.
        encoding = getattr(sys.__stdout__, "encoding", "utf-8")
        self._choices = Choices(session.team_home.team_root)
        kept = self._choices.get(_LOG_Y)
        log_y = [name for name in kept if isinstance(name, str)] if isinstance(kept, list) else []
        glyphs = fitting_glyphs(os.environ, encoding)
        smoothing = self._choices.get(_SMOOTHING)
        self.view = View(
            glyphs=glyphs,
            log_y=frozenset(log_y),
            smoothing=smoothing if smoothing in SMOOTHINGS else 0.0,
        )
        self.charts = Charts(self._draw)
        self.filter: MetricFilter = MetricFilter()

    def compose(self) -> ComposeResult:
        yield self.charts
        yield self.filter

    def on_mount(self) -> None:
        if draws_ascii(self.app):
            self.view.glyphs = ASCII_GLYPHS
        self.set_interval(_SAMPLES_SECONDS, self._look_at_samples)

    def _look_at_samples(self) -> None:
        """Samples come without news of the run."""
        if self.of_system:
            self._look()

    # What is shown ----------------------------------------------------------------------

    def show_runs(self, runs: Sequence[Run], primary: str, maximize: bool = True) -> None:
        """Draw these runs' metrics, the job's primary metric first."""
        if primary != self.primary:
            self.charts.start_over()
        if runs and runs[0].job != self._job:
            self._job = runs[0].job
            if not self.machines:
                self.view.leave_places()  # those of another job mean nothing here
        self._chosen, self.primary, self._maximize = runs, primary, maximize
        if not self.machines:
            self.show_chosen()

    def show_nodes(self, nodes: Sequence[str]) -> None:
        """Draw what the machines of these nodes use; of none, the chosen runs again."""
        machines = [Machine(node) for node in nodes[:MOST_RUNS]]
        if machines == [*self.machines]:
            return
        if bool(machines) is not bool(self.machines):
            self.view.leave_places()
            self.charts.start_over()
        self.machines, self._silent = machines, {}
        if machines:
            self._show_runs(machines)
        else:
            self.show_chosen()

    @property
    def of_system(self) -> bool:
        """Whether samples are drawn, rather than what was logged."""
        return self.view.system or bool(self.machines)

    def show_chosen(self) -> None:
        """Choose anew which of the runs are shown; to find the best of 100,000 takes a while."""
        if not self._is_ranked:
            self._show_runs(self._chosen[:MOST_RUNS])
            return
        runs, primary, maximize = self._chosen, self.primary, self._maximize
        self._ranking.ask(lambda: self.Ranked(best_runs(runs, primary, maximize, MOST_RUNS)))

    @property
    def _is_ranked(self) -> bool:
        """Whether the best of the chosen runs are shown, rather than the first."""
        return self.is_crowded and self.view.top and bool(self.primary)

    @on(Ranked)
    def _take_best(self, message: Ranked) -> None:
        if self._is_ranked:
            self._show_runs(message.runs)

    def _show_runs(self, runs: Sequence[Drawn]) -> None:
        self._runs = runs
        self._colors.allot(run.full_name for run in runs)
        self._curves.keep(runs)
        self._look()
        self._show_soon()

    @property
    def points(self) -> Points:
        """The points of the source that is shown."""
        return self._sampled if self.of_system else self._logged

    @property
    def metrics(self) -> list[str]:
        """The metrics of the runs that are shown, the primary one first, and no others."""
        names = dict.fromkeys(
            name for run in self._runs for name in self.points.of(run.full_name).metrics
        )
        return sorted(
            matching(names, self.view.pattern), key=lambda name: (name != self.primary, name)
        )

    @property
    def logged(self) -> list[str]:
        """The metrics that the runs have logged, whether or not they were read, the primary one
        first."""
        last = [run.metrics for run in self._runs if isinstance(run, Run)]
        names = dict.fromkeys(n for each in last for n in each if as_number(each[n]) is not None)
        return sorted(names, key=lambda name: (name != self.primary, name))

    @property
    def has_epochs(self) -> bool:
        """Whether any run has logged a metric named epoch."""
        return any(self.points.of(run.full_name).has_epochs for run in self._runs)

    @property
    def is_crowded(self) -> bool:
        """Whether more runs are chosen than can be shown."""
        return len(self._chosen) > MOST_RUNS and not self.machines

    # Reading ----------------------------------------------------------------------------

    def _look(self) -> None:
        """Read what is new, if it would be seen."""
        if not self.region:
            return
        of_system = self.of_system
        source = self._system if of_system else self._read_logged
        wanted = self.points.wanted(self._runs)
        self._background.ask(lambda: self.Read(*read(source, wanted), of_system))

    def _read_logged(self, run: Drawn, after: int) -> Sequence[MetricRecord]:
        assert isinstance(run, Run)
        return self._session.store.metrics(run.workspace, run.name, after, _RECORDS_A_READ)

    @on(Read)
    def _take(self, message: Read) -> None:
        points = self._sampled if message.of_system else self._logged
        for part in message.parts:
            points.take(part)
        is_told = message.silent.keys() == self._silent.keys()
        self._silent = message.silent
        if message.parts or not is_told:
            self._show_soon()
        if message.parts:
            self._look()  # there may be more

    @on(Charts.Shown)
    def _seen(self) -> None:
        self._describe()  # a page may hold more or fewer charts than before
        self._look()

    # Drawing ----------------------------------------------------------------------------

    def _show_soon(self) -> None:
        """Show news, but not too often."""
        if self._timer is None and self.is_attached:
            wait = self._drawn + _LEAST_SECONDS_BETWEEN_DRAWINGS - time.monotonic()
            if wait <= 0:
                self.show()
            else:
                self._timer = self.set_timer(wait, self.show)

    def show(self) -> None:
        """Show everything as it is now."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._drawn = time.monotonic()
        if self.query("#charts-note"):  # it is gone while the app closes
            self.charts.large = self.view.large
            self.charts.show(self.metrics, self._why_empty())
            self._describe()

    def _why_empty(self) -> str:
        if not self._runs:
            return "no run is chosen"
        if self.view.pattern:
            return f"no metric matches {self.view.pattern}"
        if self.machines:
            nodes = {machine.node for machine in self.machines}
            why = [error.message for node, error in self._silent.items() if node in nodes]
            return "\n".join(why) or "nothing sampled yet: a controller looks every few seconds"
        return "nothing sampled yet" if self.view.system else "no metrics logged yet"

    def _describe(self) -> None:
        parts = []
        if self.machines:
            names = [machine.name for machine in self.machines]
            parts.append(f"what {', '.join(names)} use" + ("s" if len(names) == 1 else ""))
            parts += [f"{node} is silent" for node in self._silent if node in names]
        if self.is_crowded:
            which = f"first {MOST_RUNS}"
            if self._is_ranked:
                which = f"{MOST_RUNS} best by {self.primary}"
            parts.append(f"the {which} of {counted(len(self._chosen), 'run')}")
        page, pages = self.charts.pages
        parts += [f"page {page} of {pages}"] if pages > 1 else []
        undo = undo_text(self.view, self.charts.chosen, getattr(self.app, "user_keys", {}))
        text = " · ".join([*parts, undo] if undo else parts)
        if text != self._described:  # to be told anew, it is drawn anew
            self._described = text
            self.border_subtitle = text.replace("[", "\\[")

    def set_log_y(self, metrics: frozenset[str]) -> None:
        """These metrics have a logarithmic axis of y, now and from now on."""
        self.view.log_y = metrics
        self._keep(_LOG_Y, sorted(metrics) or None)
        self.show()

    def next_smoothing(self) -> None:
        """Smoother curves, or plain ones again, now and from now on."""
        self.view.next_smoothing()
        self._keep(_SMOOTHING, self.view.smoothing or None)
        self.show()

    def _keep(self, part: str, value: object) -> None:
        """Remember a choice, or with None forget it."""
        self._choices.put(part, value)
        if self._choices.problem:
            self.notify(self._choices.problem, severity="warning", markup=False)

    def curves_of(self, metric: str) -> list[Curve | Band]:
        """What the chart of a metric shows."""
        maximize = is_maximized(metric, self.primary, self._maximize)
        return self._curves.of(
            metric, self._runs, self.points, self._colors, self.view, self.x_kind, maximize=maximize
        )

    @property
    def x_kind(self) -> XKind:
        """What is on the axis of x; what is sampled has no steps, and machines no beginning."""
        if self.of_system and self.view.x_kind in (XKind.STEP, XKind.EPOCH):
            return XKind.WALL if self.machines else XKind.RELATIVE
        return self.view.x_kind

    def _draw(self, metric: str, chart: ChartView) -> Chart:
        look = Look(
            title=self._title(metric),
            x_label=self.x_kind.label,
            log_x=self.view.log_x,
            log_y=metric in self.view.log_y,
            x_range=self.view.x_range,
            glyphs=self.view.glyphs,
            legend=self.view.legend,
            cursor_x=self.view.cursor,
            mark_x=self.view.mark,
            quantity=self.x_kind.quantity,
            dashed=True,
        )
        return lay_out(self.curves_of(metric), *chart.size, look)

    def _title(self, metric: str) -> str:
        is_most = is_maximized(metric, self.primary, self._maximize)
        is_chosen = metric == self.charts.chosen and self.has_focus and len(self.charts.views) > 1
        return chart_title(self.view, metric, is_most=is_most, is_chosen=is_chosen)

    # The mouse --------------------------------------------------------------------------

    @on(ChartView.Pointed)
    def _pointed(self, message: ChartView.Pointed) -> None:
        charts.point(self, message.chart, message.x, is_click=message.is_click)

    @on(ChartView.Wheeled)
    def _wheeled(self, message: ChartView.Wheeled) -> None:
        if message.sideways:
            charts.pan(self, message.sideways * _WHEEL_SHARE)
        else:
            charts.zoom(self, _WHEEL_ZOOM**message.nearer, message.x)

    @on(ChartView.Dragged)
    def _dragged(self, message: ChartView.Dragged) -> None:
        ends = message.origin, message.place
        charts.drag(self, *ends, is_pan=message.is_pan, is_done=message.is_done)

    def on_focus(self) -> None:
        self.charts.redraw()

    def on_blur(self) -> None:
        self.charts.redraw()

    # The filter -------------------------------------------------------------------------

    def close_filter(self) -> None:
        """Show all metrics again."""
        self.filter.close()
        self.focus()

    @on(Input.Changed, "#metric-filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.view.pattern = self.filter.pattern
        self.show()

    @on(Input.Submitted, "#metric-filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        event.stop()
        self.filter.hide_if_empty()
        self.focus()
