"""A chart of the engine's on the screen: as a widget that draws itself, or as text.

The widget lays its chart out when a line of it is asked for and something has changed since; where
nothing is seen of it, nothing is laid out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.strip import Strip

from xt_core.chart import Chart, color_number, is_dim
from xt_tui.charting.colors import SERIES_COLORS
from xt_tui.widgets.kept_lines import KeptLines

_STYLES = {
    "title": Style(bold=True),
    "axis": Style(dim=True),
    "label": Style(dim=True),
    "legend": Style(),
    "cursor": Style(dim=True),
    "note": Style(dim=True, italic=True),
}


class ChartView(KeptLines):
    """One chart. It tells what the mouse does in terms of x, and changes nothing by itself."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{name}" for name in _STYLES}

    @dataclass
    class Pointed(Message):
        """The mouse moved over an x (None: outside the plot), or was clicked there."""

        chart: "ChartView"
        x: float | None
        is_click: bool

    @dataclass
    class Wheeled(Message):
        """The wheel was turned: nearer (1) or further away (-1), or sideways."""

        chart: "ChartView"
        x: float | None
        nearer: int = 0
        sideways: int = 0

    @dataclass
    class Dragged(Message):
        """The mouse is held down, and went from one x to another."""

        chart: "ChartView"
        origin: float
        place: float
        is_pan: bool
        is_done: bool

    def __init__(self, draw: Callable[["ChartView"], Chart]) -> None:
        """`draw` lays the chart out for the widget's size."""
        super().__init__()
        self._draw = draw
        self._span_styles: dict[str, Style] = {}
        self._chart: Chart | None = None
        self._pressed: tuple[float, int] | None = None
        """Where the mouse was pressed, and with which button."""
        self._moved = False

    @property
    def chart(self) -> Chart:
        """The chart as it is now."""
        if self._chart is None or (self._chart.width, self._chart.height) != self.size:
            self._chart = self._draw(self)
        return self._chart

    def redraw(self) -> None:
        """Something has changed."""
        self._chart = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        rows = self.chart.rows
        if y >= len(rows):
            return Strip.blank(self.size.width, self.rich_style)
        return Strip([Segment(span.text, self._style(span.style)) for span in rows[y]])

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._span_styles.clear()

    def _style(self, name: str) -> Style:
        """The style of a span, on the widget's own."""
        style = self._span_styles.get(name)
        if style is None:
            part = _style(name)
            if name in _STYLES:
                part = self.get_component_rich_style(f"chart--{name}", partial=True)
            style = self._span_styles[name] = self.rich_style + part
        return style

    # The mouse --------------------------------------------------------------------------

    def on_mouse_move(self, event: events.MouseMove) -> None:
        x = self.chart.x_at(event.x)
        if self._pressed is None:
            self.post_message(self.Pointed(self, x, False))
        elif x is not None and (self._moved or x != self._pressed[0]):
            self._moved = True
            self._tell_drag(x, is_done=False)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        x = self.chart.x_at(event.x)
        if x is not None:
            self._pressed, self._moved = (x, event.button), False
            self.capture_mouse()
        else:
            self.post_message(self.Pointed(self, None, True))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._pressed is None:
            return
        self.release_mouse()
        width = self.chart.left + self.chart.plot_width
        x = self.chart.x_at(min(max(event.x, self.chart.left), width - 1))
        if x is not None and self._moved:
            self._tell_drag(x, is_done=True)
        else:
            self.post_message(self.Pointed(self, self._pressed[0], True))
        self._pressed = None

    def _tell_drag(self, x: float, *, is_done: bool) -> None:
        if self._pressed is not None:
            start, button = self._pressed
            self.post_message(self.Dragged(self, start, x, button != 1, is_done))

    def on_leave(self) -> None:
        if self._pressed is None:
            self.post_message(self.Pointed(self, None, False))

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        sideways = -1 if event.shift else 0
        self.post_message(
            self.Wheeled(self, self.chart.x_at(event.x), 0 if sideways else 1, sideways)
        )

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        sideways = 1 if event.shift else 0
        self.post_message(
            self.Wheeled(self, self.chart.x_at(event.x), 0 if sideways else -1, sideways)
        )

    def _on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        event.stop()
        self.post_message(self.Wheeled(self, None, sideways=-1))

    def _on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        event.stop()
        self.post_message(self.Wheeled(self, None, sideways=1))


def chart_text(chart: Chart) -> Text:
    """The rows of a chart, styled."""
    text = Text(no_wrap=True)
    for number, row in enumerate(chart.rows):
        if number:
            text.append("\n")
        for span in row:
            text.append(span.text, _style(span.style))
    return text


def _style(name: str) -> Style:
    number = color_number(name)
    if number is not None:
        return Style(color=SERIES_COLORS[number], dim=is_dim(name))
    return _STYLES.get(name, Style())
