"""Patterns of dashes, so that few series can be told apart without their colours."""

PATTERNS = ("━", "━━━━  ", "━━ ", "━ ", "━━━━━ ━━ ", "━━━━ ━ ")
"""On and off by the cell, repeated along the line; the first is a solid line."""


def has_dashes(count: int) -> bool:
    """Whether so many series can be told apart by dashes."""
    return 2 <= count <= len(PATTERNS)
