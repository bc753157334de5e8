"""The UI in browsers: a real server, its real apps, and what browsers send them."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import (
    ClientSession,
    ClientWebSocketResponse,
    CookieJar,
    WSMsgType,
    WSServerHandshakeError,
)
from servers.process import free_port
from support import PATIENCE_SECONDS, Xt, wait_until

from xt_tui.serving import HOST, cookie_name

_LISTENS = "0A"


@dataclass
class Served:
    """A server that runs: its process, and what it has printed."""

    process: "subprocess.Popen[str]"
    origin: str
    token: str

    def children(self) -> list[int]:
        """The processes of apps, one for each stream."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def told(self) -> str:
        """What else it has printed until it ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read()


@pytest.fixture
async def served(xt: Xt) -> AsyncIterator[Served]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "xt_core", "tui", "--serve", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        cwd=xt.code,
        env=xt.environ,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    found = re.fullmatch(rf"(http://{HOST}:{port})/\?token=([\w-]{{32}})\n", line)
    assert found, line
    yield Served(process, found[1], found[2])
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


class Browser:
    """One that has opened the page, and has the stream of a terminal."""

    def __init__(self, stream: ClientWebSocketResponse) -> None:
        self._stream = stream
        self.shown = ""

    async def press(self, keys: str) -> None:
        await self._stream.send_json(["stdin", keys])

    async def sees(self, text: str) -> None:
        """Wait until the app has drawn a text."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.shown:
                message = await self._stream.receive()
                assert message.type is WSMsgType.BINARY, message
                self.shown += re.sub(r"\x1b\[[0-?]*[@-~]", "", message.data.decode())

    async def is_told_of_end(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await self._stream.receive()).type is WSMsgType.BINARY:
                pass
        assert self._stream.closed


@contextlib.asynccontextmanager
async def browser(served: Served) -> AsyncIterator[Browser]:
    """The steps of one: the URL that was printed, the page, its stream."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        async with client.get(f"{served.origin}/?token={served.token}") as answer:
            assert answer.status == 200
            assert served.token not in await answer.text()
        async with client.get(served.origin) as answer:
            page = await answer.text()
            address = re.search(r'data-session-websocket-url="([^"]+)"', page)
            assert address, page
            assert served.token not in page
            sources = re.findall(r'(?:src|href)="([^"]+)"', page)
            policy = answer.headers["Content-Security-Policy"]
        own = [source for source in sources if source.startswith(served.origin)]
        assert len(own) >= 2
        assert "default-src 'none'" in policy, "what the page wants of other machines is refused"
        for source in own:
            async with client.get(source) as answer:
                assert answer.status == 200
        headers = {"Origin": served.origin}
        url = f"{address[1]}?width=120&height=36"
        async with client.ws_connect(url, headers=headers) as stream:
            yield Browser(stream)


async def test_browsers_open_the_ui_each_its_own_and_a_signal_ends_them_all(
    served: Served,
) -> None:
    async with browser(served) as first, browser(served) as second:
        await first.sees("xt demo")
        await second.sees("xt demo")
        apps = served.children()
        assert len(apps) == 2
        await first.press("?")
        await first.sees("type to search")
        assert "type to search" not in second.shown
        lines = {Path(f"/proc/{pid}/cmdline").read_text() for pid in apps}
        assert lines == {"\0".join([sys.executable, "-m", "xt_core", "tui", ""])}
        for pid in (served.process.pid, *apps):
            for file in ("cmdline", "environ"):
                assert served.token.encode() not in Path(f"/proc/{pid}/{file}").read_bytes()
        await first.press("\x07")  # ctrl+g closes the help
        await first.press("q")
        await first.is_told_of_end()
        wait_until(lambda: len(served.children()) == 1, "one app to end")
        await second.press("?")
        await second.sees("type to search")
        served.process.send_signal(signal.SIGTERM)
        await second.is_told_of_end()
    assert await asyncio.to_thread(served.process.wait, PATIENCE_SECONDS) == 0
    assert [pid for pid in apps if Path(f"/proc/{pid}").exists()] == []
    assert served.told() == ""


async def test_only_who_has_the_token_is_let_in_and_only_from_this_machine(
    served: Served,
) -> None:
    port = int(served.origin.rpartition(":")[2])
    listening = set[str]()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                listening.add(local)
    assert listening == {f"0100007F:{port:04X}"}, "the loopback address alone"
    name = cookie_name(served.origin)
    for path in ("/", "/?token=wrong", "/static/js/textual.js", "/download/x"):
        async with ClientSession() as client, client.get(served.origin + path) as answer:
            assert answer.status == 403
    wrong: list[tuple[str, dict[str, str]]] = [
        ("wrong", {}),
        (served.token, {"Origin": "http://evil.example"}),
        (served.token, {"Host": f"evil.example:{port}"}),
    ]
    for token, headers in wrong:
        async with ClientSession(
            cookies={name: token}, cookie_jar=CookieJar(unsafe=True)
        ) as client:
            with pytest.raises(WSServerHandshakeError, match="403"):
                await client.ws_connect(f"{served.origin}/ws", headers=headers)
    assert served.children() == []
    os.killpg(served.process.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
    assert await asyncio.to_thread(served.process.wait, PATIENCE_SECONDS) == 0
