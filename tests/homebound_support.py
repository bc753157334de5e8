"""A node whose team's artifacts are kept by a client: its routes on a socket of their own, in this
process, so that a test can look into it and change it."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from controller.api import errors_as_json
from controller.artifactroutes import artifact_routes
from controller.homebound import HomeboundOutbox
from controller.outbox import NodeArtifacts
from xt_core.artifacts.directory import DirectoryStore
from xt_core.home import Home
from xt_core.nodes.client import ControllerClient
from xt_core.nodes.homebound import Brought, bring_artifacts_home
from xt_core.nodes.inputs import send_inputs
from xt_core.services.stores import HomeAccess, StoreAccess
from xt_core.shares.cache import ShareCache
from xt_core.shares.upload import upload_folder
from xt_core.shares.use import DOWNLOAD, ShareUse
from xt_core.submit.mrc import MultiRunConfig, NodeContext
from xt_core.submit.snapshot.sources import SnapshotSpec
from xt_core.submit.snapshot.taking import take_snapshot

NODE = "gpu1"
ACCESS = StoreAccess(artifacts=HomeAccess("laptop:/home/alice/.xt"))


def nobody(_done: int, _total: int) -> None:
    """Is told of nothing."""


class Laptop:
    """The client's side: its artifacts, and the code and data of jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.artifacts = folder, DirectoryStore(folder / "artifacts")
        self.code, self.data = folder / "code", folder / "data"
        self.arriving = folder / "arriving"
        self.jobs = 0

    def write(self, folder: Path, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    def submission(self) -> MultiRunConfig:
        """The MRC of the next job, which has the code and data there are."""
        self.jobs += 1
        context = NodeContext("run1")
        if self.code.is_dir():
            context.code = f"ws1/jobs/job{self.jobs}/before/code.zip"
            snapshot = take_snapshot(SnapshotSpec(self.code), self.folder / "code.zip")
            self.artifacts.put_shared(context.code, snapshot.path, snapshot.digest)
            context.code_digest = snapshot.digest
        if self.data.is_dir():
            context.shares = {"data": self.use()}
        commands = [["sh", "run.sh"]]
        given = (f"job{self.jobs}", "ws1", "exper1", "single", "alice", "lab", 1, commands)
        search = {"runs": None, "max_runs": None, "search_type": None, "seed": 1}
        return MultiRunConfig(*given, search=search, nodes={NODE: context})

    def use(self) -> ShareUse:
        hashes = self.folder / "hashes.json"
        root = "_data/mnist"
        version = upload_folder(self.artifacts, root, self.data, [], hashes, lambda _: None).version
        return ShareUse(DOWNLOAD, share="mnist", root=root, manifest=version.manifest)

    def contents(self) -> dict[str, bytes]:
        """The artifacts that have come from runs."""
        prefix = "ws1/runs"
        return {
            info.key.removeprefix(f"{prefix}/"): self.artifacts.get_bytes(info.key)
            for info in self.artifacts.list(prefix)
        }


class ServedNode:
    """The node's side. Close it after use."""

    def __init__(self, folder: Path, artifacts: NodeArtifacts | None = None) -> None:
        """`artifacts` are another kind of a node's."""
        self.home = Home(folder).node(NODE)
        self.home.create()
        brought = ShareCache(self.home.share_cache_dir).get_brought
        self.outbox = HomeboundOutbox(self.home.outbox_dir, self.home.copies_dir, brought)
        self.requests: list[str] = []
        self.before: Callable[[web.Request], None] = lambda _request: None
        """Called with each request before it is answered."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(artifacts or self.outbox), self._loop).result()

    async def _serve(self, artifacts: NodeArtifacts) -> None:
        @web.middleware
        async def noted(request: web.Request, handler: Callable) -> web.StreamResponse:  # type: ignore[type-arg]
            self.requests.append(request.path)
            self.before(request)
            response: web.StreamResponse = await handler(request)
            return response

        app = web.Application(middlewares=[errors_as_json, noted])
        app.add_routes(artifact_routes(self.home, artifacts))
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        assert self._runner.server is not None
        self._listener = await self._loop.create_unix_server(self._runner.server, self.home.socket)

    def client(self) -> ControllerClient:
        return ControllerClient(self.home, {}, lambda: ACCESS)

    def put(self, name: str, data: bytes) -> None:
        """Make an artifact of a run."""
        self.outbox.put_bytes(f"ws1/runs/{name}", data)

    def waiting(self) -> list[str]:
        """What waits on the node's disk, by another look at it."""
        brought = ShareCache(self.home.share_cache_dir).get_brought
        outbox = HomeboundOutbox(self.home.outbox_dir, self.home.copies_dir, brought)
        return sorted(outbox.keys())

    async def _stop(self) -> None:
        """Nobody reads on what was on its way, nor is answered who just connects."""
        for socket in self._listener.sockets:  # open still: asyncio loses whom a closed one let in
            self._loop.remove_reader(socket)
        server = self._runner.server
        assert server is not None
        while len(asyncio.all_tasks()) > 1 or server.connections:  # besides this one
            for handler in server.connections:
                if isinstance(handler.transport, asyncio.WriteTransport):
                    handler.transport.abort()
            await asyncio.sleep(0)  # a turn of the loop
        self._listener.close()
        await self._runner.cleanup()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def fetch(node: ServedNode, laptop: Laptop, told: Callable[[int, int], None] = nobody) -> Brought:
    return bring_artifacts_home(node.client(), laptop.artifacts, laptop.arriving, told)


def send(
    node: ServedNode,
    laptop: Laptop,
    mrc: MultiRunConfig,
    told: Callable[[int, int], None] = nobody,
) -> int:
    return send_inputs(node.client(), laptop.artifacts, mrc, NODE, told)
