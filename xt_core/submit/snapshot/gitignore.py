"""The rules of .gitignore files, as Git reads them."""

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from xt_core.submit.snapshot.reading import readable

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern


class Ignore(NamedTuple):
    """One .gitignore: its folder, with a trailing slash, and its patterns, the last one first."""

    folder: str
    patterns: "list[GitIgnoreSpecPattern]"

    @classmethod
    def read(cls, folder: str) -> tuple["Ignore", list[str]]:
        """The .gitignore of a folder, and those of its lines that are no patterns."""
        from pathspec import GitIgnoreSpec

        with open(os.path.join(folder, ".gitignore"), "rb") as file:
            text = file.read().decode("utf-8-sig", "surrogateescape")
        patterns: list[GitIgnoreSpecPattern] = []
        wrong = []
        for line in text.split("\n"):
            line = line.removesuffix("\r")
            if line.removeprefix("!") in ("*/", "**/") or line.endswith("/**/"):
                # So spelt, pathspec's match ends with the deepest folder, as _means_itself needs.
                line = line.removesuffix("*/").removesuffix("*") + "**/?*/"
            try:
                patterns[:0] = GitIgnoreSpec.from_lines([line]).patterns
            except ValueError:
                wrong.append(line)
        rules = [pattern for pattern in patterns if pattern.include is not None]
        return cls(folder.rstrip("/") + "/", rules), wrong


def is_ignored(ignores: tuple[Ignore, ...], path: str, is_folder: bool) -> bool:
    """Git's verdict on a path whose folder is not ignored: the last pattern of the deepest file."""
    path += "/" * is_folder
    for folder, patterns in reversed(ignores):
        if path.startswith(folder) and path != folder:
            relative = path[len(folder) :]
            for pattern in patterns:
                result = pattern.match_file(relative)
                if result and _means_itself(result.match, relative, is_folder):
                    return bool(pattern.include)
    return False


def _means_itself(match: re.Match[str], path: str, is_folder: bool) -> bool:
    """Whether a pattern of pathspec has matched the path and not just a folder above it.

    Git asks of each folder first, so that ``!src`` does not bring back ``src/main.pyc``; pathspec
    matches whatever is below, and its one group tells where the folder that was meant ends.
    """
    if match.lastindex:
        return match.end(match.lastindex) == len(path)
    return not is_folder or match.end() < len(path)  # "a/**" does not mean "a/"


def ignores_above(root: str) -> tuple[Ignore, ...]:
    """Rules from the folders above, up to the top of the Git checkout.

    None hold if they would ignore ``root`` itself, which was asked for by name.
    """
    above = [root]
    while not os.path.lexists(os.path.join(above[-1], ".git")):
        if above[-1] == "/":
            return ()
        above.append(os.path.dirname(above[-1]))
    ignores = []
    for folder in reversed(above[1:]):
        path = os.path.join(folder, ".gitignore")
        if os.path.isfile(path):
            with readable(path):
                ignores.append(Ignore.read(folder)[0])
    found = tuple(ignores)
    return () if any(is_ignored(found, folder, True) for folder in above[:-1]) else found
