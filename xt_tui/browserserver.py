"""The pages and streams of the UI in a browser: those of textual-serve, with ends.

Each stream has an app of its own, a process. It ends with its stream, and all end with the server:
none is left behind, and who ends the server waits for none that does not answer.
"""

import asyncio
import contextlib
from typing import Any

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

_LEAVING_SECONDS = 10.0
_HEARTBEAT_SECONDS = 15.0


class BrowserApp(AppService):  # type: ignore[misc]
    """One app, and the stream that it draws to."""

    async def end(self) -> None:
        """Have it leave, or where it does not, kill it."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.stop()
                await process.wait()
                return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class BrowserServer(Server):  # type: ignore[misc]
    """What answers the requests of browsers; `guard` decides which."""

    def __init__(self, command: str, origin: str, guard: Any) -> None:
        # no shell stays between: the process that is started is the app, which can be killed
        super().__init__(f"exec {command}", title="XT", public_url=origin)
        self._guard = guard
        self._streams: set[asyncio.Task[Any]] = set()

    async def application(self) -> web.Application:
        """What the web server serves."""
        app: web.Application = await self._make_app()
        app.middlewares.append(self._guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: it does not listen yet."""

    async def on_shutdown(self, app: web.Application) -> None:
        """End the streams: the web server would wait a minute for their users to do so."""
        for task in self._streams:
            task.cancel()

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """The stream of a terminal."""
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        stream = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS)
        await stream.prepare(request)
        app = BrowserApp(
            self.command,
            write_bytes=stream.send_bytes,
            write_str=stream.send_str,
            close=stream.close,
            download_manager=self.download_manager,
        )
        try:
            await app.start(
                to_int(request.query.get("width", ""), 80),
                to_int(request.query.get("height", ""), 24),
            )
            await self._process_messages(stream, app)
        finally:
            await app.end()
            await stream.close()
        return stream
