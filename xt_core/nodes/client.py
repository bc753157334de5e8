"""The controller of one node, as seen by commands and the terminal UI.

Nothing here waits for a controller that is gone (a dead one's socket refuses at once), nor for
ever for one that hangs.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, NoReturn, cast
from urllib.parse import quote

import xt_core
from xt_core import clock
from xt_core.bootstrap.place import installation
from xt_core.errors import (
    RefusedError,
    UnavailableError,
    UnknownNameError,
    UsageError,
    WorkFailedError,
    XTError,
)
from xt_core.home import NodeHome, node_index
from xt_core.nodes.http import Reach, UnixConnection, local_socket
from xt_core.services.stores import RENEWED_FROM_SECONDS, StoreAccess

STATUS_SECONDS = 30.0
HANDOVER_SECONDS = 10.0
_HANDOVER_PAUSE_SECONDS = 0.05
_ALREADY_RUNNING = 75
_SECRET_VARIABLES = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD")
"""By which a user signs in; a node does not."""
_ERRORS: dict[str, type[XTError]] = {
    "usage": UsageError,
    "config": UsageError,
    "unknown-name": UnknownNameError,
    "refused": RefusedError,
    "work-failed": WorkFailedError,
}


class NoAnswerError(UnavailableError):
    """The controller has gone, or the way to it was lost, before it had answered."""


class ControllerClient:
    """Talks to the controller of one node. Thread-safe: each request has a connection."""

    def __init__(
        self,
        home: NodeHome,
        environ: Mapping[str, str],
        access: Callable[[], StoreAccess],
        node_access: Callable[[], StoreAccess] | None = None,
        reach: Reach = local_socket,
    ) -> None:
        """`environ` and `node_access` (by default `access`) are what a controller gets that has to
        be started; `access` is how the team's stores are reached from here, `reach` how the
        controller's socket is, which lies where `home` says."""
        self._reach = reach
        self._home, self._environ = home, dict(environ)
        self._access, self._node_access = access, node_access or access

    # Life -------------------------------------------------------------------------------

    def is_running(self) -> bool:
        """Whether a controller answers."""
        connection = UnixConnection(self._home.socket, self._reach)
        try:
            connection.connect()
        except OSError:
            return False
        finally:
            connection.close()
        return True

    def ensure_running(self, gpu_split: int = 1) -> None:
        """Start the controller if none answers, or if the one that does is of another
        installation of XT.

        It leaves GPUs to `gpu_split` nodes: one that counts on fewer nodes is replaced.
        Raises UnavailableError if it cannot be started, and RefusedError if it is of a newer XT.
        """
        gpu_split = max(gpu_split, node_index(self._home.name) + 1)
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
        return not node["gpus"] or bool(node.get("gpu_split", 1) >= gpu_split)

    def _refuse_newer(self, version: str) -> None:
        """An older XT does not know what a newer one has written."""
        if _numbers(version) > _numbers(xt_core.__version__):
            raise RefusedError(
                f"the controller of {self._home.name} is of XT {version}, and this is "
                f"{xt_core.__version__}",
                f"upgrade XT here to {version}",
            )

    def _renew_access(self, node: Mapping[str, Any] | None) -> None:
        """Hand over a newer access to the team's stores where the controller's ends soon.

        A user who has none just now may steer the node all the same: what it keeps for the team
        waits there.
        """
        expires = None if node is None else node.get("access_expires")
        if expires is not None and expires - clock.now() < RENEWED_FROM_SECONDS:
            with contextlib.suppress(XTError):
                self.hand_over_access()

    def hand_over_access(self) -> None:
        """Let the running controller reach the team's stores by what the user may do now.

        Raises UnavailableError, RefusedError, and UsageError if it works for other stores.
        """
        self._request("POST", "/access", json.loads(self._node_access().to_json()))

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

    def _node(self) -> dict[str, Any] | None:
        """What the controller that answers says of its node."""
        try:
            return dict(self.status()["nodes"][0])
        except UnavailableError:
            return None

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
                    f"the controller of {self._home.name} is running but does not answer",
                    f"see {self._home.controller_log}, end the process named in "
                    f"{self._home.controller_lock}, and try again",
                )
            time.sleep(_HANDOVER_PAUSE_SECONDS)
        if code:
            raise UnavailableError(
                f"the controller of {self._home.name} could not be started (exit code {code})",
                f"its reason is at the end of {self._home.controller_log}",
            )

    def _try_to_spawn(self, gpu_split: int) -> int:
        """0 once a new controller is ready, else its exit code."""
        access = self._node_access()
        ready, ready_in = os.pipe()
        command = [sys.executable, "-m", "controller", "--node", self._home.name]
        command += ["--team", self._home.team, "--services"]
        command += ["--gpu-split", str(gpu_split), "--ready", str(ready_in)]
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

    # Requests ---------------------------------------------------------------------------

    def status(self, patience: float | None = None) -> dict[str, Any]:
        """The node and its living runs: see `xt status --json`.

        Raises UnavailableError after `patience` seconds without an answer.
        """
        timeout = STATUS_SECONDS if patience is None else patience
        return self._request("GET", "/status", timeout=timeout)

    def take_up(self, job: str) -> None:
        """Tell the controller of a submitted job."""
        self._request("POST", "/jobs", {"job": job})

    def cancel(
        self,
        *,
        runs: Sequence[tuple[str, str]] = (),
        jobs: Sequence[str] = (),
        everything: bool = False,
        grace: float | None = None,
    ) -> None:
        """Cancel; returns once all of it has ended."""
        body = {"runs": list(runs), "jobs": list(jobs), "all": everything, "grace": grace}
        self._request("POST", "/cancel", body)

    def restart(self, job: str, delay: float) -> list[str]:
        """The service restart of a job's living runs; their names."""
        answer = self._request("POST", f"/jobs/{quote(job)}/restart", {"delay": delay})
        return [str(name) for name in answer["restarted"]]

    @contextlib.contextmanager
    def output(self, workspace: str, run: str, start: str) -> Iterator["OutputStream"]:
        """The console of a run of this node. Raises UnknownNameError if it has none such."""
        path = f"/runs/{quote(workspace)}/{quote(run)}/output?from={quote(start)}"
        with self._exchange("GET", path, None) as (connection, response):
            yield OutputStream(int(response.headers["X-Offset"]), response, connection)

    def has_ended(self, workspace: str, run: str) -> bool:
        """Whether the process of a run of this node has ended. Raises UnknownNameError."""
        answer = self._request("GET", f"/runs/{quote(workspace)}/{quote(run)}")
        return answer["run"]["ended"] is not None

    def changes(self) -> "ChangeStream":
        """Iterates at once, and again after whatever changes; ends when the controller does.

        Raises UnavailableError, as the stream does when the controller is killed.
        """
        connection = UnixConnection(self._home.socket, self._reach)
        try:
            connection.request("GET", "/changes")
        except OSError as error:
            connection.close()
            raise self._unavailable(error) from error
        return ChangeStream(connection, self._unavailable)

    # For modules that have requests of their own ----------------------------------------

    def ask(self, path: str, body: object) -> dict[str, Any]:
        """The answer to a POST. Raises NoAnswerError, and what the controller says."""
        return self._request("POST", path, body)

    @contextlib.contextmanager
    def stream(self, path: str, body: object) -> Iterator[HTTPResponse]:
        """The answer to a POST, to be read as it comes. Raises as `ask` does, also from within."""
        with self._exchange("POST", path, body) as (_, response):
            yield response

    def send(self, path: str, size: int, blocks: Iterable[bytes]) -> dict[str, Any]:
        """The answer to a POST of `size` bytes, which are made as they go. Raises as `ask` does."""
        with self._exchange("POST", path, blocks, size=size) as (_, response):
            answer = json.loads(response.read())
        return dict(answer)

    def _request(
        self, method: str, path: str, body: object = None, timeout: float | None = None
    ) -> dict[str, Any]:
        with self._exchange(method, path, body, timeout) as (_, response):
            answer = json.loads(response.read())
        return dict(answer)

    @contextlib.contextmanager
    def _exchange(
        self,
        method: str,
        path: str,
        body: object,
        timeout: float | None = None,
        size: int | None = None,
    ) -> Iterator[tuple[UnixConnection, HTTPResponse]]:
        """`timeout` seconds at most between two parts of the answer; None: as long as it takes.
        With `size` the body is so many bytes, in pieces; else it is sent as JSON."""
        connection = UnixConnection(self._home.socket, self._reach)
        try:
            connection.connect()
            connection.sock.settimeout(timeout)
            if size is None:
                content = None if body is None else json.dumps(body).encode()
                connection.request(method, path, content)
            else:
                connection.send_pieces(method, path, size, cast(Iterable[bytes], body))
            with connection.getresponse() as response:  # it may outlive the connection
                if response.status != 200:
                    _raise_error(response)
                yield connection, response
        except (OSError, HTTPException) as error:
            raise self._unavailable(error) from error
        finally:
            connection.close()

    def _unavailable(self, error: Exception) -> UnavailableError:
        reason = str(error) or type(error).__name__
        return NoAnswerError(
            f"the controller of {self._home.name} does not answer ({reason})",
            "the next command for that node starts it again",
        )


