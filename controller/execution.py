"""One process of a run on this node: prepared, launched (or found alive), watched to its end.

The intent to launch, with a nonce, is durable before the process exists; the supervisor's files
tell what became of it. An `Execution` may therefore be made anew at any time, by any controller.
"""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controller.environment import run_environment
from controller.environments import Environment
from controller.node import NodeServices
from controller.processes import is_alive, is_running, kill_marked, wait_for_exit
from controller.rundir import RunDirectory
from xt_core.errors import XTError
from xt_core.model.records import Run, Value
from xt_core.model.states import RunStatus
from xt_core.shares.cache import View, copy_writable
from xt_core.shares.use import ShareUse
from xt_core.submit.generated import write_generated
from xt_core.submit.mrc import MultiRunConfig, NodeContext

_log = logging.getLogger(__name__)
_RECORDED_WITHIN_SECONDS = 1.0
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
CANCEL, RESTART, STOP_EARLY = "cancel", "restart", "stop-early"


@dataclass(frozen=True)
class ExitRecord:
    """How a process ended. `stopped`: CANCEL, RESTART, STOP_EARLY, or None if nobody did."""

    exit_code: int
    signal: int | None
    error: str
    stopped: str | None
    ended: float
    cpu_seconds: float
    peak_memory_bytes: int

    @classmethod
    def from_file(cls, data: dict[str, Any]) -> "ExitRecord":
        return cls(
            exit_code=int(data["exit_code"]),
            signal=data["signal"],
            error=str(data["error"]),
            stopped=data["cancelled"],
            ended=float(data["ended"]),
            cpu_seconds=float(data["cpu_seconds"]),
            peak_memory_bytes=int(data["peak_memory_bytes"]),
        )

    def outcome(self) -> tuple[RunStatus, str]:
        """The state that the run ends in, and what went wrong, or ""."""
        if self.stopped == STOP_EARLY:
            return RunStatus.COMPLETED, ""
        if self.stopped is not None:
            return RunStatus.CANCELLED, self.error
        if self.exit_code == 0:
            return RunStatus.COMPLETED, ""
        if self.error:
            return RunStatus.ERROR, self.error
        if self.signal is not None:
            return RunStatus.ERROR, f"killed by signal {self.signal}"
        return RunStatus.ERROR, f"exit code {self.exit_code}"


class StartError(Exception):
    """The run could not be prepared; the text is for the user."""


class NoRoomError(StartError):
    """The disk is full: the run can be prepared once it is not."""


def _start_error(cause: BaseException | None, text: str) -> StartError:
    is_full = isinstance(cause, OSError) and cause.errno in _NO_ROOM
    return (NoRoomError if is_full else StartError)(text)


