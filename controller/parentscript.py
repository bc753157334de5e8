"""A parent's script: run once on the node before the first child, never again once it succeeded."""

import asyncio
import logging
from collections.abc import Iterable

from controller.places import NO_PLACE
from controller.runtask import RunTask
from xt_core.model.records import Event
from xt_core.model.states import RunStatus
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange

_STARTED, _COMPLETED = "parent_script_started", "parent_script_completed"
_BEGIN_ANEW = frozenset({_COMPLETED, "rejoined", "extended"})
_log = logging.getLogger(__name__)


class ParentScript(RunTask):
    """The process of a parent's script: like a run's, but the parent lives on after it."""

    async def run_unless_done(self) -> tuple[RunChange, str]:
        """Run the script, if there is one that has not succeeded yet.

        The change of the parent that tells its end, not stored yet, and what went wrong, or "".
        Without a failure the parent is to spawn.
        """
        name = self.run.workspace, self.run.name
        argv = self._context.parent_script
        if argv is None or await self._node.store(lambda s: _has_succeeded(s.events(*name))):
            return RunChange(*name, RunStatus.SPAWNING), ""
        await self._node.store(self._announce_script)
        error, exit_code = await self._run_script(argv)
        status = None if error else RunStatus.SPAWNING
        data = {"status": "error" if error else "completed", "error": error}
        return RunChange(*name, status, _COMPLETED, data, {"exit_code": exit_code}), error

    def _announce_script(self, store: SqliteStatsStore) -> None:
        name = self.run.workspace, self.run.name
        if not _is_announced(store.events(*name)):
            store.change_run(RunChange(*name, event=_STARTED))

    async def _run_script(self, argv: list[str]) -> tuple[str, int | None]:
        """What went wrong, or "", and the exit code."""
        try:
            record = await self._run_until_ended(argv, {}, NO_PLACE.give_back)
        except Exception as error:
            _log.exception("%s: parent script", self.run.full_name)
            return str(error), None
        finally:
            self.finished.set()
        if record is None:
            return "cancelled", None
        await asyncio.to_thread(self._capture_files)
        if record.stopped:
            return "cancelled", record.exit_code
        code = record.exit_code
        return record.error or (f"exit code {code}" if code else ""), code

    async def _finish_unstarted(self, status: RunStatus, error: str) -> None:
        """The parent's end is its job's to tell."""


def _has_succeeded(events: Iterable[Event]) -> bool:
    return any(each.event == _COMPLETED and not each.data["error"] for each in events)


def _is_announced(events: list[Event]) -> bool:
    """Whether the start that the events end with was told already, by an earlier controller."""
    for each in reversed(events):
        if each.event == _STARTED or each.event in _BEGIN_ANEW:
            return each.event == _STARTED
    return False
