"""What is asked of the controller of one node, wherever that is.

Nothing here waits for a controller that is gone (a dead one's socket refuses at once), nor for
ever for one that hangs.
"""

import contextlib
import json
import select
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any, NoReturn, cast
from urllib.parse import quote

import xt_core
from xt_core import clock
from xt_core.errors import (
    RefusedError,
    UnavailableError,
    UnknownNameError,
    UsageError,
    WorkFailedError,
    XTError,
)
from xt_core.nodes.http import UnixConnection
from xt_core.nodes.parcels import news_from_json
from xt_core.nodes.streams import ChangeStream, OutputStream, SampleStream
from xt_core.services.stores import RENEWED_FROM_SECONDS, StoreAccess
from xt_core.stats.store import Delivery

STATUS_SECONDS = 30.0
PROBE_SECONDS = 10.0
"""How long an answer that may take any time is waited for before it is asked whether the controller
lives at all."""
NOTE_SECONDS = 2.0
"""After so long the user is told what is waited for."""
_ERRORS: dict[str, type[XTError]] = {
    "usage": UsageError,
    "config": UsageError,
    "unknown-name": UnknownNameError,
    "refused": RefusedError,
    "work-failed": WorkFailedError,
}


class NoAnswerError(UnavailableError):
    """The controller has gone, or the way to it was lost, before it had answered."""


class UnresponsiveError(NoAnswerError):
    """The controller is there and does not answer: it hangs, or was stopped."""


Told = Callable[[str], None]
"""Told, once, that a node is lost or does not answer, and that it is there again."""


def nobody(_text: str) -> None:
    """For who does not want to know."""


