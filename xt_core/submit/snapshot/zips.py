"""The zips of a node to which snapshots are brought: kept for a while, because the next snapshot
has most of its parts in common with one of them."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from xt_core import clock
from xt_core.artifacts.store import storage_error
from xt_core.errors import UnavailableError
from xt_core.submit.snapshot.parts import Cut, Recipe, UncutError, cut, join

KEPT_ZIPS = 8
KEPT_SECONDS = 14 * 86_400.0


class SnapshotZips:
    """``zips/DIGEST`` are whole and never change, ``parts/DIGEST`` are what came for the next one.

    Invariant: what has such a name has that SHA-256. Any number of processes may use one root.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._zips, self._recipes = root, root / "zips", root / "recipes"
        self.parts = root / "parts"

    def zip(self, digest: str) -> Path:
        """Where the zip of that SHA-256 is, or will be."""
        return self._zips / digest

    def part(self, digest: str) -> Path:
        """Where a part is, or will be, until a zip was made of it."""
        return self.parts / digest

    def is_empty(self) -> bool:
        """Whether there is no zip at all."""
        return next(self._zips.glob("*"), None) is None

    def use(self, digest: str, link: Path) -> bool:
        """Give a zip another name as well, and note that it was used; False if it is not here."""
        try:
            os.utime(self.zip(digest))
            os.link(self.zip(digest), link)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise storage_error(error, f"cannot use {self.zip(digest)}") from error
        return True

    def lacking(self, parts: list[str]) -> list[str]:
        """Those parts that no zip here has."""
        with self._locked(fcntl.LOCK_SH), self._cuts() as cuts:
            return [
                digest
                for digest in dict.fromkeys(parts)
                if not any(digest in each for each in cuts)
            ]

    def put_together(self, digest: str, recipe: Recipe) -> None:
        """Make a zip of parts that are here. Raises UnavailableError if one is not."""
        try:
            with self.draft() as draft, self._cuts() as cuts:
                with draft.open("wb", buffering=1 << 20) as file:
                    made = join(recipe, lambda part: self._read(part, cuts), file)
                if made != digest:
                    raise UncutError(f"it has the SHA-256 {made}")
                self._recipes.mkdir(exist_ok=True)
                (self._recipes / digest).write_text(recipe.to_json(), "ascii")
                self._zips.mkdir(exist_ok=True)
                os.replace(draft, self.zip(digest))
            for part in recipe.parts:
                self.part(part.digest).unlink(missing_ok=True)
        except FileNotFoundError as error:
            raise _not_made(digest, f"a part is missing, {error.filename}") from error
        except UncutError as error:
            raise _not_made(digest, str(error)) from error
        except OSError as error:
            raise storage_error(error, f"cannot write the code snapshot {digest}") from error

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """The place of a file in the making, which goes with the block: so long `prune`, which
        removes those of makers that have died, does not run."""
        path = self._root / f".xt-{os.urandom(8).hex()}"
        with self._locked(fcntl.LOCK_SH):
            try:
                yield path
            finally:
                path.unlink(missing_ok=True)

    def prune(self, zips: int = KEPT_ZIPS, seconds: float = KEPT_SECONDS) -> int:
        """Remove all but the last used zips, and what nobody has used for so long; how many bytes
        that frees, where no job has them any more."""
        if not self._root.is_dir():
            return 0
        oldest = clock.now() - seconds
        freed = 0
        try:
            with self._locked(fcntl.LOCK_EX):
                by_use = sorted(self._zips.glob("*"), key=_used, reverse=True)
                doomed = by_use[zips:] + [path for path in by_use[:zips] if _used(path) < oldest]
                doomed += [path for path in self.parts.glob("*") if _used(path) < oldest]
                for path in doomed:
                    freed += path.stat().st_size
                    path.unlink()
                for path in self._recipes.glob("*"):
                    if not self.zip(path.name).exists():
                        path.unlink()
                for path in self._root.glob(".xt-*"):  # their makers, who held the lock, have died
                    path.unlink()
        except OSError as error:
            raise storage_error(error, f"cannot prune {self._root}") from error
        return freed

    def _read(self, digest: str, cuts: list[Cut]) -> bytes:
        for each in cuts:
            if digest in each:
                return each.read(digest)
        return self.part(digest).read_bytes()

    @contextlib.contextmanager
    def _cuts(self) -> Iterator[list[Cut]]:
        """The zips that are here, the last used first."""
        with contextlib.ExitStack() as stack:
            cuts = []
            for path in sorted(self._zips.glob("*"), key=_used, reverse=True):
                with contextlib.suppress(UncutError):
                    cuts.append(Cut(path, self._recipe(path)))
                    stack.callback(cuts[-1].close)
            yield cuts

    def _recipe(self, path: Path) -> Recipe:
        """How a zip is cut, remembered: to find out takes a look at all of it."""
        file = self._recipes / path.name
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            return Recipe.from_json(file.read_bytes())
        recipe = cut(path)
        self._recipes.mkdir(exist_ok=True)
        file.write_text(recipe.to_json(), "ascii")
        return recipe

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Held shared to use what is here, exclusively to take it away."""
        self._root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _used(path: Path) -> float:
    return path.stat().st_mtime


def _not_made(digest: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"the code snapshot {digest} could not be put together: {reason}", "submit the job again"
    )
