"""Actions on the charts of metrics.

Most are keys of the metrics pane alone, where arrows and letters mean charts.
"""

from typing import TYPE_CHECKING

from xt_tui.actions.action import Action
from xt_tui.actions.late import charts

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_ZOOM = 2.0
_PAN_SHARE = 0.25


def _needs_many_runs(app: "XtApp") -> str | None:
    return None if app.metrics.is_crowded else "all chosen runs are shown"


def _needs_primary(app: "XtApp") -> str | None:
    return _needs_many_runs(app) or (
        None if app.metrics.primary else "the job has no primary metric"
    )


def _needs_chart(app: "XtApp") -> str | None:
    return None if app.metrics.charts.chosen is not None else "there is no chart"


def _needs_zoom(app: "XtApp") -> str | None:
    return None if app.metrics.view.x_range is not None else "all of x is shown: zoom in with +"


def _move(id: str, title: str, help: str, keys: str, direction: str) -> Action:
    return Action(id, title, help, keys, "Metrics",
                  lambda app: charts.move(app.metrics, direction), pane="metrics")  # fmt: skip


ACTIONS = (
    Action("metric_next", "next metric", "go to the next chart", "m", "Metrics",
           lambda app: charts.next_chart(app.metrics, 1)),
    Action("metric_previous", "previous metric", "go to the chart before", "M", "Metrics",
           lambda app: charts.next_chart(app.metrics, -1)),
    Action("log_y", "log y", "a linear or a logarithmic y axis for this metric, from now on", "L",
           "Metrics", lambda app: charts.toggle_log_y(app.metrics), _needs_chart,
           footer_pane="metrics", command="xt plot --log-y"),
    Action("smoothing", "smoothing", "smooth the curves more, or not at all", "s", "Metrics",
           lambda app: app.metrics.next_smoothing(), footer_pane="metrics",
           command="xt plot --smoothing"),
    Action("large_chart", "large", "give the chart all the room of the pane, or take it back",
           "enter", "Metrics", lambda app: charts.toggle_large(app.metrics), _needs_chart,
           in_footer=True, pane="metrics"),
    Action("metric_filter", "filter metrics", "show only metrics that match, as val-*,*loss",
           "slash", "Metrics", lambda app: app.metrics.filter.open(), in_footer=True,
           pane="metrics", command="xt plot RUNS METRICS"),
    Action("chart_back", "back", "give up the filter, the crosshair, the large chart or the zoom",
           "escape,backspace", "Metrics", lambda app: charts.go_back(app.metrics),
           pane="metrics"),
    _move("chart_left", "left", "the chart on the left; the crosshair one point back",
          "left,h", "left"),
    _move("chart_right", "right", "the chart on the right; the crosshair one point on",
          "right,l", "right"),
    _move("chart_up", "up", "the chart above", "up,k", "up"),
    _move("chart_down", "down", "the chart below", "down,j", "down"),
    _move("chart_page_up", "page up", "the page of charts before", "pageup,ctrl+b", "page_up"),
    _move("chart_page_down", "page down", "the next page of charts", "pagedown,ctrl+f",
          "page_down"),
    _move("chart_first", "first", "the first chart; the crosshair to the left end", "home,g",
          "first"),
    _move("chart_last", "last", "the last chart; the crosshair to the right end", "end,G", "last"),
    Action("chart_next", "next chart", "the next chart, and after the last the next pane", "tab",
           "Metrics", lambda app: charts.tab(app.metrics, 1), pane="metrics"),
    Action("chart_before", "chart before", "the chart before, and before the first the pane before",
           "shift+tab", "Metrics", lambda app: charts.tab(app.metrics, -1), pane="metrics"),
    Action("crosshair", "crosshair", "read values at a place of x, in all charts at once", "x",
           "Metrics", lambda app: charts.toggle_crosshair(app.metrics), _needs_chart,
           in_footer=True, pane="metrics"),
    Action("zoom_in", "zoom in", "show less of x, about the crosshair or the middle",
           "plus,equals_sign", "Metrics", lambda app: charts.zoom(app.metrics, _ZOOM),
           _needs_chart, pane="metrics"),
    Action("zoom_out", "zoom out", "show more of x", "minus,underscore", "Metrics",
           lambda app: charts.zoom(app.metrics, 1 / _ZOOM), _needs_zoom, pane="metrics"),
    Action("zoom_reset", "whole x", "show all of x", "0", "Metrics",
           lambda app: charts.reset_zoom(app.metrics), _needs_zoom, pane="metrics"),
    Action("pan_left", "earlier", "move what is shown of x to the left",
           "shift+left,left_square_bracket", "Metrics",
           lambda app: charts.pan(app.metrics, -_PAN_SHARE), _needs_zoom, pane="metrics"),
    Action("pan_right", "later", "move what is shown of x to the right",
           "shift+right,right_square_bracket", "Metrics",
           lambda app: charts.pan(app.metrics, _PAN_SHARE), _needs_zoom, pane="metrics"),
    Action("x_kind", "x axis", "x by step, by epoch, by time since the start, by time of day", "X",
           "Metrics", lambda app: charts.next_x_kind(app.metrics), in_footer=True, pane="metrics",
           command="xt plot --x"),
    Action("log_x", "log x", "switch the x axis between linear and logarithmic", "o", "Metrics",
           lambda app: charts.toggle(app.metrics, "log_x"), pane="metrics",
           command="xt plot --log-x"),
    Action("best_so_far", "best so far", "draw the best value so far, the values dim behind it",
           "b", "Metrics", lambda app: charts.toggle(app.metrics, "best"), pane="metrics",
           command="xt plot --best-so-far"),
    Action("band", "band", "means with bands of all chosen runs, of each group or set", "B",
           "Metrics", lambda app: app.metrics.next_banding(), pane="metrics",
           command="xt plot --band"),
    Action("top", "best runs", "of more than ten chosen runs, show the best or the first", "p",
           "Metrics", lambda app: charts.toggle_top(app.metrics), _needs_primary, pane="metrics",
           command="xt plot --top"),
    Action("legend", "legend", "show or hide the legends", "w", "Metrics",
           lambda app: charts.toggle(app.metrics, "legend"), pane="metrics"),
    Action("glyphs", "characters", "draw with braille, block elements or plain ASCII", "u",
           "Metrics", lambda app: charts.next_glyphs(app.metrics), pane="metrics",
           command="xt plot --glyphs"),
    Action("system", "system", "what the runs use of their machines, or what they logged", "U",
           "Metrics", lambda app: charts.toggle_system(app.metrics), pane="metrics",
           command="xt view system"),
)  # fmt: skip
