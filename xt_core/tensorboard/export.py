"""Many runs into one log folder."""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xt_core.errors import RefusedError, UsageError
from xt_core.model.records import Run
from xt_core.stats.store import StatsStore
from xt_core.tensorboard.names import check_is_within, folder_name, lacks_hparams
from xt_core.tensorboard.runlog import RunLog


class Export:
    """Writes what is new of runs, each into the log folder that it had at first."""

    def __init__(self, root: Path, team: str, template: str) -> None:
        self._root, self._team, self._template = root, team, template
        self._logs: dict[str, RunLog] = {}
        self._owners: dict[Path, str] = {}
        self._whole: set[str] = set()
        """Ended runs of which all is written."""
        self.idle = 0
        """How many runs of the last call had nothing to write: those that have not started."""

    @property
    def logs(self) -> Mapping[str, RunLog]:
        """By the runs' full names."""
        return self._logs

    def write(self, store: StatsStore, runs: Iterable[Run], *, patient: bool = False) -> None:
        """Write what is new of the runs that have started; if `patient`, later of those that live
        and lack a hyperparameter that the template names.

        Raises UsageError, before anything is written, as `folder_name` and `RunLog` do, and for
        two runs of one log folder.
        """
        self.idle = 0
        chosen = []
        for run in runs:
            lives = not run.status.is_final
            if run.started is None or (patient and lives and lacks_hparams(self._template, run)):
                self.idle += 1
            else:
                chosen.append(run)
        for run in chosen:
            if run.full_name not in self._logs:
                self._open(run)
        for run in chosen:
            if not (run.status.is_final and run.full_name in self._whole):
                self._write_news(store, run)

    def _write_news(self, store: StatsStore, run: Run) -> None:
        self._logs[run.full_name].write_news(store, run)
        if run.status.is_final:
            self._whole.add(run.full_name)
        else:  # it may have been restarted
            self._whole.discard(run.full_name)

    def _open(self, run: Run) -> None:
        folder = self._root / folder_name(self._template, run)
        check_is_within(folder, self._root)
        owner = self._owners.setdefault(folder, run.full_name)
        if owner != run.full_name:
            raise UsageError(
                f"{owner} and {run.full_name} would both be written to {folder}",
                "let tensorboard.template have the field {run}, or also {workspace}",
            )
        self._logs[run.full_name] = RunLog(folder, self._team, run)


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Make the log folder, and keep others from writing to it.

    Raises UsageError where it cannot be made, RefusedError where another process writes to it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder {root}: {error.strerror}", "choose another by --to"
        ) from error
    try:
        _lock(descriptor, root)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, root: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RefusedError(
            f"another xt tensorboard writes to {root}", "wait for it, or choose another by --to"
        ) from error
