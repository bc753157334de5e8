"""Which keys undo what is not plain about the charts."""

from collections.abc import Mapping

from xt_tui.actions.charts import ACTIONS
from xt_tui.charting.view import View
from xt_tui.keymap import key_text

_KEYS = {action.id: action.keys for action in ACTIONS}


def undo_text(view: View, metric: str | None, changed: Mapping[str, str]) -> str:
    """``undo: L log y, s smoothed 0.6`` for the chart of a metric; "" where all is plain.
    `changed` are the user's own keys."""
    keys = {**_KEYS, **changed}
    parts = [
        f"{key_text(keys[action]).split()[0]} {text}"
        for action, text in view.changes(metric).items()
    ]
    return f"undo: {', '.join(parts)}" if parts else ""
