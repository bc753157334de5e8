"""The UI in a browser: a web server on the loopback address that wants a token.

The token is made anew at each start and comes in the URL that is printed; the browser keeps it as a
cookie. Without it nothing is answered, neither a page nor the stream of a terminal. Requests that
another site's page makes are refused, also those of the user's own browser.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from xt_core.errors import UnavailableError, UsageError

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer: nothing of it is kept, shown within another page, or told to another site."""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def token_guard(token: str, origin: str) -> Any:
    """A middleware that lets through who has the token and comes from `origin`."""
    name = cookie_name(origin)

    def is_right(given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), token.encode())

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if f"http://{request.host}" != origin or request.headers.get("Origin", origin) != origin:
            raise web.HTTPForbidden(text="xt answers its own pages only\n", headers=_HEADERS)
        if is_right(request.query.get("token")):  # put away: the address bar is seen by others
            answer = web.HTTPFound("/", headers=_HEADERS)
            answer.set_cookie(name, token, httponly=True, samesite="Strict")
            raise answer
        if not is_right(request.cookies.get(name)):
            text = "the token is missing: use the URL that xt printed\n"
            raise web.HTTPForbidden(text=text, headers=_HEADERS)
        response = await handler(request)
        if not response.prepared:  # as the stream of a terminal is
            response.headers.update(_HEADERS)
        return response

    return guard


def cookie_name(origin: str) -> str:
    """One for each port: browsers send cookies of a host to all of its ports."""
    return f"xt_token_{origin.rpartition(':')[2]}"


def serve(command: str, port: int) -> None:
    """Serve what a command shows, until it is interrupted; the URL goes to standard output.

    Raises UsageError without the library, UnavailableError where the port is taken.
    """
    try:
        from textual_serve.server import Server
    except ImportError:
        hint = "pip install 'xt[serve]'"
        raise UsageError("--serve needs the library textual-serve", hint) from None
    token, origin = secrets.token_urlsafe(24), f"http://{HOST}:{port}"

    class Guarded(Server):  # type: ignore[misc]
        """The library's server, behind the guard."""

        async def _make_app(self) -> web.Application:
            app: web.Application = await super()._make_app()
            app.middlewares.append(token_guard(token, origin))
            return app

        async def on_startup(self, app: web.Application) -> None:
            print(f"{origin}/?token={token}", flush=True)

        def initialize_logging(self) -> None:
            """Only what goes wrong: requests hold the token."""
            logging.basicConfig(level=logging.WARNING)

    try:
        Guarded(command, HOST, port, title="XT", public_url=origin).serve()
    except OSError as error:
        hint = "name another port, as in xt tui --serve 8601"
        raise UnavailableError(f"cannot listen at {HOST}:{port}: {error.strerror}", hint) from None
