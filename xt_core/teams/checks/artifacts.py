"""The check of artifacts, wherever they are kept: bytes go there and come back as they were."""

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core import clock
from xt_core.artifacts.store import storage_error
from xt_core.errors import UnavailableError, WorkFailedError
from xt_core.teams.checks.check import Check, Step, compare_clocks

if TYPE_CHECKING:
    from xt_core.artifacts.store import ArtifactStore

_BYTES = 64 * 1024
_LEAST_FREE_BYTES = 1 << 30
_PRECISION_SECONDS = 1.0  # of the time of an artifact: blob storage tells whole seconds


def artifact_check(
    service: str,
    setting: str,
    open_store: Callable[[], "ArtifactStore"],
    *,
    place: str,
    folder: Path | None = None,
    sign_in: Callable[[], str] | None = None,
) -> Check:
    """The check of a store; `open_store` may raise ConfigError.

    `place` says where it is, and `folder`, where it is one, is what must be there beforehand: what
    is not mounted must not be made on this machine's disk. `sign_in`, where the user's is needed,
    does so and says as whom.
    """
    probe = _Probe(open_store, folder)
    steps = [Step("read its settings", probe.open)]
    if sign_in is not None:
        steps.append(Step("sign in", sign_in, may_ask=True))
    if folder is not None:
        steps += [Step("find the folder", probe.find_folder),
                  Step("see how much space is free", probe.free_space, is_apart=True)]  # fmt: skip
    steps += [
        Step(f"write 64 KiB to {place}", probe.write),
        Step("read it back", probe.read),
        Step("list it", probe.list),
        Step("compare clocks", probe.clocks, is_apart=True),
        Step("delete it", probe.delete),
    ]
    return Check("artifacts", service, setting, steps, probe.close)


class _Probe:
    """One store, and one artifact in it that is the check's own."""

    def __init__(self, open_store: Callable[[], "ArtifactStore"], folder: Path | None) -> None:
        self._open_store, self._folder = open_store, folder
        self._store: ArtifactStore | None = None
        self._prefix = f"check-{secrets.token_hex(8)}"
        self._key = f"{self._prefix}/bytes"
        self._data = secrets.token_bytes(_BYTES)
        self._is_written = False

    def open(self) -> str:
        self._store = self._open_store()
        return ""

    def find_folder(self) -> str:
        assert self._folder is not None
        if not self._folder.is_dir():
            raise UnavailableError(
                f"there is no folder {self._folder}",
                "mount it, or make it: all machines of the team must see the same one there",
            )
        return str(self._folder)

    def free_space(self) -> str:
        assert self._folder is not None
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            raise storage_error(error, f"cannot ask the disk of {self._folder}") from error
        if free < _LEAST_FREE_BYTES:
            raise UnavailableError(
                f"only {free / (1 << 20):.0f} MiB are free on the disk of {self._folder}",
                "free some space there",
            )
        return f"{free / (1 << 30):.1f} GiB"

    def write(self) -> str:
        self._is_written = True  # or may be, whatever the answer
        self._before = clock.now()
        self._opened.put_bytes(self._key, self._data)
        self._after = clock.now()
        return ""

    def read(self) -> str:
        if self._opened.get_bytes(self._key) != self._data:
            raise WorkFailedError("the bytes that came back are not those that were written")
        return ""

    def list(self) -> str:
        listed = [(info.key, info.size) for info in self._opened.list(self._prefix)]
        if listed != [(self._key, _BYTES)]:
            raise WorkFailedError(f"the listing has {len(listed)} artifacts in place of 1")
        return ""

    def clocks(self) -> str:
        told = self._opened.stat(self._key).modified
        return compare_clocks(told, self._before, self._after, _PRECISION_SECONDS)

    def delete(self) -> str:
        self._opened.delete(self._key)
        self._is_written = False
        if self._opened.exists(self._key):
            raise WorkFailedError("it is still there")
        return ""

    def close(self) -> None:
        if self._store is None:
            return
        try:
            if self._is_written:
                self._store.delete_prefix(self._prefix)
        finally:
            self._store.close()

    @property
    def _opened(self) -> "ArtifactStore":
        assert self._store is not None
        return self._store
