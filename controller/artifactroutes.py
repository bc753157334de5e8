"""Routes by which a client that keeps its team's artifacts exchanges them with this node."""

import asyncio
import json
from typing import Any

from aiohttp import web

from controller.homebound import HomeboundOutbox, Wish
from controller.inputs import NodeInputs, Offer
from controller.outbox import NodeArtifacts
from controller.receiving import Receiver
from xt_core.errors import UnavailableError, UsageError
from xt_core.home import NodeHome
from xt_core.nodes.contents import Content
from xt_core.nodes.frames import HEAD_LENGTH, head_size
from xt_core.submit.snapshot.parts import Recipe

_BLOCK_BYTES = 1 << 20
_SILENT_SECONDS = 20.0


def artifact_routes(home: NodeHome, artifacts: NodeArtifacts) -> list[web.RouteDef]:
    """All routes of this kind, bound to a node."""
    routes = ArtifactRoutes(home, artifacts)
    return [
        web.post("/outbox/fetch", routes.fetch),
        web.post("/outbox/arrived", routes.arrived),
        web.post("/inputs/offer", routes.offer),
        web.post("/inputs/lacking", routes.lacking),
        web.post("/inputs/contents", routes.contents),
        web.post("/inputs/code", routes.code),
    ]


class ArtifactRoutes:
    """One method a route. See docs/controller-api.md."""

    def __init__(self, home: NodeHome, artifacts: NodeArtifacts) -> None:
        self._homebound = artifacts if isinstance(artifacts, HomeboundOutbox) else None
        self._node_inputs: NodeInputs | None = None
        if self._homebound is not None:
            self._node_inputs = NodeInputs(home, self._homebound)

    # From this node ---------------------------------------------------------------------

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """What the client gets next, as frames; the first tells how much waits."""
        outbox, body = self._outbox, await _body(request)
        try:
            begun = [(str(name), int(number), int(size)) for name, number, size in body["begun"]]
            skipped = {int(number) for number in body["skipped"]}
        except (KeyError, TypeError, ValueError):
            raise _not_understood() from None
        here = {number: size for name, number, size in begun if name == outbox.name}
        blocks = (await asyncio.to_thread(outbox.waiting, Wish(skipped, here))).blocks()
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        while block := await asyncio.to_thread(next, blocks, b""):
            await response.write(block)
        await response.write_eof()
        return response

    async def arrived(self, request: web.Request) -> web.Response:
        """The client's store has these entries."""
        outbox, body = self._outbox, await _body(request)
        try:
            entries = [(str(key), int(number)) for key, number in body["entries"]]
        except (KeyError, TypeError, ValueError):
            raise _not_understood() from None
        if body.get("outbox") == outbox.name:
            await asyncio.to_thread(outbox.remove, entries)
        return web.json_response({})

    # To this node -----------------------------------------------------------------------

    async def offer(self, request: web.Request) -> web.Response:
        """What the node lacks of a job's inputs; they are kept if that is nothing."""
        inputs, offer = self._inputs, Offer.parse(await _body(request))
        return web.json_response(await asyncio.to_thread(inputs.offer, offer))

    async def lacking(self, request: web.Request) -> web.Response:
        """Which contents are not here, by their indices, and how much of them is."""
        inputs, body = self._inputs, await _body(request)
        contents = _contents(body, offset=False)
        found = await inputs.lacking(str(body.get("kind")), contents)
        return web.json_response({"lacking": found})

    async def contents(self, request: web.Request) -> web.Response:
        """A frame of contents. What had come of them when the client goes is kept."""
        inputs, stream = self._inputs, _Blocks(request)
        head = await stream.head()
        kind, contents = str(head.get("kind")), _contents(head, offset=True)
        async with inputs.arriving(kind, contents):
            receiver = await asyncio.to_thread(Receiver, inputs.room(kind), contents)
            try:
                while block := await stream.block():
                    await asyncio.to_thread(receiver.feed, block)
            finally:
                await asyncio.shield(asyncio.to_thread(receiver.close))
        self._prune(inputs)
        return web.json_response({})

    async def code(self, request: web.Request) -> web.Response:
        """A zip is to be put together of parts."""
        inputs, body = self._inputs, await _body(request)
        try:
            code = Content.parse([body["digest"], 0, 0])
            recipe = Recipe.from_json(str(body["recipe"]))
        except (KeyError, TypeError, ValueError):
            raise _not_understood() from None
        await asyncio.to_thread(inputs.put_together, code.digest, recipe)
        self._prune(inputs)
        return web.json_response({})

    def _prune(self, inputs: NodeInputs) -> None:
        """Something new has come: make room, while the client goes on."""
        asyncio.get_running_loop().run_in_executor(None, inputs.prune)

    @property
    def _outbox(self) -> HomeboundOutbox:
        if self._homebound is None:
            raise UsageError(
                "this node reaches its team's artifact store by itself",
                "what it has made is there as soon as that answers: xt list blobs",
            )
        return self._homebound

    @property
    def _inputs(self) -> NodeInputs:
        if self._node_inputs is None:
            raise UsageError(
                "this node reaches its team's artifact store by itself", "bring it nothing"
            )
        return self._node_inputs


class _Blocks:
    """The body of a request in blocks of some size, as it comes."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content

    async def head(self) -> dict[str, Any]:
        """What the body begins with. Raises UsageError."""
        try:
            prefix = await self._content.readexactly(HEAD_LENGTH.size)
            return dict(json.loads(await self._content.readexactly(head_size(prefix))))
        except (asyncio.IncompleteReadError, ValueError, TypeError):
            raise _not_understood() from None

    async def block(self) -> bytes:
        """The next bytes; none at the end. Raises UnavailableError for a client that has fallen
        silent: its contents are for another to bring."""
        block = bytearray()
        while len(block) < _BLOCK_BYTES:
            try:
                async with asyncio.timeout(_SILENT_SECONDS):
                    data = await self._content.readany()
            except TimeoutError:
                raise UnavailableError("nothing has come for long", "submit again") from None
            if not data:
                break
            block += data
        return bytes(block)


async def _body(request: web.Request) -> dict[str, Any]:
    # A list of some 100,000 contents is more than the 1 MiB that `request.read` permits.
    data = await request.content.read()
    try:
        body = json.loads(data or b"{}")
    except ValueError as error:
        raise UsageError(f"the request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UsageError("the request must be a JSON object")
    return body


def _contents(body: dict[str, Any], *, offset: bool) -> list[Content]:
    values = body.get("contents")
    if not isinstance(values, list):
        raise _not_understood()
    return [Content.parse(value if offset else [*value, 0]) for value in values]


def _not_understood() -> UsageError:
    return UsageError("the request is not what this XT understands", "upgrade XT on both sides")
