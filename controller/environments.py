"""The environments of a node's machine: built once, then shared by runs, jobs and nodes.

environments/HASH.lock            held (`flock`) by the controller that builds
environments/HASH/env             the environment itself, where it will be used: it cannot be moved
environments/HASH/build.log       what the tools said
environments/HASH/complete.json   written last: without it the environment is not there

A controller that is killed in the middle of a build leaves no complete.json; whoever gets the lock
after it ends the tools that it left, and begins anew.
"""

import asyncio
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.environmenttools import (
    SetupError,
    Step,
    Tools,
    build_place,
    build_steps,
    tool_environment,
    write_inputs,
)
from controller.processes import kill_marked
from controller.toolprocess import run_tool
from xt_core.submit.environments import EnvironmentSpec

_LAST_LINES = 5
_MARK = "XT_ENVIRONMENT_BUILD"

Listener = Callable[[bytes], None]
"""Gets what the tools say, as it comes."""


@dataclass(frozen=True)
class Environment:
    """Where an environment is, or will be."""

    folder: Path
    is_conda: bool

    @property
    def name(self) -> str:
        """The hash of its contents."""
        return self.folder.name

    @property
    def prefix(self) -> Path:
        return self.folder / "env"

    @property
    def log(self) -> Path:
        return self.folder / "build.log"

    @property
    def complete(self) -> Path:
        return self.folder / "complete.json"

    def is_complete(self) -> bool:
        """Whether it can be used: built, and its Python not removed since."""
        python = self.prefix / "bin" / "python"
        return self.complete.exists() and (python.exists() or not python.is_symlink())

    def activated(self, env: Mapping[str, str]) -> dict[str, str]:
        """A process's variables, as activating the environment changes them."""
        path = f"{self.prefix / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
        result = dict(env) | {"PATH": path}
        for name in ("PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV"):
            result.pop(name, None)
        if self.is_conda:
            return result | dict.fromkeys(("CONDA_PREFIX", "CONDA_DEFAULT_ENV"), str(self.prefix))
        return result | {"VIRTUAL_ENV": str(self.prefix)}

    def activation_lines(self) -> list[str]:
        """What packages want a shell to read: conda's have scripts for it."""
        if not self.is_conda:
            return []
        scripts = '"$CONDA_PREFIX"/etc/conda/activate.d/*.sh'
        return [f'for script in {scripts}; do [ -r "$script" ] && . "$script"; done']


class Environments:
    """Finds and builds environments. Those who want the same one at the same time share its
    build, which ends when the last of them gives up."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        """`environ` is the node's own."""
        self._root, self._environ = root, dict(environ)
        self._builds: dict[str, _Build] = {}

    def locate(self, spec: EnvironmentSpec) -> Environment:
        """Where the environment of these contents belongs."""
        return Environment(self._root / spec.digest(build_place(spec)), spec.is_conda)

    async def ready(
        self,
        spec: EnvironmentSpec,
        shell_env: Mapping[str, str],
        cancelled: asyncio.Event,
        listener: Listener | None = None,
    ) -> Environment | None:
        """The environment, built if need be; None if `cancelled` was set first.

        Tools are found by the PATH of `shell_env`, and the node's. Raises SetupError.
        """
        environment = self.locate(spec)
        if environment.is_complete():
            return environment
        while (build := self._builds.get(environment.name)) is not None and build.is_given_up:
            await asyncio.wait({build.task})  # it ends its tools; then another begins anew
        if build is None:
            mark = f"{_MARK}={environment.folder}"
            environ = tool_environment(self._environ | dict(shell_env), mark)
            build = self._builds[environment.name] = _Build(spec, environment, environ)
            build.task.add_done_callback(lambda task: self._ended(environment.name, task))
        return environment if await build.wait(cancelled, listener) else None

    def _ended(self, name: str, task: "asyncio.Task[None]") -> None:
        del self._builds[name]
        if not task.cancelled():
            task.exception()  # told to those who wait, of whom there may be none


