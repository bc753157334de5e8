"""The metrics pane: live curves of the chosen runs, or of nodes' machines, a chart for each metric.

What is new is read in the background while the pane is on the screen, one reader at a time; charts
are drawn anew at most five times a second, or at once after a key.
"""

import os
import sys
import time
from collections.abc import Iterable, Sequence
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
from xt_core.model.names import counting_order
from xt_core.model.records import Run
from xt_core.reports.curves import XKind, as_number
from xt_core.reports.direction import is_maximized
from xt_core.session import Session
from xt_tui.acting import charts
from xt_tui.actions.action import bindings
from xt_tui.actions.charts import ACTIONS
from xt_tui.background import Background
from xt_tui.charting.captions import chart_title, machines_text, reading_text, undo_text
from xt_tui.charting.choice import MOST_CURVES, Choice, Wanted, chosen, machines_chosen
from xt_tui.charting.colors import Colors
from xt_tui.charting.curves import Curves
from xt_tui.charting.drawn import Drawn, Machine
from xt_tui.charting.points import Points, Source
from xt_tui.charting.reading import Reading
from xt_tui.charting.rememberedview import RememberedView
from xt_tui.groups import Groups
from xt_tui.looks import draws_ascii
from xt_tui.panes.pane import Pane
from xt_tui.widgets.chart import ChartView
from xt_tui.widgets.charts import Charts
from xt_tui.widgets.metric_filter import MetricFilter, matching

_LEAST_SECONDS_BETWEEN_DRAWINGS = 0.2
_SAMPLES_SECONDS = 5.0
_WHEEL_ZOOM, _WHEEL_SHARE = 1.25, 0.1


