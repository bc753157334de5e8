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
from xt_core.errors import RefusedError, UnavailableError
from xt_core.home import NodeHome, node_index
from xt_core.nodes.http import Reach, UnixConnection, local_socket
from xt_core.nodes.limits import NO_LIMITS, Limits
from xt_core.nodes.lockholder import kill_holder, wait_until_free
from xt_core.nodes.requests import NodeClient, Told, UnresponsiveError, nobody
from xt_core.services.stores import StoreAccess

HANDOVER_SECONDS = 10.0
END_SECONDS = 60.0
"""How long a controller may take to end, once it was told to."""
KILLED_SECONDS = 10.0
HANGS_AFTER_SECONDS = 5.0
"""A controller that is to be replaced because it hangs has so long to show that it does not."""
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
        waiting: Told = nobody,
    ) -> None:
        """`environ`, `limits` and `node_access` (by default `access`) are what a controller gets
        that has to be started; `reach` is how the controller's socket is reached, which lies where
        `home` says. See `NodeClient` for the rest."""
        super().__init__(home.name, access, node_access or access, waiting)
        self._home, self._environ, self._reach = home, dict(environ), reach
        self._limits = limits

    def _connection(self, seconds: float | None = None) -> UnixConnection:
        return UnixConnection(self._home.socket, self._reach)

    # Life -------------------------------------------------------------------------------

    def ensure_running(self, gpu_split: int = 1, patience: float | None = None) -> None:
        """Start the controller if there is none, or if the one that answers is of another
        installation of XT.

        It leaves GPUs to `gpu_split` nodes: one that counts on fewer nodes is replaced.
        Raises UnavailableError if it cannot be started, UnresponsiveError for one that does not
        answer within `patience` seconds, and RefusedError if it is of a newer XT.
        """
        gpu_split = max(gpu_split, node_index(self.name) + 1)
        node = self._present_node(patience)
        if self._is_current(node, gpu_split):
            self._renew_access(node)
            return
        with self._start_lock():
            node = self._present_node(patience)  # another client may have been faster
            if self._is_current(node, gpu_split):
                return
            if node is not None:
                self._stop()
            self._spawn(gpu_split)

    def replace_hung(self, gpu_split: int = 1) -> int | None:
        """Kill the controller if it does not answer, and start a new one, which finds the runs; the
        process that was killed, None where there was none.

        Raises RefusedError where it answers, or cannot be known for sure, and UnavailableError if
        no new one can be started.
        """
        with self._start_lock():
            killed = None
            try:
                if self._present_node(HANGS_AFTER_SECONDS) is not None:
                    raise RefusedError(
                        f"the controller of {self.name} answers: it was left alone",
                        "xt status shows what it does",
                    )
            except UnresponsiveError:
                killed = kill_holder(self._home.controller_lock, KILLED_SECONDS)
            self._spawn(max(gpu_split, node_index(self.name) + 1))
            return killed

    def _present_node(self, patience: float | None) -> dict[str, Any] | None:
        """What the controller says of its node; None where there is none. Raises UnresponsiveError
        for one that says nothing."""
        try:
            with self._told_if_long(self._silence()):
                return dict(self.status(patience)["nodes"][0])
        except UnresponsiveError:
            raise
        except UnavailableError:
            return None

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
            with self._told_if_long(
                f"another command starts the controller of {self.name}: waiting"
            ):
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _stop(self) -> None:
        try:
            self._request("POST", "/shutdown", {})
        except UnresponsiveError:
            raise
        except UnavailableError:  # it may be gone before it has answered
            pass
        if not wait_until_free(self._home.controller_lock, END_SECONDS):
            raise self._unresponsive()

    def _unresponsive(self) -> UnresponsiveError:
        return UnresponsiveError(
            f"the controller of {self.name} is running but does not answer",
            f"xt restart controller --hung {self.name} ends it and starts a new one, its runs live "
            f"on; or end the process named in {self._home.controller_lock}",
        )

    def _spawn(self, gpu_split: int) -> None:
        deadline = time.monotonic() + HANDOVER_SECONDS
        while (code := self._try_to_spawn(gpu_split)) == _ALREADY_RUNNING:  # one comes, or goes
            if self.is_running() and self._present_node(None) is not None:
                return
            if time.monotonic() > deadline:
                raise self._unresponsive()
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
