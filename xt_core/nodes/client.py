"""The controller of one node of this machine: started and replaced as need be."""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import xt_core
from xt_core.bootstrap.place import installation
from xt_core.errors import UnavailableError
from xt_core.home import NodeHome, node_index
from xt_core.nodes.http import Reach, UnixConnection, local_socket
from xt_core.nodes.limits import NO_LIMITS, Limits
from xt_core.nodes.requests import NodeClient
from xt_core.services.stores import StoreAccess

HANDOVER_SECONDS = 10.0
_HANDOVER_PAUSE_SECONDS = 0.05
_ALREADY_RUNNING = 75
_SECRET_VARIABLES = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD")
"""By which a user signs in; a node does not."""


class ControllerClient(NodeClient):
    """Talks to the controller of a node of this machine."""

    def __init__(
        self,
        home: NodeHome,
        environ: Mapping[str, str],
        access: Callable[[], StoreAccess],
        node_access: Callable[[], StoreAccess] | None = None,
        reach: Reach = local_socket,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """`environ`, `limits` and `node_access` (by default `access`) are what a controller gets
        that has to be started; `reach` is how the controller's socket is reached, which lies where
        `home` says."""
        super().__init__(home.name, access, node_access or access)
        self._home, self._environ, self._reach = home, dict(environ), reach
        self._limits = limits

    def _connection(self, seconds: float | None = None) -> UnixConnection:
        return UnixConnection(self._home.socket, self._reach)

    # Life -------------------------------------------------------------------------------

    def ensure_running(self, gpu_split: int = 1) -> None:
        """Start the controller if none answers, or if the one that does is of another
        installation of XT.

        It leaves GPUs to `gpu_split` nodes: one that counts on fewer nodes is replaced.
        Raises UnavailableError if it cannot be started, and RefusedError if it is of a newer XT.
        """
        gpu_split = max(gpu_split, node_index(self.name) + 1)
        node = self._node()
        if self._is_current(node, gpu_split):
            self._renew_access(node)
            return
        with self._start_lock():
            node = self._node()  # another client may have been faster
            if self._is_current(node, gpu_split):
                return
            if node is not None:
                self._stop()
            self._spawn(gpu_split)

    def _is_current(self, node: Mapping[str, Any] | None, gpu_split: int) -> bool:
        """Whether a controller, by what it says of its node, may go on as it is."""
        if node is None:
            return False
        controller = node["controller"]
        self._refuse_newer(controller["version"])
        if controller["version"] != xt_core.__version__:
            return False
        if controller.get("installation", "") != installation():
            return False
        if node.get("access", "") != self._access().fingerprint():
            return False
        if node.get("limits", {}) != asdict(self._limits):
            return False
        return not node["gpus"] or bool(node.get("gpu_split", 1) >= gpu_split)

    def shut_down(self) -> None:
        """Let the controller end; runs live on, and the next controller finds them."""
        with self._start_lock():
            self._stop()

    @contextlib.contextmanager
    def _start_lock(self) -> Iterator[None]:
        """Of many clients one starts or stops the controller, the others wait."""
        self._home.create()
        with open(self._home.node_dir / "start.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _stop(self) -> None:
        with contextlib.suppress(UnavailableError):  # it may be gone before it has answered
            self._request("POST", "/shutdown", {})
        with contextlib.suppress(FileNotFoundError), open(self._home.controller_lock, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)  # held by the controller until it is gone

    def _spawn(self, gpu_split: int) -> None:
        deadline = time.monotonic() + HANDOVER_SECONDS
        while (code := self._try_to_spawn(gpu_split)) == _ALREADY_RUNNING:  # one comes, or goes
            if self.is_running() and self._node() is not None:
                return
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"the controller of {self.name} is running but does not answer",
                    f"see {self._home.controller_log}, end the process named in "
                    f"{self._home.controller_lock}, and try again",
                )
            time.sleep(_HANDOVER_PAUSE_SECONDS)
        if code:
            raise UnavailableError(
                f"the controller of {self.name} could not be started (exit code {code})",
                f"its reason is at the end of {self._home.controller_log}",
            )

    def _try_to_spawn(self, gpu_split: int) -> int:
        """0 once a new controller is ready, else its exit code."""
        access = self._node_access()
        ready, ready_in = os.pipe()
        command = [sys.executable, "-m", "controller", "--node", self.name]
        command += ["--team", self._home.team, "--services"]
        command += ["--gpu-split", str(gpu_split), "--ready", str(ready_in)]
        command += ["--limits", self._limits.to_json()]
        with open(self._home.controller_log, "ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[ready_in],
                cwd="/",
                env=self._environ_without(access) | {"XT_HOME": str(self._home.root)},
            )
        os.close(ready_in)
        _give_access(process, access.to_json().encode())
        with open(ready, "rb") as file:
            if file.readline() == b"ready\n":
                process.returncode = 0  # it lives on: not ours to wait for
                return 0
        return process.wait() or 1

    def _environ_without(self, access: StoreAccess) -> dict[str, str]:
        """What a controller inherits: it needs no variable that opens services, and its own
        children could read them."""
        secret = {*access.secret_variables, *_SECRET_VARIABLES}
        return {name: value for name, value in self._environ.items() if name not in secret}


def _give_access(process: "subprocess.Popen[bytes]", access: bytes) -> None:
    """Through its standard input: what is secret stands in no argument and no file."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended; its exit code is told
        process.stdin.write(access)
        process.stdin.close()