class NodeClient(ABC):
    """Talks to the controller of one node. Thread-safe: each request has a connection."""

    def __init__(
        self,
        name: str,
        access: Callable[[], StoreAccess],
        node_access: Callable[[], StoreAccess],
        waiting: Told = nobody,
    ) -> None:
        """`access` is how the team's stores are reached from here, `node_access` what a controller
        gets to reach them; `waiting` is told, once, that the controller does not answer."""
        self.name = name
        self._access, self._node_access = access, node_access
        self._waiting, self._has_told = waiting, False

    @abstractmethod
    def ensure_running(self, gpu_split: int = 1) -> None:
        """Start the controller if none answers, or if the one that does is of another
        installation of XT.

        It leaves GPUs to `gpu_split` nodes: one that counts on fewer nodes is replaced.
        Raises UnavailableError if it cannot be started, and RefusedError if it is of a newer XT.
        """

    @abstractmethod
    def shut_down(self) -> None:
        """Let the controller end; runs live on, and the next controller finds them."""

    @abstractmethod
    def _connection(self, seconds: float | None = None) -> UnixConnection:
        """A connection to the controller's socket, not connected yet; connecting it may take so
        many `seconds`, where that takes long."""

    def is_running(self) -> bool:
        """Whether a controller answers."""
        connection = self._connection()
        try:
            connection.connect()
        except TimeoutError:  # it is there, and takes nobody on
            return True
        except OSError:
            return False
        finally:
            connection.close()
        return True

    @contextlib.contextmanager
    def _told_if_long(self, text: str) -> Iterator[None]:
        """What is done within may take long: then the user is told so, once until it answers."""
        timer = threading.Timer(NOTE_SECONDS, self._tell, (text,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _tell(self, text: str) -> None:
        if not self._has_told:
            self._has_told = True
            self._waiting(text)

    def _refuse_newer(self, version: str) -> None:
        """An older XT does not know what a newer one has written."""
        if _numbers(version) > _numbers(xt_core.__version__):
            raise RefusedError(
                f"the controller of {self.name} is of XT {version}, and this is "
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

    def _node(self) -> dict[str, Any] | None:
        """What the controller that answers says of its node."""
        try:
            return dict(self.status()["nodes"][0])
        except UnavailableError:
            return None

    # Requests ---------------------------------------------------------------------------

    def status(self, patience: float | None = None, *, of_machine: bool = False) -> dict[str, Any]:
        """The node and its living runs: see `xt status --json`. What is said of its machine's GPUs
        is not there, or seconds old, unless `of_machine`, which may take a second.

        Raises UnresponsiveError after `patience` seconds without an answer, UnavailableError where
        there is no controller.
        """
        timeout = STATUS_SECONDS if patience is None else patience
        path = "/status?machine=1" if of_machine else "/status"
        answer = self._request("GET", path, timeout=timeout)
        self._has_told = False
        return answer

    def take_up(self, job: str, assignment: str | None = None) -> None:
        """Tell the controller of a submitted job; with its `assignment`, as JSON, where the node
        does not reach the team's stats store."""
        self._request("POST", "/jobs", {"job": job, "assignment": assignment})

    def news(self, share: int = 1) -> tuple[list[Delivery], dict[str, Any]]:
        """What the node has that the client's store may not have yet, and the cursor to return
        when that was stored. A batch is an n-th of a whole one for a `share` of n."""
        with self._exchange("GET", f"/news?share={share}", None) as (_, response):
            return news_from_json(response.read())

    def took_news(self, cursor: dict[str, Any]) -> None:
        """The news up to a cursor were stored: they are not told again."""
        self._request("POST", "/news/taken", cursor)

    def tell_all_again(self) -> None:
        """Let the node tell all that it knows as news again."""
        self._request("POST", "/news/rewind", {})

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

    def restart(self, job: str, delay: float, runs: Sequence[str] | None = None) -> list[str]:
        """The service restart of a job's living runs, or those of them that are named; their
        names."""
        body: dict[str, Any] = {"delay": delay} | ({} if runs is None else {"runs": [*runs]})
        answer = self._request("POST", f"/jobs/{quote(job)}/restart", body)
        return [str(name) for name in answer["restarted"]]

    @contextlib.contextmanager
    def output(
        self, workspace: str, run: str, start: str, *, follow: bool = True
    ) -> Iterator[OutputStream]:
        """The console of a run of this node, without `follow` what there is of it by now. Raises
        UnknownNameError if it has none such."""
        path = f"/runs/{quote(workspace)}/{quote(run)}/output?from={quote(start)}&follow={follow:d}"
        with self._exchange("GET", path, None) as (connection, response):
            yield OutputStream(int(response.headers["X-Offset"]), response, connection)

    def samples(
        self,
        run: tuple[str, str] | None,
        after: float,
        *,
        follow: bool,
        patience: float = STATUS_SECONDS,
    ) -> SampleStream:
        """What a run (workspace, name) of this node uses, or with None what the machine does, of
        later than a time: what is known by now (waited for `patience` seconds at most), or with
        `follow` until the run has ended.

        The stream raises UnavailableError, and UnknownNameError for a run that does not live here.
        """
        path = "/system" if run is None else "/".join(["/runs", *map(quote, run), "system"])
        connection = self._reached(None if follow else patience)
        try:
            connection.connect()
            connection.sock.settimeout(None if follow else patience)
            connection.request("GET", f"{path}?after={after!r}&follow={follow:d}")
        except OSError as error:
            connection.close()
            raise self._unavailable(error) from error
        return SampleStream(connection, self._unavailable, self._raise_error)

    def has_ended(self, workspace: str, run: str) -> bool:
        """Whether the process of a run of this node has ended. Raises UnknownNameError."""
        answer = self._request("GET", f"/runs/{quote(workspace)}/{quote(run)}")
        return answer["run"]["ended"] is not None

    def changes(self) -> ChangeStream:
        """Iterates at once, and again after whatever changes; ends when the controller does.

        Raises UnavailableError, as the stream does when the controller is killed.
        """
        connection = self._reached()
        try:
            connection.request("GET", "/changes")
        except OSError as error:
            connection.close()
            raise self._unavailable(error) from error
        return ChangeStream(connection, self._unavailable, self._raise_error)

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
        """`timeout` seconds at most between two parts of the answer; None: as long as it takes, if
        the controller lives. With `size` the body is so many bytes, in pieces; else it is sent as
        JSON."""
        connection = self._reached(timeout)
        try:
            connection.connect()
            connection.sock.settimeout(timeout)
            if size is None:
                content = None if body is None else json.dumps(body).encode()
                connection.request(method, path, content)
            else:
                connection.send_pieces(method, path, size, cast(Iterable[bytes], body))
            if timeout is None:
                self._wait_for_answer(connection)
            with connection.getresponse() as response:  # it may outlive the connection
                if response.status != 200:
                    self._raise_error(response)
                yield connection, response
        except (OSError, HTTPException) as error:
            raise self._unavailable(error) from error
        finally:
            connection.close()

    def _reached(self, seconds: float | None = None) -> UnixConnection:
        """A connection, not connected yet. Raises NoAnswerError where there is no way to one."""
        try:
            return self._connection(seconds)
        except OSError as error:
            raise self._unavailable(error) from error

    def _wait_for_answer(self, connection: UnixConnection) -> None:
        """Wait until an answer begins: some take as long as a cancel's grace, or longer. Meanwhile
        the controller has to answer other questions. Raises UnavailableError if it does not."""
        watched = select.poll()
        watched.register(connection.sock, select.POLLIN)
        while not watched.poll(PROBE_SECONDS * 1000):
            with self._told_if_long(self._silence()):
                self.status()

    def _silence(self) -> str:
        return f"the controller of {self.name} does not answer; waiting for it"

    def _raise_error(self, response: HTTPResponse) -> NoReturn:
        try:
            error = json.loads(response.read())["error"]
        except (ValueError, KeyError, TypeError):
            message = f"the controller failed with HTTP {response.status}"
            raise UnavailableError(self._located(message)) from None
        kind = _ERRORS.get(error.get("kind", ""), UnavailableError)
        message = error.get("message", "not found")
        if kind not in (UsageError, UnknownNameError):
            message = self._located(message)
        raise kind(message, error.get("hint", ""))

    def _located(self, message: str) -> str:
        """What a controller tells of its machine, as the user here has to read it."""
        return message

    def _unavailable(self, error: Exception) -> UnavailableError:
        if isinstance(error, TimeoutError):
            return self._unresponsive()
        reason = str(error) or type(error).__name__
        if isinstance(error, HTTPException):  # it was cut off in the middle of its answer
            reason = "the connection was lost"
        return NoAnswerError(
            f"the controller of {self.name} does not answer ({reason})",
            "the next command for that node starts it again",
        )

    def _unresponsive(self) -> UnresponsiveError:
        return UnresponsiveError(
            f"the controller of {self.name} does not answer (timed out)",
            "xt status shows whether it does again",
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
