"""How pages write a value and a share."""

from xt_core.query.table import printable


def shown(value: object) -> str:
    """A value in one cell: floats to six significant digits, nothing for None."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else printable(str(value))


def bar(filled: int, width: int, *, ascii_only: bool = False) -> str:
    """A bar of `width` cells, of which the first `filled` are full."""
    full, blank = ("#", ".") if ascii_only else ("█", "░")
    return full * filled + blank * (width - filled)
