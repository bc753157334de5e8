"""Which metrics have charts: patterns of their names, typed below the charts."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from textual.widgets import Input


class MetricFilter(Input):
    """Is seen while the user types, and for as long as it says anything."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="metrics, as val-* or *loss*,*acc*",
            classes="filter hidden",
            id="metric-filter",
            compact=True,
        )

    @property
    def is_open(self) -> bool:
        """Whether it is seen."""
        return not self.has_class("hidden")

    @property
    def pattern(self) -> str:
        """What the names must match, as `matching` reads it."""
        return self.value.strip()

    def open(self) -> None:
        """Let the user type."""
        self.remove_class("hidden")
        self.focus()

    def close(self) -> None:
        """Mean all metrics again."""
        self.value = ""
        self.add_class("hidden")

    def hide_if_empty(self) -> None:
        self.set_class(not self.pattern, "hidden")


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """The names that match one of the patterns, with commas between them; all of them if there is
    none."""
    patterns = [part.strip() for part in pattern.split(",") if part.strip()]
    return [name for name in names if not patterns or _matches(name, patterns)]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name matches a pattern, or holds one that is a plain word; case does not matter."""
    lower = name.lower()
    return any(
        fnmatchcase(lower, part.lower() if set(part) & set("*?[") else f"*{part.lower()}*")
        for part in patterns
    )