class Execution:
    """The process of a run."""

    def __init__(
        self, node: NodeServices, mrc: MultiRunConfig, context: NodeContext, run: Run
    ) -> None:
        self._node, self._mrc, self._context, self._run = node, mrc, context, run
        self.folder = RunDirectory(node.home.runs_dir / run.workspace / run.name)
        self.gpus: list[str] = []
        self.pid: int | None = None
        self._environment: Environment | None = None
        self._nonce = ""
        self._is_fresh = False
        self._stop_request: tuple[str, float] | None = None
        self._cancelled = asyncio.Event()
        self._views: dict[str, View] = {}
        """What the run finds in XT_DATA_DIR and XT_MODEL_DIR, by kind."""

    @property
    def working_dir(self) -> Path:
        return self.folder.work / self._context.working_dir

    # Prepare ----------------------------------------------------------------------------

    async def prepare(
        self,
        argv: list[str],
        run: Run,
        hparams: dict[str, Value],
        environment: Environment | None = None,
    ) -> None:
        """Lay out the run's folder and write down what to launch. Raises StartError, which
        is a NoRoomError if the disk is full."""
        self._run, self._environment = run, environment
        self._nonce = uuid.uuid4().hex
        self._is_fresh = True
        try:
            self._views = {
                kind: await self._view(use) for kind, use in self._context.shares.items()
            }
            await asyncio.to_thread(self._prepare, argv, hparams)
        except XTError as error:
            raise _start_error(error.__cause__, error.message) from error
        except OSError as error:
            raise _start_error(error, f"cannot prepare the run: {error}") from error

    async def _view(self, use: ShareUse) -> View:
        """Wait for data or a model to be on this node."""
        view = await self._node.shares.view(use, self._cancelled)
        if view is None:
            raise StartError(f"cancelled before {use.share} was here")
        return view

    def downloads(self) -> dict[str, dict[str, Any]]:
        """What the event `download_before` tells of data and model, by kind."""
        return {kind: _told(use, self._views[kind]) for kind, use in self._context.shares.items()}

    def _own_copies(self) -> None:
        """Give the run copies of what it may write to, as they were at its first start."""
        for kind, use in self._context.shares.items():
            if use.writable and not use.folder:
                own = self.folder.share(kind)
                copy_writable(self._views[kind].path, own)
                self._views[kind] = replace(self._views[kind], path=own)

    def _share_path(self, kind: str, otherwise: str) -> Path:
        view = self._views.get(kind)
        return self._node.home.node_dir / otherwise if view is None else view.path

    def _prepare(self, argv: list[str], hparams: dict[str, Value]) -> None:
        folder, context = self.folder, self._context
        folder.create()
        folder.forget_attempt()
        folder.clear_work()
        if context.code is not None:
            archive = self._node.artifacts.local_path(context.code)
            assert archive is not None
            self._node.snapshots.materialize(archive, context.code_digest, folder.work)
        self._own_copies()
        if context.generated_config is not None:
            config = self.working_dir / context.generated_config
            write_generated(config, hparams, self._run.full_name, self._run.run_index or 0)
        if self.working_dir.is_dir():
            folder.show_console_in(self.working_dir)
        folder.write("launch.json", self._launch_spec(argv, hparams))

    def _launch_spec(self, argv: list[str], hparams: dict[str, Value]) -> dict[str, Any]:
        share = self.gpus if len(self._node.gpus) else None
        env = run_environment(
            self._node.environ,
            self._mrc,
            self._context,
            self._run,
            self._node.name,
            self.folder,
            share,
            hparams,
            data=self._share_path("data", "data"),
            models=self._share_path("model", "models"),
        )
        return {
            "nonce": self._nonce,
            "argv": self._wrapped(argv),
            "cwd": os.fspath(self.working_dir),
            "env": env if self._environment is None else self._environment.activated(env),
            "output": os.fspath(self.folder.console),
            "grace": self._context.grace_seconds,
            "gpus": self.gpus,
        }

    def _wrapped(self, argv: list[str]) -> list[str]:
        """The run script: the command itself, or one that activates the environment first."""
        lines = [] if self._environment is None else self._environment.activation_lines()
        if self._context.activate:
            lines.append(f"{self._context.activate} || exit $?")
        if not lines:
            return argv
        script = self.folder.control / "run.sh"
        script.write_text("\n".join([*lines, 'exec "$@"', ""]), encoding="utf-8")
        return ["bash", os.fspath(script), *argv]

    # Find again -------------------------------------------------------------------------

    def find(self) -> bool:
        """Whether an earlier controller prepared this process; learn what it wrote down."""
        spec = self.folder.read("launch.json")
        if spec is None:
            return False
        self._nonce = str(spec["nonce"])
        self.gpus = [str(gpu) for gpu in spec.get("gpus", [])]
        return True

    # Run --------------------------------------------------------------------------------

    async def run(self) -> ExitRecord:
        """Launch the prepared process unless it has been; its end."""
        is_new, self._is_fresh = self._is_fresh, False
        if is_new:
            await self._launch()
        elif (started := self._started()) is not None:
            self.pid = started["pid"]
        if self._stop_request is not None:
            self._send_stop(*self._stop_request)
        if is_new and self.pid is not None:
            await wait_for_exit(self.pid)
        return await self._wait()

    async def _wait(self) -> ExitRecord:
        while True:
            if (record := self._ended()) is not None:
                return record
            if self.pid is not None and self._is_alive():
                await wait_for_exit(self.pid)
                continue
            if self._started() is None and self.pid is None:
                await self._launch()
            else:
                return self.lost()

    async def _launch(self) -> None:
        try:
            self.pid = await self._node.launcher.launch(self.folder.control)
        except ConnectionError:  # the zygote died, perhaps after it had forked
            await asyncio.sleep(_RECORDED_WITHIN_SECONDS)

    def _is_alive(self) -> bool:
        started = self._started()
        if started is None:  # forked just now (its record is on its way), or killed before it
            return self.pid is not None and is_running(self.pid)
        self.pid = started["pid"]
        return is_alive(started["pid"], started["start_time"], started["boot_id"])

    def lost(self) -> ExitRecord:
        """The supervisor was killed: end what it left, and say so."""
        if (record := self._ended()) is not None:
            return record
        killed = kill_marked(f"XT_JOURNAL={self.folder.journal}")
        _log.error("%s: supervisor lost, %d processes killed", self._run.full_name, killed)
        stopped = None if self._stop_request is None else self._stop_request[0]
        error = "the run's supervisor process was killed, or the machine restarted"
        return ExitRecord(137, signal.SIGKILL, error, stopped, _last_write(self.folder), 0.0, 0)

    def _started(self) -> dict[str, Any] | None:
        return self.folder.read("started.json", self._nonce)

    def _ended(self) -> ExitRecord | None:
        record = self.folder.read("exit.json", self._nonce)
        return None if record is None else ExitRecord.from_file(record)

    # Stop -------------------------------------------------------------------------------

    def stop(self, reason: str, grace: float) -> None:
        """Ask the supervisor to end the process tree (SIGTERM, `grace` seconds, SIGKILL)."""
        self._stop_request = (reason, grace)
        if reason == CANCEL:
            self._cancelled.set()
        if self.pid is not None:
            self._send_stop(reason, grace)

    def forget_stop(self) -> None:
        """The process that was to be stopped has ended; the next one is not meant."""
        self._stop_request = None
        self.pid = None

    def _send_stop(self, reason: str, grace: float) -> None:
        with contextlib.suppress(OSError):
            if self._is_alive() and self.pid is not None:
                self.folder.write("cancel.json", {"reason": reason, "grace": grace})
                os.kill(self.pid, signal.SIGTERM)


def _told(use: ShareUse, view: View) -> dict[str, Any]:
    if use.folder:
        return {"action": use.action, "folder": use.folder}
    return {
        "action": use.action,
        "share": use.share,
        "manifest": use.manifest,
        "files": use.files,
        "bytes": use.bytes,
        "fetched_files": view.fetched_contents,
        "fetched_bytes": view.fetched_bytes,
    }


def _last_write(folder: RunDirectory) -> float:
    with contextlib.suppress(OSError):
        return folder.console.stat().st_mtime
    return 0.0