class _Build:
    """One environment being built, and who waits for it."""

    def __init__(
        self, spec: EnvironmentSpec, environment: Environment, environ: dict[str, str]
    ) -> None:
        self._spec, self._environment, self._environ = spec, environment, environ
        self._listeners: list[Listener] = []
        self._waiting = 0
        self.is_given_up = False
        """Whether nobody waits for it any more, so that it ends without a result."""
        self.task = asyncio.create_task(self._build())

    async def wait(self, cancelled: asyncio.Event, listener: Listener | None) -> bool:
        """Whether it is complete; False if `cancelled` was set first. Raises SetupError."""
        if listener is not None:
            self._listeners.append(listener)
        self._waiting += 1
        giving_up = asyncio.create_task(cancelled.wait())
        try:
            await asyncio.wait({self.task, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving_up.cancel()
            self._waiting -= 1
            if listener is not None:
                self._listeners.remove(listener)
            if not self._waiting and not self.task.done():
                self.is_given_up = True
                self.task.cancel()
                await asyncio.wait({self.task})
        if self.task.cancelled() or not self.task.done():
            return False
        self.task.result()
        return True

    async def _build(self) -> None:
        try:
            self._environment.folder.parent.mkdir(parents=True, exist_ok=True)
            lock = await _take_lock(self._environment.folder.with_suffix(".lock"), self._say)
        except OSError as error:
            raise SetupError(f"cannot build the environment: {error}") from error
        try:
            if not self._environment.is_complete():
                await self._build_anew()
        except OSError as error:
            raise SetupError(f"cannot build the environment: {error}") from error
        finally:
            os.close(lock)

    async def _build_anew(self) -> None:
        environment, began = self._environment, time.monotonic()
        await _to_its_end(self._clear)
        folder, prefix = environment.folder, environment.prefix
        tools = Tools(self._environ)
        steps = await asyncio.to_thread(build_steps, self._spec, folder, prefix, tools)
        with environment.log.open("ab", buffering=0) as log:

            def hear(data: bytes) -> None:
                log.write(data)
                self._say(data)

            for step in steps:
                hear(f"$ {' '.join(step.command)}\n".encode())
                await self._carry_out(step, hear)
        record: dict[str, object] = {
            "tools": [step.tool for step in steps],
            "seconds": round(time.monotonic() - began, 3),
            "spec": asdict(self._spec),
        }
        await _to_its_end(lambda: _commit(environment.complete, record))

    def _clear(self) -> None:
        """Remove what an earlier build left, its processes first."""
        environment = self._environment
        environment.complete.unlink(missing_ok=True)
        kill_marked(f"{_MARK}={environment.folder}")
        if environment.folder.exists():
            shutil.rmtree(environment.folder)
        environment.folder.mkdir()
        write_inputs(self._spec, environment.folder)

    async def _carry_out(self, step: Step, hear: Listener) -> None:
        env = self._environ | step.variables
        try:
            code, tail = await run_tool(step.command, env, self._environment.folder, hear)
        except OSError as error:
            raise SetupError(f"cannot run {step.command[0]}: {error.strerror}") from error
        if code:
            lines = [line.rstrip() for line in tail.splitlines() if line.strip()]
            last = "\n".join(lines[-_LAST_LINES:])
            raise SetupError(f"{step.tool} failed with exit code {code}:\n{last}".rstrip(":\n"))

    def _say(self, data: bytes) -> None:
        for listener in self._listeners:
            listener(data)


async def _to_its_end(act: Callable[[], None]) -> None:
    """Do it in a thread; who cancels this waits until it is done: the lock is held for it."""
    acting = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        await asyncio.shield(acting)
    except asyncio.CancelledError:
        await asyncio.wait({acting})
        raise


async def _take_lock(path: Path, say: Listener) -> int:
    """Become the builder: a descriptor that holds the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except BlockingIOError:
        say(b"waiting for another node of this machine, which builds the environment\n")
    taking = asyncio.ensure_future(asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX))
    try:
        await asyncio.shield(taking)
    except asyncio.CancelledError:
        taking.add_done_callback(lambda _: os.close(descriptor))
        raise
    return descriptor


def _commit(path: Path, record: dict[str, object]) -> None:
    """Say that the environment is whole, once all of it is on the disk."""
    os.sync()
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
