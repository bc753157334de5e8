"""Names and patterns of files and folders that are left out."""

import fnmatch
import re
from collections.abc import Callable

Matcher = Callable[[str], object]


class Omission:
    """A pattern without a slash is matched with names, one with a slash with relative paths."""

    def __init__(self, patterns: list[str]) -> None:
        names, paths = [], []
        for text in patterns:
            pattern = text.removeprefix("./").removesuffix("/**").rstrip("/")
            if "/" not in pattern:
                names.append(pattern)
                continue
            paths.append(pattern.lstrip("/"))
            if pattern.startswith("**/"):
                paths.append(pattern.removeprefix("**/"))
        self._name, self._path = _any_of(names), _any_of(paths)

    def covers(self, name: str, relative: str) -> bool:
        """Whether what has that name, and lies there, is left out, and all that is below it."""
        return bool(self._name(name) or self._path(relative))


def _any_of(globs: list[str]) -> Matcher:
    if not globs:
        return lambda _: None
    return re.compile("|".join(map(fnmatch.translate, globs))).match