@dataclass
class OutputStream:
    """A console from byte `offset` on."""

    offset: int
    _response: HTTPResponse
    _connection: UnixConnection

    def chunks(self) -> Iterator[bytes]:
        """Bytes as they come, until the run ends; UnavailableError if the controller goes."""
        while data := self._response.read1(1 << 20):
            self.offset += len(data)
            yield data

    def close(self) -> None:
        """End the stream, from any thread."""
        self._connection.shut_down()


class ChangeStream:
    """One item a change; `close` ends it, from any thread."""

    def __init__(
        self, connection: UnixConnection, unavailable: Callable[[Exception], UnavailableError]
    ) -> None:
        self._connection, self._unavailable = connection, unavailable

    def __iter__(self) -> Iterator[None]:
        try:
            with self._connection.getresponse() as response:
                while response.readline():
                    yield
        except (OSError, HTTPException) as error:
            raise self._unavailable(error) from error
        finally:
            self._connection.close()

    def close(self) -> None:
        self._connection.shut_down()


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _give_access(process: "subprocess.Popen[bytes]", access: bytes) -> None:
    """Through its standard input: what is secret stands in no argument and no file."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended; its exit code is told
        process.stdin.write(access)
        process.stdin.close()


def _raise_error(response: HTTPResponse) -> NoReturn:
    try:
        error = json.loads(response.read())["error"]
    except (ValueError, KeyError, TypeError):
        raise UnavailableError(f"the controller failed with HTTP {response.status}") from None
    kind = _ERRORS.get(error.get("kind", ""), UnavailableError)
    raise kind(error.get("message", "not found"), error.get("hint", ""))
