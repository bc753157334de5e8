"""Controllers that hang: nobody waits for them without a word, nor for ever."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import SimpleQueue

import pytest

from xt_core.errors import UnavailableError
from xt_core.home import Home, NodeHome
from xt_core.nodes import heartbeat, requests
from xt_core.nodes.client import ControllerClient
from xt_core.nodes.heartbeat import Heartbeat
from xt_core.nodes.requests import UnresponsiveError
from xt_core.services.stores import StoreAccess

PATIENCE_SECONDS = 60.0
WAITS = "the controller of node0 does not answer; waiting for it"


class Controller(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers questions about its status unless it hangs, and a cancel when it is let."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Answers)
        self.lives, self.cancelled = threading.Event(), threading.Event()
        self.lives.set()
        self.asked: SimpleQueue[str] = SimpleQueue()


class Answers(BaseHTTPRequestHandler):
    server: Controller

    def do_GET(self) -> None:
        self.server.asked.put(self.path)
        self.server.lives.wait(PATIENCE_SECONDS)
        self._answer({"nodes": [{"name": "node0"}], "runs": []})

    def do_POST(self) -> None:
        self.server.cancelled.wait(PATIENCE_SECONDS)
        self._answer({})

    def _answer(self, document: dict[str, object]) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def home(tmp_path: Path) -> NodeHome:
    own = Home(tmp_path).node("node0")
    own.create()
    return own


@pytest.fixture
def controller(home: NodeHome) -> Iterator[Controller]:
    server = Controller(home.socket)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.lives.set()
    server.cancelled.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def client(home: NodeHome, told: list[str]) -> ControllerClient:
    return ControllerClient(home, {}, StoreAccess, waiting=told.append)


def test_one_that_takes_nobody_on_is_there_and_told_of(
    home: NodeHome, client: ControllerClient, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "NOTE_SECONDS", 0.01)
    assert not client.is_running()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.socket))
        listener.listen(2)
        for _ in range(3):  # as many as may wait, and more
            assert client.is_running()
            with pytest.raises(UnresponsiveError, match="is running but does not answer") as caught:
                client.ensure_running(patience=0.2)
    assert caught.value.hint.startswith("xt restart controller --hung node0 ends it")
    assert told == [WAITS]


def test_an_answer_may_take_long_as_long_as_its_controller_lives(
    controller: Controller, client: ControllerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "PROBE_SECONDS", 0.01)
    cancel = threading.Thread(target=client.cancel, kwargs={"everything": True})
    cancel.start()
    assert [controller.asked.get(timeout=PATIENCE_SECONDS) for _ in range(3)] == ["/status"] * 3
    assert cancel.is_alive()
    controller.cancelled.set()
    cancel.join(PATIENCE_SECONDS)
    assert not cancel.is_alive()


def test_one_that_begins_to_hang_while_it_is_waited_for_is_given_up(
    controller: Controller, client: ControllerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(requests, "STATUS_SECONDS", 0.1)
    controller.lives.clear()
    with pytest.raises(UnresponsiveError):
        client.cancel(everything=True)
    monkeypatch.setattr(requests, "PROBE_SECONDS", PATIENCE_SECONDS)
    controller.cancelled.set()
    client.cancel(everything=True)


def test_who_listens_is_told_once_that_it_hangs_and_that_it_does_no_more(
    controller: Controller, client: ControllerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "_PATIENCE_SECONDS", 0.1)
    news: SimpleQueue[str] = SimpleQueue()
    with Heartbeat(client, news.put) as beat:
        assert controller.asked.get(timeout=PATIENCE_SECONDS) == "/status"
        controller.lives.clear()
        first = news.get(timeout=PATIENCE_SECONDS)
        assert first.startswith("the controller of node0 is running but does not answer; waiting")
        assert beat.is_lost
        for _ in range(3):
            controller.asked.get(timeout=PATIENCE_SECONDS)
        controller.lives.set()
        second = news.get(timeout=PATIENCE_SECONDS)
        assert second == "the controller of node0 answers again"
    assert news.empty()


def test_one_that_has_gone_is_no_matter_of_the_heartbeat(
    client: ControllerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "QUIET_SECONDS", 0.0)
    news: SimpleQueue[str] = SimpleQueue()
    with Heartbeat(client, news.put) as beat:
        beat._thread.join(PATIENCE_SECONDS)
        assert not beat._thread.is_alive()
    assert news.empty()
    with pytest.raises(UnavailableError, match="does not answer"):
        client.status()
