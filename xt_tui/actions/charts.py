"""Actions on the charts of metrics."""

from xt_tui.actions.action import Action

ACTIONS = (
    Action("metric_next", "next metric", "begin the charts with the next one", "m", "Metrics",
           lambda app: app.metrics.next_metric(1)),
    Action("metric_previous", "previous metric", "begin with the one before", "M", "Metrics",
           lambda app: app.metrics.next_metric(-1)),
    Action("log_y", "log y", "switch the y axis between linear and logarithmic", "L", "Metrics",
           lambda app: app.metrics.toggle_log_y()),
    Action("smoothing", "smoothing", "smooth the curves more, or not at all", "s", "Metrics",
           lambda app: app.metrics.next_smoothing()),
)  # fmt: skip
