"""The routes that tell samples of what runs and the machine use: one JSON object a line."""

import asyncio
import json
import math
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from aiohttp import web

from controller.service import ControllerService
from xt_core.errors import UsageError
from xt_core.model.samples import Sample, samples_from


def system_routes(service: ControllerService) -> list[web.RouteDef]:
    """All of them, bound to a controller."""
    routes = SystemRoutes(service)
    return [
        web.get("/system", routes.machine),
        web.get("/runs/{workspace}/{run}/system", routes.run),
    ]


class SystemRoutes:
    """One method a route."""

    def __init__(self, service: ControllerService) -> None:
        self._service = service

    async def machine(self, request: web.Request) -> web.StreamResponse:
        """Samples of the machine of the last hour; with `follow` for ever."""
        after = _after(request)

        async def newer() -> list[Sample]:
            nonlocal after
            found = self._service.sampler.machine(after)
            after = found[-1].time if found else after
            return found

        return await self._tell(request, newer, lambda: True)

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Samples of a living run; with `follow` until it has ended."""
        names = request.match_info["workspace"], request.match_info["run"]
        path = self._service.samples_file(*names)
        if path is None:
            raise web.HTTPNotFound(text=json.dumps({"error": {"kind": "unknown-name"}}))
        tail = _Tail(path, _after(request))

        async def newer() -> list[Sample]:
            return await asyncio.to_thread(tail.newer)

        return await self._tell(
            request, newer, lambda: self._service.samples_file(*names) is not None
        )

    async def _tell(
        self,
        request: web.Request,
        newer: Callable[[], Awaitable[list[Sample]]],
        lives: Callable[[], bool],
    ) -> web.StreamResponse:
        sampler = self._service.sampler
        follow = request.query.get("follow", "0") != "0" and sampler.interval > 0
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await _write(response, await newer())
        while follow and lives():
            await sampler.sampled.wait()
            await _write(response, await newer())
        await response.write_eof()
        return response


class _Tail:
    """Reads on in a file of samples, which may be written anew meanwhile."""

    def __init__(self, path: Path, after: float) -> None:
        self._path, self._after = path, after
        self._inode, self._offset = 0, 0

    def newer(self) -> list[Sample]:
        """The samples that have come."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode:
                    self._inode, self._offset = status.st_ino, 0
                file.seek(self._offset)
                content = file.read()
        except OSError:  # none yet, or the run has ended
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        found = samples_from(whole.splitlines(), self._after)
        self._after = found[-1].time if found else self._after
        return found


async def _write(response: web.StreamResponse, samples: Iterable[Sample]) -> None:
    if lines := "".join(sample.to_line() for sample in samples):
        await response.write(lines.encode())


def _after(request: web.Request) -> float:
    text = request.query.get("after", "-inf")
    try:
        after = float(text)
    except ValueError:
        after = math.nan
    if math.isnan(after):
        raise UsageError(f"after is {text!r}, not a time in seconds since 1970")
    return after
