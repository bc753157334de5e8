"""The UI in a browser: a web server on the loopback address that wants a token.

The token is made anew at each start and comes in the URL that is printed; the browser keeps it as a
cookie. Without it nothing is answered, neither a page nor the stream of a terminal. Requests that
another site's page makes are refused, also those of the user's own browser, and so are those to
another name of this address. A page takes nothing from other machines.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from xt_core.errors import UnavailableError, UsageError

HOST = "127.0.0.1"
_ENTRANCE = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>XT</title>\n'
"""Goes on to the page. A redirect would not do: where the URL was followed from another site, as
from a terminal in a browser, no strict cookie would come with it."""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _headers(origin: str) -> dict[str, str]:
    """Of every answer: nothing of it is kept, shown within another page, or told to another site,
    and it takes nothing from one."""
    stream = origin.replace("http:", "ws:")
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self' 'unsafe-inline';"
            " style-src 'self' 'unsafe-inline';"
            f" img-src 'self' data:; font-src 'self' data:; connect-src 'self' {stream};"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def token_guard(token: str, origin: str) -> Any:
    """A middleware that lets through who has the token and comes from `origin`."""
    name, own = cookie_name(origin), _headers(origin)

    def is_right(given: str | None) -> bool:
        if given is None:
            return False
        return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if f"http://{request.host}" != origin or request.headers.get("Origin", origin) != origin:
            raise web.HTTPForbidden(text="xt answers its own pages only\n", headers=own)
        if is_right(request.query.get("token")):  # put away: the address bar is seen by others
            answer = web.Response(text=_ENTRANCE, content_type="text/html", headers=own)
            answer.set_cookie(name, token, httponly=True, samesite="Strict")
            return answer
        if not is_right(request.cookies.get(name)):
            text = "the token is missing: use the URL that xt printed\n"
            raise web.HTTPForbidden(text=text, headers=own)
        response = await handler(request)
        if not response.prepared:  # as the stream of a terminal is
            response.headers.update(own)
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
        from xt_tui.browserserver import BrowserServer
    except ImportError:
        hint = "pip install 'xt[serve]'"
        raise UsageError("--serve needs the library textual-serve", hint) from None
    token, origin = secrets.token_urlsafe(24), f"http://{HOST}:{port}"

    def tell(_: str) -> None:
        """It listens."""
        print(f"{origin}/?token={token}", flush=True)

    logging.basicConfig(level=logging.WARNING)  # only what goes wrong: requests hold the token
    server = BrowserServer(command, origin, token_guard(token, origin))
    try:
        web.run_app(server.application(), host=HOST, port=port, print=tell, access_log=None)
    except OSError as error:
        hint = "name another port, as in xt tui --serve 8601"
        raise UnavailableError(f"cannot listen at {HOST}:{port}: {error.strerror}", hint) from None
