"""A grid of charts: as many as have room, in pages, one of them chosen.

Only the charts of the page that is shown are drawn. Invariant: the chosen name is on that page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Grid
from textual.message import Message

from xt_core.chart import Chart
from xt_tui.widgets.chart import ChartView
from xt_tui.widgets.facts import Facts

_LEAST_WIDTH, _LEAST_HEIGHT = 56, 9
_MOST_CHARTS = 12
"""Charts on a page at most: more could not be read."""


@dataclass(frozen=True)
class Layout:
    """How many charts stand beside and below each other."""

    across: int
    down: int

    @property
    def places(self) -> int:
        """Charts on a page."""
        return self.across * self.down


def layout_for(count: int, width: int, height: int) -> Layout:
    """The layout of so many charts, or of as many as have room."""
    count = max(1, min(count, _MOST_CHARTS))
    across = max(1, min(width // _LEAST_WIDTH, count))
    down = max(1, min(height // _LEAST_HEIGHT, -(-count // across), _MOST_CHARTS // across))
    return Layout(across, down)


class Charts(Grid):
    """Draws one chart a name; how, is told by `draw`: the name, and the view it is drawn in."""

    @dataclass
    class Shown(Message):
        """There is room of another size, or room at all."""

    def __init__(self, draw: Callable[[str, ChartView], Chart]) -> None:
        super().__init__(id="charts")
        self._draw_named = draw
        self._names: Sequence[str] = ()
        self._page: Sequence[str] = ()
        self._chosen = 0
        self._starts_over = False
        self._wanted: str | None = None
        """The chart to choose as soon as there is one of that name."""
        self._empty = ""
        self.large = False
        """Whether the chosen chart has all the room."""

    def compose(self) -> ComposeResult:
        yield Facts(id="charts-note", markup=False, classes="hint")

    def on_resize(self) -> None:
        self._lay_out()
        self.post_message(self.Shown())

    # Content ----------------------------------------------------------------------------

    @property
    def names(self) -> Sequence[str]:
        """What there are charts of, on all pages."""
        return self._names

    @property
    def chosen(self) -> str | None:
        """The name of the chosen chart."""
        return self._names[self._chosen] if self._names else None

    @property
    def views(self) -> list[ChartView]:
        """The charts of the page."""
        return [view for view in self.query(ChartView) if view.display]

    @property
    def chosen_view(self) -> ChartView | None:
        """The view of the chosen chart; None where there is none."""
        views, name = self.views, self.chosen
        place = self._page.index(name) if name in self._page else 0
        return views[place] if place < len(views) else None

    @property
    def pages(self) -> tuple[int, int]:
        """The number of the page, from 1, and how many there are."""
        places = self._layout().places
        return self._chosen // places + 1, max(1, -(-len(self._names) // places))

    def show(self, names: Sequence[str], empty: str) -> None:
        """Show charts of these names; the chosen one stays so if it is among them. `empty` is said
        where there is none."""
        before = self.chosen
        if self._wanted in names:
            before, self._wanted, self._starts_over = self._wanted, None, False
        self._names, self._empty = names, empty
        is_kept = before in names and not self._starts_over
        self._chosen = names.index(before) if before is not None and is_kept else 0
        self._starts_over = self._starts_over and not names
        self._lay_out()

    def start_over(self) -> None:
        """Choose the first of the charts that are shown next, whichever is chosen now."""
        self._starts_over, self._wanted = True, None

    def go_to(self, name: str) -> None:
        """Choose the chart of that name among those that are shown next, or when it comes."""
        self._wanted = name

    def choose(self, step: int, *, wrap: bool = False) -> bool:
        """Choose another chart by its distance; whether there is one."""
        self._wanted = None
        place, count = self._chosen + step, len(self._names)
        if wrap and count:
            place %= count
        place = max(0, min(place, count - 1))
        if place == self._chosen or not count:
            return False
        self._chosen = place
        self._lay_out()
        return True

    def choose_view(self, view: ChartView) -> None:
        """Choose the chart that a view shows."""
        views = self.views
        if view in views and (place := views.index(view)) < len(self._page):
            self.choose(self._names.index(self._page[place]) - self._chosen)

    def step(self, direction: str) -> int:
        """The distance to the chart in a direction (left, right, up, down, page_up, page_down) or
        at an end (first, last); it may lead beyond the last."""
        layout, all_of_them = self._layout(), len(self._names)
        return {
            "left": -1,
            "right": 1,
            "up": -layout.across,
            "down": layout.across,
            "page_up": -layout.places,
            "page_down": layout.places,
            "first": -all_of_them,
            "last": all_of_them,
        }[direction]

    def redraw(self) -> None:
        """Draw the page's charts anew."""
        for view in self.views:
            view.redraw()

    # Layout -----------------------------------------------------------------------------

    def _layout(self) -> Layout:
        if self.large:
            return Layout(1, 1)
        return layout_for(len(self._names), self.size.width, self.size.height)

    def _lay_out(self) -> None:
        """Have as many views as the page has charts."""
        if not self.is_attached or not self.query("#charts-note"):
            return
        layout = self._layout()
        start = self._chosen - self._chosen % layout.places
        self._page = list(self._names[start : start + layout.places])
        note = self.query_one("#charts-note", Facts)
        note.update(self._empty)
        note.display = not self._page
        views = list(self.query(ChartView))
        missing = [ChartView(self._draw_view) for _ in range(len(self._page) - len(views))]
        for number, view in enumerate(views):
            view.display = number < len(self._page)
        if missing:
            self.mount_all(missing)
        self.styles.grid_size_columns = layout.across
        self.styles.grid_size_rows = layout.down if self._page else 1
        self.redraw()

    def name_of(self, view: ChartView) -> str | None:
        """The name of the chart that a view shows."""
        views = self.views
        place = views.index(view) if view in views else len(self._page)
        return self._page[place] if place < len(self._page) else None

    def _draw_view(self, view: ChartView) -> Chart:
        name = self.name_of(view)
        if name is None:
            return Chart((), *view.size)
        return self._draw_named(name, view)
