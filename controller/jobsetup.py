"""What a job's setup asks for, built before its first run, with its progress told."""

import asyncio
import contextlib
import logging
import shutil
import time
from typing import BinaryIO

from controller import capture
from controller.environments import Environment
from controller.environmenttools import SetupError
from controller.node import NodeServices
from controller.runtask import RunTask
from xt_core.model.states import RunStatus
from xt_core.stats.store import RunChange
from xt_core.submit.environments import EnvironmentSpec
from xt_core.submit.mrc import NodeContext

_log = logging.getLogger(__name__)


class JobSetup:
    """The setup of a job on this node, told as events of its parent or single run."""

    def __init__(
        self, node: NodeServices, context: NodeContext, task: RunTask, *, is_shown: bool
    ) -> None:
        """With `is_shown` what the tools say is part of the run's console: a parent's, which has
        no output of its own. A single run's has it only if the build fails."""
        self._node, self._context, self._task = node, context, task
        self._is_shown = is_shown

    async def carry_out(self) -> str:
        """Have the environment there; what went wrong, or "", also when the run was cancelled."""
        spec = self._context.environment
        if spec is None or self._task.run.status is RunStatus.RUNNING:
            return ""
        environment = self._node.environments.locate(spec)
        if environment.is_complete():
            await self._tell(spec, environment, "found")
            return ""
        await self._tell(spec, environment, "building")
        if not self._is_shown:
            error = await self._build(spec, environment, None)
            if error:
                with contextlib.suppress(OSError):  # no room: the error tells the last lines
                    await asyncio.to_thread(self._show, environment)
            return error
        return await self._build_shown(spec, environment)

    async def _build_shown(self, spec: EnvironmentSpec, environment: Environment) -> str:
        folder = self._task.execution.folder
        try:
            await asyncio.to_thread(folder.create)
            console = folder.console.open("ab", buffering=0)
        except OSError as failure:
            return await self._failed(spec, environment, f"cannot write its log: {failure}")
        self._task.feed.begin()
        with console:
            error = await self._build(spec, environment, console)
        if error or self._context.parent_script is None:
            store = capture.store_console
            await asyncio.to_thread(store, self._node.artifacts, self._task.run, folder)
        return error

    async def _build(
        self, spec: EnvironmentSpec, environment: Environment, console: BinaryIO | None
    ) -> str:
        began, environments = time.monotonic(), self._node.environments

        def show(data: bytes) -> None:
            if console is not None:
                console.write(data)

        try:
            found = await environments.ready(
                spec, self._context.shell_env, self._task.cancelled, show
            )
        except SetupError as failure:
            _log.warning("setup %s: %s; see %s", spec.setup, failure, environment.log)
            return await self._failed(spec, environment, str(failure))
        if found is not None:
            elapsed = round(time.monotonic() - began, 3)
            await self._tell(spec, environment, "ready", elapsed=elapsed)
        return ""

    async def _failed(self, spec: EnvironmentSpec, environment: Environment, why: str) -> str:
        error = f"setup {spec.setup}: {why}"
        await self._tell(spec, environment, "failed", error=error)
        return error

    def _show(self, environment: Environment) -> None:
        folder = self._task.execution.folder
        folder.create()
        if environment.log.exists():
            shutil.copyfile(environment.log, folder.console)

    async def _tell(
        self, spec: EnvironmentSpec, environment: Environment, status: str, **more: object
    ) -> None:
        run = self._task.run
        data = {"setup": spec.setup, "environment": environment.name, "status": status} | more
        change = RunChange(run.workspace, run.name, event="setup", data=data)
        await self._node.store(lambda store: store.change_run(change))
