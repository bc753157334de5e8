"""The controller's HTTP API over its Unix socket. See docs/controller-api.md."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from controller.artifactroutes import artifact_routes
from controller.service import ControllerService
from controller.systemroutes import system_routes
from xt_core.errors import UsageError, XTError
from xt_core.nodes.parcels import assignment_from_json, cursor_from
from xt_core.nodes.positions import is_start
from xt_core.services.stores import StoreAccess

_STATUS_OF_KIND = {"usage": 400, "config": 400, "unknown-name": 404, "refused": 403}
_CHANGE_PAUSE_SECONDS = 0.1
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(service: ControllerService) -> web.Application:
    """All routes, bound to a controller."""
    api = ControllerApi(service)
    app = web.Application(middlewares=[errors_as_json])
    app.add_routes(
        [
            web.get("/status", api.status),
            web.post("/jobs", api.take_up_job),
            web.post("/jobs/{job}/restart", api.restart_job),
            web.post("/cancel", api.cancel),
            web.post("/access", api.renew_access),
            web.get("/news", api.news),
            web.post("/news/taken", api.take_news),
            web.post("/news/rewind", api.rewind_news),
            web.get("/changes", api.changes),
            web.get("/runs/{workspace}/{run}", api.run),
            web.get("/runs/{workspace}/{run}/output", api.output),
            web.post("/shutdown", api.shutdown),
        ]
    )
    app.add_routes(artifact_routes(service.node.home, service.node.artifacts))
    app.add_routes(system_routes(service))
    return app


class ControllerApi:
    """One method a route."""

    def __init__(self, service: ControllerService) -> None:
        self._service = service

    async def status(self, request: web.Request) -> web.Response:
        await self._service.machine.refresh(may_wait="machine" in request.query)
        return web.json_response(self._service.status())

    async def take_up_job(self, request: web.Request) -> web.Response:
        body = await _body(request)
        job, assignment = _text(body, "job"), body.get("assignment")
        if assignment is not None:
            await asyncio.shield(self._service.assign(assignment_from_json(assignment)))
        await asyncio.shield(self._service.accept(job))
        return web.json_response({"job": job})

    async def news(self, request: web.Request) -> web.Response:
        """What the client that keeps the team's stats store may not have yet."""
        share = request.query.get("share", "1")
        if not share.isdecimal() or share == "0":
            raise UsageError(f"share is {share!r}, not a whole number from 1 on")
        text = await asyncio.to_thread(self._service.news().next_batch, int(share))
        return web.Response(text=text, content_type="application/json")

    async def take_news(self, request: web.Request) -> web.Response:
        body = await _body(request)
        try:
            cursor = cursor_from(body)
        except (KeyError, TypeError, ValueError):
            raise UsageError("the request is no cursor of news") from None
        await asyncio.to_thread(self._service.news().take, cursor)
        return web.json_response({})

    async def rewind_news(self, _request: web.Request) -> web.Response:
        await asyncio.to_thread(self._service.news().rewind)
        return web.json_response({})

    async def restart_job(self, request: web.Request) -> web.Response:
        body = await _body(request)
        delay, named = _number(body, "delay", 0.0) or 0.0, body.get("runs")
        runs = None if named is None else [str(name) for name in named]
        job = request.match_info["job"]
        restarted = await asyncio.shield(self._service.restart_job(job, delay, runs))
        await self._service.settle()
        return web.json_response({"restarted": restarted})

    async def cancel(self, request: web.Request) -> web.Response:
        """Answers once everything named has ended."""
        body = await _body(request)
        grace = _number(body, "grace", None)
        jobs = [str(name) for name in body.get("jobs", [])]
        runs = [(str(workspace), str(run)) for workspace, run in body.get("runs", [])]
        work = [self._service.cancel_jobs(jobs, grace), self._service.cancel_runs(runs, grace)]
        if body.get("all"):
            work.append(self._service.cancel_node(grace))
        # The work goes on when the client does not wait for it.
        await asyncio.shield(asyncio.gather(*work))
        await self._service.settle()
        return web.json_response({})

    async def renew_access(self, request: web.Request) -> web.Response:
        """Its body holds what is secret, and is in no log."""
        body = await _body(request)
        try:
            access = StoreAccess.from_json(json.dumps(body))
        except (KeyError, TypeError, AttributeError):
            raise UsageError("the request is not the access to a team's stores") from None
        self._service.renew_access(access)
        return web.json_response({})

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """A line ``{}`` at once, and another whenever something changed, until the client goes."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        while True:
            await response.write(b"{}\n")
            await self._service.bell.wait()
            await asyncio.sleep(_CHANGE_PAUSE_SECONDS)  # changes come in swarms

    async def run(self, request: web.Request) -> web.Response:
        """The run as this node knows it, which may be more than its team knows."""
        names = request.match_info["workspace"], request.match_info["run"]
        return web.json_response({"run": await self._service.run(*names)})

    async def output(self, request: web.Request) -> web.StreamResponse:
        """The run's console from a position on; ends with the run. Bytes, exactly."""
        workspace, run = request.match_info["workspace"], request.match_info["run"]
        feed = self._service.feed(workspace, run)
        if feed is None:
            feed = await self._service.stored_feed(workspace, run)
        if feed is None:
            raise web.HTTPNotFound(text=json.dumps({"error": {"kind": "unknown-name"}}))
        start = request.query.get("from", "start")
        if not is_start(start):
            raise UsageError(f"{start!r} is no start position", "give start, end, -N or @BYTE")
        stream = feed.stream(start, request.query.get("follow", "1") != "0")
        offset, _ = await anext(stream)
        headers = {"Content-Type": "application/octet-stream", "X-Offset": str(offset)}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        async for _, data in stream:
            await response.write(data)
        await response.write_eof()
        return response

    async def shutdown(self, _request: web.Request) -> web.Response:
        """Runs live on; the next controller finds them."""
        self._service.shutdown_requested.set()
        return web.json_response({})


@web.middleware
async def errors_as_json(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConnectionResetError:
        return web.Response()  # a client that detached
    except XTError as error:
        content = {"kind": error.kind, "message": error.message, "hint": error.hint}
        status = _STATUS_OF_KIND.get(error.kind, 503)
        return web.json_response({"error": content}, status=status)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise UsageError(f"the request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UsageError("the request must be a JSON object")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise UsageError(f"the request must name a {name}")
    return value


def _number(body: dict[str, Any], name: str, default: float | None) -> float | None:
    value = body.get(name, default)
    if value is None or (isinstance(value, int | float) and value >= 0):
        return value
    raise UsageError(f"{name} must be a number of seconds, not {value!r}")
