"""A TCP proxy that cuts connections when the answer comes: the request was done, and unheard."""

import contextlib
import socket
import threading


class FlakyProxy:
    """Forwards a port of loopback. After `cut_next(word)`, the answer to the next request that has
    the word never comes: its connection ends instead."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._word: bytes | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next(self, word: bytes) -> None:
        with self._lock:
            self._word = word

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """A connection's requests and answers, which alternate."""
        target = ("127.0.0.1", self._target)
        with (
            contextlib.suppress(OSError),
            client,
            socket.create_connection(target) as server,
        ):
            while request := _message(client):
                server.sendall(request)
                answer = _message(server)
                if self._is_to_be_cut(request):
                    return
                client.sendall(answer)

    def _is_to_be_cut(self, request: bytes) -> bool:
        with self._lock:
            if self._word is None or self._word not in request:
                return False
            self._word = None
            self.cuts += 1
            return True


def _message(source: socket.socket) -> bytes:
    """One message of MongoDB's protocol, which begins with its length."""
    data = _exactly(source, 4)
    return data + _exactly(source, int.from_bytes(data, "little") - 4) if data else b""


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = source.recv(size - len(data))
        if not part:
            return b""
        data += part
    return data
