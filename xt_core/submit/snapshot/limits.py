"""More code than the limits of a snapshot allow, and where it lies."""

import os
import stat
from collections import Counter

from xt_core.errors import UsageError
from xt_core.submit.snapshot.format import Entry, folders_of

_MOST_OF_IT = 0.8
_NARROW = "name less in code.code-dirs, or leave more out with code.code-omit or .gitignore"


def too_much(entries: list[Entry], what: str, by_size: bool) -> UsageError:
    """The error for entries that are more than a limit: ``what`` they are, and the folders that
    hold most of them, by their bytes or by their number of files."""
    folders = ", ".join(_biggest_folders(entries, by_size))
    return UsageError(
        f"the code snapshot would hold {what}; the biggest folders: {folders}", _NARROW
    )


def _biggest_folders(entries: list[Entry], by_size: bool) -> list[str]:
    """The three biggest, each followed downwards as long as one folder holds most of it."""
    sizes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for entry in entries:
        if entry.kind != stat.S_IFDIR:
            for folder in folders_of(entry.name):
                sizes[folder] += entry.size
                files[folder] += 1
    weight = sizes if by_size else files
    below: dict[str, list[str]] = {}
    for folder, _ in weight.most_common():
        below.setdefault(os.path.dirname(folder), []).append(folder)
    biggest = []
    for folder in below.get("", [])[:3]:
        while folder in below and weight[below[folder][0]] > _MOST_OF_IT * weight[folder]:
            folder = below[folder][0]
        biggest.append(f"{folder} ({files[folder]:,} files, {shown_size(sizes[folder])})")
    return biggest or ["all of it lies in the top folder"]


def shown_size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"
