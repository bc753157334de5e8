"""What a crash of the UI prints: where it was, and no values of variables, which may be secrets."""

from rich.console import Console
from rich.segment import Segments


def trace(console: Console) -> Segments:
    """The exception that is being handled, as lines of code."""
    from rich.traceback import Traceback  # it loads a highlighter of every language

    printed = Traceback(show_locals=False, width=None)
    return Segments(console.render(printed, console.options))
