"""Which files, links and empty folders a snapshot holds."""

import fnmatch
import os
import stat
from collections.abc import Iterator

from xt_core.errors import UsageError
from xt_core.submit.snapshot.format import Entry, folders_of
from xt_core.submit.snapshot.gitignore import Ignore, ignores_above, is_ignored
from xt_core.submit.snapshot.limits import shown_size, too_much
from xt_core.submit.snapshot.omission import Omission
from xt_core.submit.snapshot.reading import readable
from xt_core.submit.snapshot.sources import SnapshotSpec, Source


class Selection:
    """Collects what a snapshot will hold; reads no contents but those of .gitignore files."""

    def __init__(self, spec: SnapshotSpec, destination: str) -> None:
        self.warnings: list[str] = []
        self._spec = spec
        self._destination = destination
        self._entries: dict[str, Entry] = {}
        self._files = 0
        self._omission = Omission(spec.omit)

    def add(self, source: Source) -> None:
        if not os.path.isdir(source.path):
            with readable(source.path):
                self._add_item(source.path, source.destination, os.stat(source.path))
            return
        root = os.path.realpath(source.path)
        if source.destination and source.pattern == "*":
            self._put(Entry(source.destination, root, stat.S_IFDIR))
        pending = [(root, source.destination, ignores_above(root))]
        while pending:
            folder, name, ignores = pending.pop()
            for path, item, below in self._scan(folder, root, ignores, source):
                inside = os.path.join(name, os.path.basename(path))
                if stat.S_ISDIR(item.st_mode):
                    pending.append((path, inside, below))
                    if source.pattern == "*":
                        self._put(Entry(inside, path, stat.S_IFDIR))
                elif stat.S_ISLNK(item.st_mode):
                    self._add_link(path, inside, root)
                else:
                    self._add_item(path, inside, item)

    def finish(self) -> list[Entry]:
        """The entries sorted by the bytes of their names; raises UsageError past the limits."""
        for entry in list(self._entries.values()):
            target = os.path.normpath(os.path.join(os.path.dirname(entry.name), entry.link))
            if entry.link and target != "." and target not in self._entries:
                self._warn(entry.source, f"it links to {target}, which is left out")
                del self._entries[entry.name]
        parents = {folder for name in self._entries for folder in folders_of(name)}
        for name in sorted(parents & self._entries.keys()):
            if not stat.S_ISDIR(self._entries[name].kind):
                raise UsageError(
                    f"{name} would be both a file and a folder of the code snapshot",
                    "give one entry of code.code-dirs a folder of its own: DIR::DEST",
                )
            del self._entries[name]  # what is in it brings it along
        total = sum(entry.size for entry in self._entries.values())
        limit = self._spec.max_total_bytes
        if total > limit:
            raise self._too_much(
                f"{shown_size(total)}, over the limit of {shown_size(limit)}", True
            )
        return sorted(self._entries.values(), key=lambda entry: os.fsencode(entry.name))

    def _scan(
        self, folder: str, root: str, ignores: tuple[Ignore, ...], source: Source
    ) -> Iterator[tuple[str, os.stat_result, tuple[Ignore, ...]]]:
        """What is to be kept of one folder, by name: path, status, rules that hold below."""
        items: list[os.DirEntry[str]] = []
        with readable(folder), os.scandir(folder) as scan:
            items = sorted(scan, key=lambda item: item.name)
        # os.path.isfile(), unlike DirEntry.is_file(), bears with a link that leads to itself.
        if os.path.isfile(os.path.join(folder, ".gitignore")):
            ignores = (*ignores, *self._gitignore(folder))
        for item in items:
            is_folder = item.is_dir(follow_symlinks=False)
            if is_folder and not source.recursive:
                continue
            if not is_folder and not fnmatch.fnmatchcase(item.name, source.pattern):
                continue
            relative = item.path[len(root.rstrip("/")) + 1 :]
            if self._omission.covers(item.name, relative):
                continue
            if is_ignored(ignores, item.path, is_folder) or item.path == self._destination:
                continue
            status = None
            with readable(item.path):
                status = item.stat(follow_symlinks=False)
            if status:
                yield item.path, status, ignores

    def _gitignore(self, folder: str) -> list[Ignore]:
        path = os.path.join(folder, ".gitignore")
        found: list[Ignore] = []
        with readable(path):
            ignore, wrong = Ignore.read(folder)
            found.append(ignore)
            for line in wrong:
                self.warnings.append(f"{path}: the pattern {line!r} is not valid and was ignored")
        return found

    def _add_link(self, path: str, name: str, root: str) -> None:
        target = os.path.realpath(path)
        try:
            status = os.stat(path)
        except OSError:
            self._warn(path, "it is a broken link")
            return
        if target == root or target.startswith(root.rstrip("/") + "/"):
            link = os.path.relpath(target, os.path.dirname(path))
            self._put(Entry(name, path, stat.S_IFLNK, link=link))
        elif stat.S_ISDIR(status.st_mode):
            self._warn(path, f"it links to a folder outside, {target}")
        else:
            self._add_item(path, name, status)

    def _add_item(self, path: str, name: str, status: os.stat_result) -> None:
        limit = self._spec.max_file_bytes
        if not stat.S_ISREG(status.st_mode):
            self._warn(path, "it is a pipe, socket or device")
        elif status.st_size > limit:
            size = f"{shown_size(status.st_size)}, over the limit of {shown_size(limit)}"
            self._warn(path, f"it has {size} (code.max-file-mb)")
        else:
            self._put(Entry(name, path, stat.S_IFREG, status.st_size))

    def _put(self, entry: Entry) -> None:
        known = self._entries.setdefault(entry.name, entry)
        if known is not entry:
            if known.source != entry.source and {known.kind, entry.kind} != {stat.S_IFDIR}:
                self._warn(entry.source, f"{known.source} has its name in the snapshot")
        elif entry.kind != stat.S_IFDIR:
            self._files += 1
            if self._files > self._spec.max_files:
                raise self._too_much(f"more than {self._spec.max_files:,} files", False)

    def _warn(self, path: str, reason: str) -> None:
        self.warnings.append(f"{path} is left out: {reason}")

    def _too_much(self, what: str, by_size: bool) -> UsageError:
        return too_much(list(self._entries.values()), what, by_size)
