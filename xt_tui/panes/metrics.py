"""The metrics pane: live curves of the chosen runs."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.text import Text
from textual import on
from textual.app import ComposeResult, RenderResult
from textual.message import Message
from textual.widget import Widget

from xt_core.chart import Series, render_chart
from xt_core.errors import XTError
from xt_core.model.records import MetricRecord, Run
from xt_core.session import Session
from xt_tui.background import Background
from xt_tui.panes.pane import Pane
from xt_tui.widgets.chart import chart_text

MOST_RUNS = 10
_LEAST_HEIGHT = 9
_SMOOTHINGS = (0.0, 0.6, 0.9, 0.98)


@dataclass
class Curves:
    """What has been read of one run's metrics."""

    offset: int = -1
    points: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    def add(self, record: MetricRecord) -> None:
        """Take over what one call logged; whatever is no number has no curve."""
        for name, value in record.values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                xs, ys = self.points.setdefault(name, ([], []))
                xs.append(float(len(xs)) if record.step is None else record.step)
                ys.append(float(value))
        self.offset = record.offset


class Charts(Widget):
    """Draws one chart a metric, as many as have room."""

    def __init__(self, pane: "MetricsPane") -> None:
        super().__init__(id="charts")
        self._pane = pane

    def render(self) -> RenderResult:
        return self._pane.draw(self.size.width, self.size.height)


class MetricsPane(Pane, can_focus=True):
    """Reads only what was logged since its last look, in the background, one reader at a time."""

    @dataclass
    class Read(Message):
        """New points are there."""

    def __init__(self, session: Session) -> None:
        super().__init__("", id="metrics")
        self._session = session
        self._background = Background(self, "metrics")
        self._curves: dict[str, Curves] = {}
        self._runs: list[Run] = []
        self._first = 0
        self._primary = ""
        self.log_y = False
        self.smoothing = 0.0

    def compose(self) -> ComposeResult:
        yield Charts(self)

    def show_runs(self, runs: list[Run], primary: str) -> None:
        """Draw these runs' metrics, the job's primary metric first."""
        self._runs, self._primary = runs[:MOST_RUNS], primary
        more = len(runs) - len(self._runs)
        self.border_subtitle = f"the first {MOST_RUNS} of {len(runs)} runs" if more else ""
        wanted = list(self._runs)
        self._background.ask(lambda: self._read_points(wanted))
        self._refresh_charts()

    def _read_points(self, runs: list[Run]) -> Read:
        for run in runs:
            curves = self._curves.setdefault(run.full_name, Curves())
            try:
                records = self._session.store.metrics(run.workspace, run.name, curves.offset)
            except XTError:
                break  # the feed says so
            for record in records:
                curves.add(record)
        return self.Read()

    @on(Read)
    def _redraw(self) -> None:
        self._refresh_charts()

    def _refresh_charts(self) -> None:
        for charts in self.query(Charts):  # none while the app closes
            charts.refresh()

    # Drawing ----------------------------------------------------------------------------

    @property
    def metrics(self) -> list[str]:
        """The metrics that the runs logged, the primary one first."""
        names = dict.fromkeys(
            name
            for run in self._runs
            for name in list(self._curves.get(run.full_name, Curves()).points)
        )
        return sorted(names, key=lambda name: (name != self._primary, name))

    def draw(self, width: int, height: int) -> Text:
        """The charts that fit."""
        names = self.metrics
        if not names or width < 10 or height < 3:
            what = "no metrics logged yet" if self._runs else "no run is chosen"
            return Text(what, "dim italic")
        first = self._first % len(names)
        across = max(1, min(width // 56, len(names)))
        down = max(1, min(height // _LEAST_HEIGHT, -(-len(names) // across)))
        shown = (names[first:] + names[:first])[: across * down]
        rows = [shown[i : i + across] for i in range(0, len(shown), across)]
        return Text("\n").join(
            _beside([self._chart(name, width // across - 1, height // len(rows)) for name in row])
            for row in rows
        )

    def _chart(self, name: str, width: int, height: int) -> Text:
        series = [
            Series(run.name, *_copied(curves.points[name]), color)
            for color, run in enumerate(self._runs)
            if name in (curves := self._curves.get(run.full_name, Curves())).points
        ]
        suffix = f" (smoothed {self.smoothing:g})" if self.smoothing else ""
        chart = render_chart(
            series,
            width,
            height,
            title=name + suffix,
            x_label="step",
            log_y=self.log_y,
            smoothing=self.smoothing,
        )
        return chart_text(chart)

    # Choices ----------------------------------------------------------------------------

    def next_metric(self, step: int) -> None:
        self._first += step
        self._refresh_charts()

    def toggle_log_y(self) -> None:
        self.log_y = not self.log_y
        self._refresh_charts()

    def next_smoothing(self) -> None:
        place = bisect_right(_SMOOTHINGS, self.smoothing) % len(_SMOOTHINGS)
        self.smoothing = _SMOOTHINGS[place]
        self._refresh_charts()


def _copied(points: tuple[list[float], list[float]]) -> tuple[list[float], list[float]]:
    """A copy of equal lengths: the reading thread may be appending."""
    count = min(len(points[0]), len(points[1]))
    return points[0][:count], points[1][:count]


def _beside(charts: Iterable[Text]) -> Text:
    """Charts of one height in a row."""
    lines = [chart.split("\n", allow_blank=True) for chart in charts]
    return Text("\n").join(Text(" ").join(parts) for parts in zip(*lines, strict=True))