class MetricsPane(Pane, can_focus=True):
    """Decides which runs and metrics are shown, and how; the charts themselves are widgets."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(ACTIONS, "metrics")

    @dataclass
    class Chosen(Message, bubble=False):
        """It is known which of the chosen runs are drawn."""

        choice: Choice
        wanted: Wanted

    def __init__(self, session: Session, system: Source) -> None:
        """`system` gives what is sampled of runs' processes and of machines, as metrics."""
        super().__init__("", id="metrics")
        self._reading = Reading(self, session, system)
        self._choosing = Background(self, "choice of runs")
        self._curves = Curves()
        self._colors, self._band_colors = Colors(), Colors()
        self._chosen: Sequence[Run] = ()
        self._by = Groups()
        """How the table has them grouped."""
        self._choice = Choice()
        """What is drawn."""
        self.machines: Sequence[Machine] = ()
        """Those that are drawn in the place of the chosen runs."""
        self.primary, self._maximize = "", True
        """The metric that its job is about, or nothing."""
        self._job = ""
        """That of the runs that were chosen last."""
        self._drawn, self._described = 0.0, ""
        self._timer: Timer | None = None
        # While the app runs, what stands for standard output is not the terminal.
        encoding = getattr(sys.__stdout__, "encoding", "utf-8")
        self._remembered = RememberedView(self, Choices(session.team_home.team_root))
        self.view = self._remembered.view(fitting_glyphs(os.environ, encoding))
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
            self.points.expect_news(of_all=True)
            self._look()

    # What is shown ----------------------------------------------------------------------

    def show_runs(
        self, runs: Sequence[Run], primary: str, maximize: bool = True, by: Groups | None = None
    ) -> None:
        """Draw these runs' metrics, the job's primary metric first; `by`: how they are grouped."""
        if primary != self.primary:
            self.charts.start_over()
        if runs and runs[0].job != self._job:
            self._job = runs[0].job
            if not self.machines:
                self.view.leave_places()  # those of another job mean nothing here
        self._chosen, self.primary, self._maximize = runs, primary, maximize
        self._by = by or Groups()
        if not self.machines:
            self.show_chosen()

    def show_nodes(self, nodes: Sequence[str]) -> None:
        """Draw what the machines of these nodes use; of none, the chosen runs again."""
        machines = [Machine(node) for node in nodes[:MOST_CURVES]]
        if machines == [*self.machines]:
            return
        if bool(machines) is not bool(self.machines):
            self.view.leave_places()
            self.charts.start_over()
        self.machines, self._reading.silent = machines, {}
        self.show_chosen()

    @property
    def of_system(self) -> bool:
        """Whether samples are drawn, rather than what was logged."""
        return self.view.system or bool(self.machines)

    def show_chosen(self) -> None:
        """Choose anew what is shown; to find the best of 100,000 runs takes a while."""
        if self.machines:
            self._show_choice(machines_chosen(self.machines, self.view.banding))
            return
        wanted = self._wanted
        if wanted.is_quick:
            self._show_choice(chosen(wanted))
        else:
            self._choosing.ask(lambda: self.Chosen(chosen(wanted), wanted))

    @property
    def _wanted(self) -> Wanted:
        view = self.view
        return Wanted(self._chosen, self.primary, self._maximize, self._by, view.banding, view.top)

    @on(Chosen)
    def _take_choice(self, message: Chosen) -> None:
        """Show it, unless curves are to be drawn in another way by now."""
        wanted, now = message.wanted, self._wanted
        is_meant = (wanted.banding, wanted.top, wanted.job) == (now.banding, now.top, now.job)
        if is_meant and not now.is_quick and not self.machines:
            self._show_choice(message.choice)

    def _show_choice(self, choice: Choice) -> None:
        self._choice = choice
        if choice.groups:
            self._band_colors.allot(group.name for group in choice.groups)
        else:
            self._colors.allot(run.full_name for run in choice.runs)
        self._curves.keep(choice)
        self._look()
        self._show_soon()

    def next_banding(self) -> None:
        """Means with bands in the place of curves, or curves again."""
        self.view.next_banding(has_groups=self._choice.has_groups)
        self.show_chosen()

    @property
    def _runs(self) -> Sequence[Drawn]:
        """What is drawn."""
        return self._choice.runs

    @property
    def points(self) -> Points:
        """The points of the source that is shown."""
        return self._reading.points(of_system=self.of_system)

    @property
    def metrics(self) -> list[str]:
        """The metrics of the runs that are shown, the primary one first, and no others."""
        names = dict[str, None]()
        for run in self._runs:
            names |= dict.fromkeys(self.points.of(run.full_name).metrics)
        return self._in_order(matching(names, self.view.pattern))

    @property
    def logged(self) -> list[str]:
        """The metrics that the runs have logged, whether or not they were read, the primary one
        first."""
        last = [run.metrics for run in self._runs if isinstance(run, Run)]
        names = dict.fromkeys(n for each in last for n in each if as_number(each[n]) is not None)
        return self._in_order(names)

    def _in_order(self, metrics: Iterable[str]) -> list[str]:
        return sorted(metrics, key=lambda name: (name != self.primary, counting_order(name)))

    @property
    def has_epochs(self) -> bool:
        """Whether any run has logged a metric named epoch."""
        return any(self.points.of(run.full_name).has_epochs for run in self._runs)

    @property
    def is_crowded(self) -> bool:
        """Whether more runs are chosen than can be shown."""
        return len(self._chosen) > MOST_CURVES and not self.machines

    # Reading ----------------------------------------------------------------------------

    def _look(self) -> None:
        """Read what is new, if it would be seen."""
        self._reading.expect_news(of_system=self.of_system)
        self._read_on()

    def _read_on(self) -> None:
        if self.region:
            self._reading.read_on(self._runs, of_system=self.of_system)

    @on(Reading.Read)
    def _take(self, message: Reading.Read) -> None:
        if self._reading.take(message, self._runs) or self._choice.groups:
            self._show_soon()
        self._read_on()

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
            why = [error.message for node, error in self._reading.silent.items() if node in nodes]
            return "\n".join(why) or "nothing sampled yet: a controller looks every few seconds"
        return "nothing sampled yet" if self.view.system else "no metrics logged yet"

    def _describe(self) -> None:
        parts = machines_text(self.machines, self._reading.silent)
        parts += [text] if (text := self._choice.text) else []
        if self._choice.groups:
            unread = self.points.unread(self._runs)
            is_full = self._reading.is_full(self._runs, of_system=self.of_system)
            parts += reading_text(len(self._runs), unread, is_full=is_full)
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
        self._remembered.keep_log_y(metrics)
        self.show()

    def next_smoothing(self) -> None:
        """Smoother curves, or plain ones again, now and from now on."""
        self.view.next_smoothing()
        self._remembered.keep_smoothing(self.view.smoothing)
        self.show()

    def curves_of(self, metric: str) -> list[Curve | Band]:
        """What the chart of a metric shows."""
        maximize = is_maximized(metric, self.primary, self._maximize)
        colors = self._band_colors if self._choice.groups else self._colors
        return self._curves.of(
            metric, self._choice, self.points, colors, self.view, self.x_kind, maximize=maximize
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
