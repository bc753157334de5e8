"""What of the charts' view is remembered, from one session to the next."""

from collections.abc import Collection

from textual.widget import Widget

from xt_core.chart import Glyphs
from xt_core.choices import Choices
from xt_tui.charting.view import SMOOTHINGS, View

_LOG_Y, _SMOOTHING = "log y", "smoothing"


class RememberedView:
    """The part of the choices that suits all runs: how metrics are drawn."""

    def __init__(self, pane: Widget, choices: Choices) -> None:
        self._pane, self._choices = pane, choices

    def view(self, glyphs: Glyphs) -> View:
        """A view as it was left, drawn with these characters."""
        kept, smoothing = self._choices.get(_LOG_Y), self._choices.get(_SMOOTHING)
        log_y = [name for name in kept if isinstance(name, str)] if isinstance(kept, list) else []
        return View(
            glyphs=glyphs,
            log_y=frozenset(log_y),
            smoothing=smoothing if smoothing in SMOOTHINGS else 0.0,
        )

    def keep_log_y(self, metrics: Collection[str]) -> None:
        """These metrics have a logarithmic axis of y."""
        self._put(_LOG_Y, sorted(metrics) or None)

    def keep_smoothing(self, smoothing: float) -> None:
        """Curves are so smooth; 0 is plain."""
        self._put(_SMOOTHING, smoothing or None)

    def _put(self, part: str, value: object) -> None:
        """Remember a choice, or with None forget it."""
        self._choices.put(part, value)
        if self._choices.problem:
            self._pane.notify(self._choices.problem, severity="warning", markup=False)
