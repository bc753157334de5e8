"""A share as a bar, one line high, in blocks or in ASCII."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int, is_ascii: bool = False) -> str:
    """A bar that is filled to a share from 0 to 1."""
    share = min(max(0.0, share), 1.0)
    if is_ascii:
        return ("#" * round(share * width)).ljust(width, ".")
    eighths = int(share * width * 8)
    filled = "█" * (eighths // 8)
    if eighths % 8:
        filled += _EIGHTHS[eighths % 8]
    return filled.ljust(width, "·")
