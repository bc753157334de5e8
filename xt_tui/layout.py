"""Which panes are on screen, and how large: a pure function of the terminal's size, what the user
hid and resized, and which panes had the keys last.

The pane that has the keys is always on screen.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

LEFT = ("teams", "jobs")
UPPER = "runs"
LOWER = ("metrics", "output", "details", "nodes")
PANES = (*LEFT, UPPER, *LOWER)
"""All panes; the digit that goes to one is its place, from 1."""

SINGLE_BELOW = 100
"""Cells; narrower terminals show one pane at a time."""
WIDE_FROM = 160
"""Cells; from here on two of the lower panes are side by side."""
SHORT_BELOW = 24
"""Rows; lower terminals show one pane on either side."""
BARE_BELOW = 18
"""Rows; lower terminals show no footer."""

_LEAST_LEFT, _LEAST_RIGHT = 24, 40
_LEAST_SHARE, _MOST_SHARE = 15, 85
_LEAST_TEAMS, _MOST_TEAMS = 4, 20
_SIZES = {
    "left": (0, sys.maxsize),  # terminals are of any width; each takes what it has room for
    "teams": (_LEAST_TEAMS, _MOST_TEAMS),
    "upper": (_LEAST_SHARE, _MOST_SHARE),
    "beside": (_LEAST_SHARE, _MOST_SHARE),
}
"""The least and the most of each size that is not 0."""


@dataclass(frozen=True)
class Layout:
    """What the user chose; 0 stands for a size that goes by the terminal's."""

    hidden: frozenset[str] = frozenset()
    is_zoomed: bool = False
    left: int = 0
    """Cells of the left side."""
    teams: int = 0
    """Rows of the teams pane."""
    upper: int = 0
    """Percent of the height for the runs."""
    beside: int = 0
    """Percent of the width for the left one of two lower panes."""

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "hidden": sorted(self.hidden)}

    @staticmethod
    def remembered(document: object) -> tuple["Layout", str]:
        """What `as_dict` gave, or what is wrong with it; None stands for nothing remembered."""
        try:
            return Layout() if document is None else Layout._of(document), ""
        except ValueError:
            return Layout(), "the layout that was remembered is none: panes are as at first"

    @staticmethod
    def _of(document: object) -> "Layout":
        if not isinstance(document, dict):
            raise ValueError("no layout of panes")
        sizes = {name: document.get(name, 0) for name in _SIZES}
        hidden, zoomed = document.get("hidden", []), document.get("is_zoomed", False)
        is_right = (
            all(_is_size(name, size) for name, size in sizes.items())
            and isinstance(hidden, list)
            and isinstance(zoomed, bool)
            and all(name in PANES for name in hidden)
        )
        if not is_right:
            raise ValueError("no layout of panes")
        return Layout(frozenset(hidden), zoomed, **sizes)


def _is_size(name: str, size: object) -> bool:
    """Whether it is one that the user can have chosen, or 0."""
    least, most = _SIZES[name]
    return type(size) is int and (size == 0 or least <= size <= most)


def most_recent_first(recent: Sequence[str], pane: str) -> tuple[str, ...]:
    """The panes by when they had the keys, with this one having them now."""
    return (pane, *(name for name in recent if name != pane))


def panes_shown(layout: Layout, width: int, height: int, recent: Sequence[str]) -> frozenset[str]:
    """The panes on a screen of so many cells and rows; `recent` names all, that with the keys
    first."""
    current = recent[0]
    if layout.is_zoomed or width < SINGLE_BELOW:
        return frozenset({current})
    shown = [name for name in recent if name not in layout.hidden or name == current]
    is_short = height < SHORT_BELOW
    left = [name for name in shown if name in LEFT]
    if is_short:
        left = [current] if current in LEFT else [name for name in left if name == "jobs"]
    lower = [name for name in shown if name in LOWER]
    if width >= WIDE_FROM and not is_short and "metrics" in lower:
        lower = ["metrics", *[name for name in lower if name != "metrics"][:1]]
    right = [name for name in shown if name == UPPER] + lower[: 2 if width >= WIDE_FROM else 1]
    if is_short:
        right = [name for name in shown if name in right][:1]
    return frozenset((*left, *right))


def left_width(layout: Layout, width: int) -> int:
    """Cells of the left side."""
    wanted = layout.left or min(66, width * 42 // 100)
    return max(_LEAST_LEFT, min(wanted, width - _LEAST_RIGHT))


def upper_share(layout: Layout) -> int:
    """Percent of the height for the runs."""
    return layout.upper or 50


def beside_share(layout: Layout) -> int:
    """Percent of the width for the left one of two lower panes."""
    return layout.beside or 50


def grown(
    layout: Layout,
    pane: str,
    shown: frozenset[str],
    size: tuple[int, int],
    across: int = 0,
    down: int = 0,
) -> Layout:
    """The layout with a pane that is so many cells wider and rows higher, as far as there is
    something beside it to take the room from."""
    width, height = size
    is_left, has_both = pane in LEFT, _has_both_sides(shown)
    lower = [name for name in LOWER if name in shown]
    if across and pane in lower and len(lower) == 2:
        room = max(1, width - (left_width(layout, width) if has_both else 0))
        points = _points(across, room) * (1 if pane == lower[0] else -1)
        return replace(layout, beside=_share(beside_share(layout) + points))
    if across and has_both:
        wanted = left_width(layout, width) + (across if is_left else -across)
        layout = replace(layout, left=max(_LEAST_LEFT, min(wanted, width - _LEAST_RIGHT)))
    if down and is_left and all(name in shown for name in LEFT):
        rows = (layout.teams or 7) + (down if pane == "teams" else -down)
        layout = replace(layout, teams=max(_LEAST_TEAMS, min(rows, _MOST_TEAMS)))
    elif down and not is_left and UPPER in shown and lower:
        points = _points(down, max(1, height)) * (1 if pane == UPPER else -1)
        layout = replace(layout, upper=_share(upper_share(layout) + points))
    return layout


def dragged(
    layout: Layout,
    pane: str,
    shown: frozenset[str],
    width: int,
    height: int,
    room: tuple[int, int],
    screen_width: int,
) -> Layout:
    """The layout with a pane of so many cells and rows (0: as before), dragged by its border, as
    far as there is something behind the border; `room` is that of the right side."""
    lower = [name for name in LOWER if name in shown]
    if width and pane in LEFT and _has_both_sides(shown):
        most = screen_width - _LEAST_RIGHT
        layout = replace(layout, left=max(_LEAST_LEFT, min(width, most)))
    elif width and len(lower) == 2 and pane == lower[0]:
        layout = replace(layout, beside=_share(100 * width // max(1, room[0])))
    if height and pane == "teams" and all(name in shown for name in LEFT):
        layout = replace(layout, teams=max(_LEAST_TEAMS, min(height, _MOST_TEAMS)))
    elif height and pane == UPPER and lower:
        layout = replace(layout, upper=_share(100 * height // max(1, room[1])))
    return layout


def _has_both_sides(shown: frozenset[str]) -> bool:
    return any(name in shown for name in LEFT) and any(name not in LEFT for name in shown)


def _points(cells: int, room: int) -> int:
    """Cells as percent of the room there is, at least one."""
    points = round(100 * abs(cells) / room)
    return max(1, points) * (1 if cells > 0 else -1)


def _share(percent: int) -> int:
    return max(_LEAST_SHARE, min(percent, _MOST_SHARE))
