"""The controller process: one a node, found through its lock and its socket.

Crash-only: it keeps nothing that the stats store and the run folders do not hold, so stopping it
is the same as killing it. Runs live on, and the next controller finds them.
"""

import argparse
import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from controller.access import HeldAccess
from controller.api import make_app
from controller.environment import inherited
from controller.environments import Environments
from controller.gpus import GpuPool, detect_gpus, share_of_node
from controller.homebound import HomeboundOutbox
from controller.launcher import Launcher
from controller.liveconsoles import LiveConsoles
from controller.news import News
from controller.node import Bell, NodeServices
from controller.outbox import Outbox
from controller.replicator import Replicator
from controller.service import ControllerService
from controller.shares import NodeShares
from controller.slots import Slots
from controller.team import TeamLink
from controller.watch import file_watcher
from controller.writer import StoreWriter
from xt_core.artifacts.directory import DirectoryStore
from xt_core.config import load_config
from xt_core.errors import XTError
from xt_core.home import FIRST_NODE, LOCAL_TEAM, Home, NodeHome, node_index
from xt_core.nodes.limits import Limits
from xt_core.services.stores import (
    BlobAccess,
    FolderAccess,
    HomeAccess,
    MongoAccess,
    StoreAccess,
)
from xt_core.shares.cache import ShareCache
from xt_core.stats.outgoing import Outgoing
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.submit.snapshot.cache import SnapshotCache

ALREADY_RUNNING = 75
IDLE_EXIT_SECONDS = 3600.0
_log = logging.getLogger(__name__)


async def run_controller(
    home: NodeHome,
    access: StoreAccess,
    limits: Limits,
    gpu_split: int,
    idle_exit: float,
    ready: int | None,
) -> None:
    """Serve until asked to stop, or until there has been nothing to do for `idle_exit` seconds.

    The machine's GPUs are split over `gpu_split` nodes. A line is written to the descriptor
    `ready` once the socket answers.
    """
    bell = Bell()
    store = SqliteStatsStore(home.stats_file)
    held = HeldAccess(access)
    team = None if access.is_embedded else _link_to_team(home, held, store, bell)
    writer = StoreWriter(store, bell.ring if team is None else team.wake)
    node = await _node_services(home, access, limits, writer, team, gpu_split)
    service = ControllerService(node, bell, held, limits)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.shutdown_requested.set)
    if team is not None:
        team.start()
    await service.recover()
    runner = web.AppRunner(
        make_app(service), access_log=None, handle_signals=False, handler_cancellation=True
    )
    await runner.setup()
    await _listen(runner, home.socket)
    _log.info("controller %d of %s in %s is ready", os.getpid(), home.name, home.root)
    gc.freeze()
    if ready is not None:
        with contextlib.suppress(OSError):
            os.write(ready, b"ready\n")
            os.close(ready)
    await _until_stopped(service, idle_exit)
    home.socket.unlink(missing_ok=True)
    await writer.close()
    _log.info("controller %d stops", os.getpid())
    logging.shutdown()
    os._exit(0)  # crash-only: tasks are not unwound, runs are not touched


def _link_to_team(
    home: NodeHome, held: HeldAccess, store: SqliteStatsStore, bell: Bell
) -> TeamLink:
    loop = asyncio.get_running_loop()

    def ring() -> None:
        loop.call_soon_threadsafe(bell.ring)

    link, access = TeamLink(ring), held.now
    if isinstance(access.stats, MongoAccess):
        link.stats = access.open_stats(home)
        link.replicator = Replicator(Outgoing(store, home.name), link.stats, ring)
    elif access.stats is not None:
        link.news = News(Outgoing(store, home.name))
    if isinstance(access.artifacts, FolderAccess | BlobAccess):
        artifacts = access.open_artifacts(home, held.sas)
        link.outbox = Outbox(home.outbox_dir, home.copies_dir, artifacts)
        link.consoles = LiveConsoles(artifacts)
    elif isinstance(access.artifacts, HomeAccess):
        brought = ShareCache(home.share_cache_dir).get_brought
        link.outbox = HomeboundOutbox(home.outbox_dir, home.copies_dir, brought)
    return link


