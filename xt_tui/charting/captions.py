"""What charts say of how they are shown, and which keys undo that."""

from collections.abc import Collection, Mapping, Sequence

from xt_core.query.formats import counted
from xt_tui.actions.charts import ACTIONS
from xt_tui.charting.drawn import Machine
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


def machines_text(machines: Sequence[Machine], silent: Collection[str]) -> list[str]:
    """``what gpu1, gpu2 use``, and which of their nodes are silent; nothing of no machine."""
    names = [machine.name for machine in machines]
    if not names:
        return []
    told = f"what {', '.join(names)} use" + ("s" if len(names) == 1 else "")
    return [told, *(f"{node} is silent" for node in silent if node in names)]


def reading_text(runs: int, unread: int, *, is_full: bool) -> list[str]:
    """``reading 120 of 200 runs``, as long as it is not all."""
    if not unread:
        return []
    told = f"{runs - unread:,} of {counted(runs, 'run')}"
    return [f"{told}: more would take too much memory" if is_full else f"reading {told}"]


def chart_title(view: View, metric: str, *, is_most: bool, is_chosen: bool) -> str:
    """``❯ loss (log y · smoothed 0.6)``. `is_most` says whether the best is the greatest."""
    suffixes = ["log x"] if view.log_x else []
    suffixes += ["log y"] if metric in view.log_y else []
    if view.best:
        suffixes.append("most so far" if is_most else "least so far")
    elif view.smoothing:
        suffixes.append(f"smoothed {view.smoothing:g}")
    mark = f"{view.glyphs.chosen} " if is_chosen else ""
    return f"{mark}{metric}" + (f" ({' · '.join(suffixes)})" if suffixes else "")
