"""What keys and the mouse do to the charts: crosshair, zoom, axes, which curves, which charts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.actions import SkipAction

from xt_core.chart import GLYPH_SETS, Band, Curve, Scale
from xt_core.reports.curves import XKind
from xt_tui.charting.ranges import Range, panned, zoomed

if TYPE_CHECKING:
    from xt_tui.app import XtApp
    from xt_tui.panes.metrics import MetricsPane
    from xt_tui.widgets.chart import ChartView

_SIDEWAYS = {"left": -1, "right": 1, "first": -1, "last": 1}


# Which chart -------------------------------------------------------------------------


def move(pane: "MetricsPane", direction: str) -> None:
    """Move the crosshair, or else to another chart."""
    if pane.view.cursor is not None and direction in _SIDEWAYS:
        _move_crosshair(pane, _SIDEWAYS[direction], to_end=direction in ("first", "last"))
    elif pane.charts.choose(pane.charts.step(direction)):
        pane.show()


def next_chart(pane: "MetricsPane", step: int) -> None:
    """The next chart, and after the last the first."""
    if pane.charts.choose(step, wrap=True):
        pane.show()


def tab(pane: "MetricsPane", step: int) -> None:
    """The next chart, and after the last the next pane."""
    if not pane.charts.choose(step):
        raise SkipAction
    pane.show()


def open_large(app: "XtApp", metric: str) -> None:
    """The chart of a metric that the runs have logged, with all the room of the pane; as soon as
    its points are read."""
    pane = app.metrics
    pane.close_filter()
    pane.view.system, pane.view.large = False, True
    pane.charts.go_to(metric)
    app.main.focus_pane("metrics")
    pane.show_chosen()
    pane.show()


def toggle_large(pane: "MetricsPane") -> None:
    """One chart, or all."""
    pane.view.large = not pane.view.large
    pane.show()


def go_back(pane: "MetricsPane") -> None:
    """Undo one thing: the filter that is open, the crosshair, the large chart, the zoom, nodes."""
    view = pane.view
    if pane.filter.is_open:
        pane.close_filter()
    elif view.cursor is not None:
        view.cursor = view.mark = None
    elif view.large:
        view.large = False
    elif view.x_range is not None:
        view.x_range = None
    else:
        pane.show_nodes(())
    pane.show()


# Crosshair ---------------------------------------------------------------------------


def toggle_crosshair(pane: "MetricsPane") -> None:
    """Show it in the middle, or hide it."""
    view, scale = pane.view, _scale(pane)
    if view.cursor is not None or scale is None:
        view.cursor = None
    else:
        view.cursor = _snapped(pane, scale, scale.value(0.5))
    pane.show()


def point(pane: "MetricsPane", chart: "ChartView", x: float | None, *, is_click: bool) -> None:
    """The mouse is over an x: the crosshair follows it, and a click makes there be one."""
    if is_click:
        pane.charts.choose_view(chart)
    if x is not None and (is_click or pane.view.cursor is not None) and pane.view.cursor != x:
        pane.view.cursor = x
        pane.charts.redraw()
    if is_click:
        pane.show()


def _move_crosshair(pane: "MetricsPane", step: int, *, to_end: bool) -> None:
    """By a cell, or to the next point if that is further; or to the last point of all."""
    view, scale = pane.view, _scale(pane)
    shown = pane.charts.chosen_view
    if scale is None or view.cursor is None or shown is None:
        return
    if to_end:
        view.cursor = scale.high if step > 0 else scale.low
    else:
        cells = max(shown.chart.plot_width - 1, 1)
        stepped = scale.value(scale.fraction(view.cursor) + step / cells)
        farther = max if step > 0 else min
        logged = _next_logged(_curves(pane), view.cursor, step)
        target = stepped if logged is None else farther(stepped, logged)
        view.cursor = min(max(target, scale.low), scale.high)
    pane.charts.redraw()


def _snapped(pane: "MetricsPane", scale: Scale, x: float) -> float:
    """The nearest logged x, if that is seen."""
    logged = [found for one in _curves(pane) if (found := one.nearest_x(x)) is not None]
    seen = [place for place in logged if scale.low <= place <= scale.high]
    return min(seen, key=lambda place: abs(place - x), default=x)


def _next_logged(curves: Iterable[Curve], x: float, step: int) -> float | None:
    """The nearest logged x on one side of another."""
    beyond = [found for one in curves if (found := one.next_x(x, step)) is not None]
    return (min if step > 0 else max)(beyond, default=None)


def _curves(pane: "MetricsPane") -> list[Curve]:
    """The curves of the chosen chart."""
    name = pane.charts.chosen
    shown = pane.curves_of(name) if name is not None else []
    return [m for one in shown for m in (one.members if isinstance(one, Band) else (one,))]


# Zoom --------------------------------------------------------------------------------


def zoom(pane: "MetricsPane", factor: float, about: float | None = None) -> None:
    """Show less or more of x, about a place, the crosshair, or the middle."""
    scale, whole = _scale(pane), _whole(pane)
    if scale is None or whole is None:
        return
    fixed = pane.view.cursor if about is None else about
    pane.view.x_range = zoomed(scale, whole, factor, fixed)
    pane.show()


def pan(pane: "MetricsPane", share: float) -> None:
    """Move what is shown of x by a share of it."""
    scale, whole = _scale(pane), _whole(pane)
    if scale is None or whole is None or pane.view.x_range is None:
        return
    pane.view.x_range = panned(scale, whole, share)
    pane.show()


def reset_zoom(pane: "MetricsPane") -> None:
    """Show all of x."""
    pane.view.x_range = None
    pane.show()


def drag(pane: "MetricsPane", start: float, stop: float, *, is_pan: bool, is_done: bool) -> None:
    """Show the range that was dragged; or, with the other buttons, move by it."""
    view, scale = pane.view, _scale(pane)
    if scale is None:
        return
    if is_pan:
        # The place that was pressed follows the mouse, so each drag is told from there anew.
        pan(pane, scale.fraction(start) - scale.fraction(stop))
    elif is_done:
        view.x_range = (min(start, stop), max(start, stop))
        view.cursor = view.mark = None
        pane.show()
    else:
        view.mark, view.cursor = start, stop
        pane.charts.redraw()


def _scale(pane: "MetricsPane") -> Scale | None:
    """The scale of x of the chosen chart."""
    view = pane.charts.chosen_view
    return None if view is None else view.chart.x_scale


def _whole(pane: "MetricsPane") -> Range | None:
    """All of x that the chosen chart has."""
    spans = [span for curve in _curves(pane) if (span := curve.spans_x) is not None]
    return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None


# Axes and curves ---------------------------------------------------------------------


def next_x_kind(pane: "MetricsPane") -> None:
    """Another quantity on the axis of x; epochs only where they were logged."""
    kinds = [kind for kind in XKind if kind is not XKind.EPOCH or pane.has_epochs]
    if pane.of_system:
        kinds = [XKind.RELATIVE, XKind.WALL]
    place = kinds.index(pane.x_kind) if pane.x_kind in kinds else -1
    pane.view.set_x(kinds[(place + 1) % len(kinds)])
    pane.show()


def toggle(pane: "MetricsPane", what: str) -> None:
    """Switch one thing of the view: log_x, best or legend."""
    setattr(pane.view, what, not getattr(pane.view, what))
    if what == "log_x":  # a place of one axis may be nowhere on the other
        pane.view.leave_places()
    pane.show()


def toggle_log_y(pane: "MetricsPane") -> None:
    """Another axis for the metric of the chosen chart, which is remembered."""
    if pane.charts.chosen is not None:
        pane.set_log_y(pane.view.log_y ^ {pane.charts.chosen})


def next_glyphs(pane: "MetricsPane") -> None:
    """Draw with other characters."""
    names = list(GLYPH_SETS)
    place = names.index(pane.view.glyphs.name)
    pane.view.glyphs = GLYPH_SETS[names[(place + 1) % len(names)]]
    pane.show()


def toggle_top(pane: "MetricsPane") -> None:
    """Of too many runs the best, or the first."""
    pane.view.top = not pane.view.top
    pane.show_chosen()


def toggle_system(pane: "MetricsPane") -> None:
    """What was logged, or what the runs use of their machines; from nodes back to runs."""
    if pane.machines:
        pane.show_nodes(())
        return
    pane.view.system = not pane.view.system
    pane.view.leave_places()
    pane.show_chosen()


# Nodes -------------------------------------------------------------------------------


def show_machines(app: "XtApp") -> None:
    """Draw what the machines of the chosen nodes use, in the metrics pane."""
    app.metrics.show_nodes([str(node["name"]) for node in app.main.nodes.chosen])
    app.main.focus_pane("metrics")
