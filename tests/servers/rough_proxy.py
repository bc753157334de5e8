"""A TCP proxy of a bad network: bytes come late and in pieces, and connections break."""

import contextlib
import random
import socket
import threading
import time


class RoughProxy:
    """Forwards a port of loopback. Where its connections break differs by chance, as seeded."""

    def __init__(
        self, target: int, seed: int, *, delay: float = 0.0, cut_after: int | None = None
    ) -> None:
        """Each piece of 4 KiB at most takes up to `delay` seconds; a connection breaks, either
        way, after up to `cut_after` bytes (None: never)."""
        self.delay, self.cut_after = delay, cut_after
        self.cuts = 0
        self._target, self._chance = target, random.Random(seed)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        target = ("127.0.0.1", self._target)
        with contextlib.suppress(OSError), client, socket.create_connection(target) as server:
            back = threading.Thread(target=self._forward, args=(server, client), daemon=True)
            back.start()
            self._forward(client, server)
            back.join()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with self._lock:
            rest = None if self.cut_after is None else self._chance.randrange(self.cut_after)
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                with self._lock:
                    pause = self._chance.uniform(0, self.delay)
                time.sleep(pause)
                if rest is not None and len(data) > rest:
                    sink.sendall(data[:rest])
                    with self._lock:
                        self.cuts += 1
                    break
                rest = None if rest is None else rest - len(data)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