async def _node_services(
    home: NodeHome,
    access: StoreAccess,
    limits: Limits,
    writer: StoreWriter,
    team: TeamLink | None,
    gpu_split: int,
) -> NodeServices:
    launcher = Launcher(home.launch_lock)
    await launcher.start()
    environ = dict(os.environ)
    for variable in access.secret_variables:
        environ.pop(variable, None)
    config = load_config(home, Path("/"), environ)
    box = config.box("local")
    max_runs = box.max_runs if limits.max_runs is None else limits.max_runs
    configured_gpus = box.gpus if limits.gpus is None else limits.gpus
    sample_seconds = limits.sample_seconds
    if sample_seconds is None:
        sample_seconds = config.number("logging.sample-seconds")
    for folder in (home.node_dir / "data", home.node_dir / "models", home.served_dir):
        folder.mkdir(exist_ok=True)
    gpus = await asyncio.to_thread(detect_gpus, configured_gpus, environ)
    if gpus and gpu_split > 1:
        gpus = share_of_node(gpus, node_index(home.name), gpu_split)
        environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)  # with none of its own, a node sees none
        _log.info("%s has the GPUs %s", home.name, gpus)
    artifacts = (team and team.outbox) or DirectoryStore(home.artifacts_dir)
    return NodeServices(
        home=home,
        writer=writer,
        artifacts=artifacts,
        team=team,
        watcher=file_watcher(),
        launcher=launcher,
        snapshots=SnapshotCache(home.snapshots_dir),
        shares=NodeShares(ShareCache(home.share_cache_dir), artifacts),
        environments=Environments(home.environments_dir, inherited(environ)),
        gpus=GpuPool(gpus),
        gpu_split=gpu_split,
        slots=Slots(max_runs),
        sample_seconds=sample_seconds,
        environ=environ,
    )


async def _listen(runner: web.AppRunner, path: Path) -> None:
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, os.fspath(path)).start()
    finally:
        os.umask(before)


async def _until_stopped(service: ControllerService, idle_exit: float) -> None:
    while not service.shutdown_requested.is_set():
        remaining = idle_exit - service.idle_seconds()
        if remaining <= 0:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(service.shutdown_requested.wait(), max(1.0, remaining))


def lock_node(home: NodeHome) -> int | None:
    """Become this node's only controller; None if there is one. The lock lasts for the process."""
    descriptor = os.open(home.controller_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def main(argv: list[str]) -> int:
    """The process of ``python -m controller``; its exit code."""
    options = _parse(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    for library in ("azure", "urllib3"):  # they tell of each request; what fails is told by us
        logging.getLogger(library).setLevel(logging.ERROR)
    try:
        home = Home.default().of_team(options.team).node(options.node)
        home.create()
        if lock_node(home) is None:
            return ALREADY_RUNNING
        access = StoreAccess.from_json(sys.stdin.read()) if options.services else StoreAccess()
        limits = Limits.from_json(options.limits)
        asyncio.run(
            run_controller(
                home, access, limits, options.gpu_split, options.idle_exit, options.ready
            )
        )
    except XTError as error:
        print(f"xt: error: {error.message}", file=sys.stderr)
        return error.exit_code
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m controller", description="serve a node of XT_HOME")
    add = parser.add_argument
    add("--node", default=FIRST_NODE, metavar="NAME", help="such as node1; default: %(default)s")
    add("--team", default=LOCAL_TEAM, metavar="NAME", help="default: %(default)s")
    add("--services", action="store_true", help="of the team: JSON on standard input")
    add("--limits", default="{}", metavar="JSON", help="how much of the machine it may use")
    add("--gpu-split", type=int, default=1, metavar="N", help="nodes that share out the GPUs")
    add(
        "--idle-exit", type=float, default=IDLE_EXIT_SECONDS, metavar="SECONDS", help="without work"
    )
    add("--ready", type=int, metavar="FD", help="told once the socket answers")
    return parser.parse_args(argv)
