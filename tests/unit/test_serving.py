"""The UI in a browser: nothing is answered without the token, or to another site's page."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, CookieJar, web

from xt_core.cli.main import main
from xt_tui.serving import HOST, cookie_name, token_guard

TOKEN = "right"


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    """The address of a guarded server that answers "the page"."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="the page")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/ws", page)])
    runner = web.AppRunner(app)
    app.middlewares.append(late_guard := LateGuard())
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port = runner.addresses[0][1]
    late_guard.guard = token_guard(TOKEN, f"http://{HOST}:{port}")
    yield f"http://{HOST}:{port}"
    await runner.cleanup()


class LateGuard:
    """The guard of a server whose port is known only once it listens."""

    __middleware_version__ = 1
    guard: object = None

    async def __call__(self, request: web.Request, handler: object) -> web.StreamResponse:
        answer: web.StreamResponse = await self.guard(request, handler)  # type: ignore[operator]
        return answer


async def test_without_the_token_nothing_is_answered(origin: str) -> None:
    async with ClientSession() as client:
        for path in (
            "/",
            "/ws",
            "/?token=wrong",
            "/?token=",
            "/?token=%FF",
            "/?token=%ED%A0%80",
            "/none",
        ):
            async with client.get(origin + path) as answer:
                assert answer.status == 403
                assert answer.headers["Cache-Control"] == "no-store"
                assert "the page" not in await answer.text()


async def test_the_token_is_put_away_in_a_cookie_that_opens_all(origin: str) -> None:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        async with client.get(f"{origin}/?token={TOKEN}") as answer:
            assert 'content="0;url=/"' in await answer.text(), "it goes on without the token"
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            told = answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]
            assert told == ("no-referrer", "no-store"), "the URL held the token"
        async with client.get(f"{origin}/ws") as answer:
            assert (answer.status, await answer.text()) == (200, "the page")
            policy = answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy
            assert f"connect-src 'self' ws://{origin.removeprefix('http://')};" in policy


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}], ids=str
)
async def test_another_sites_page_is_refused_though_the_browser_has_the_cookie(
    origin: str, headers: dict[str, str]
) -> None:
    async with (
        ClientSession(
            cookies={cookie_name(origin): TOKEN}, cookie_jar=CookieJar(unsafe=True)
        ) as client,
        client.get(f"{origin}/ws", headers=headers) as answer,
    ):
        assert answer.status == 403


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_a_port_must_be_one(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tui", "--serve", port]) == 2
    assert "argument --serve" in capsys.readouterr().err
