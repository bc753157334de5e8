"""A TCP proxy that is the network between two machines: it can break, fall silent, and be slow."""

import contextlib
import socket
import threading
import time


class LinkProxy:
    """Forwards a port of loopback to another address."""

    def __init__(self, host: str, port: int, delay: float = 0.0) -> None:
        """Each piece of 64 KiB at most takes `delay` seconds, either way."""
        self._target, self._delay = (host, port), delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open = threading.Event()
        self._open.set()
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._allowance: int | None = None
        self.connections = 0
        """How many there have been."""
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self) -> None:
        """Let nothing through any more, and tell nobody: a cable is pulled."""
        self._open.clear()

    def silence_after(self, size: int) -> None:
        """Fall silent as soon as so many more bytes have come through, both ways together."""
        with self._lock:
            self._allowance = size

    @property
    def is_silent(self) -> bool:
        return not self._open.is_set()

    def resume(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Break all connections; new ones are taken."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self._open.set()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._target) as server:
            with self._lock:
                self._ends += [client, server]
                self.connections += 1
            back = threading.Thread(target=self._forward, args=(server, client), daemon=True)
            back.start()
            self._forward(client, server)
            back.join()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._open.wait()
                time.sleep(self._delay)
                sink.sendall(data)
                self._spend(len(data))
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _spend(self, size: int) -> None:
        with self._lock:
            if self._allowance is None:
                return
            self._allowance -= size
            if self._allowance <= 0:
                self._allowance = None
                self._open.clear()
