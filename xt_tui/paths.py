"""Folders as users write them."""

from pathlib import Path


def short(path: Path) -> str:
    """The path, with ``~`` for the user's home."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
