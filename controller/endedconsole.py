"""The console of a run that has ended on this node, which its team may not see yet."""

import asyncio

from controller import capture
from controller.homebound import HomeboundOutbox
from controller.node import NodeServices
from controller.output import OutputFeed
from controller.rundir import RunDirectory
from xt_core.errors import UnknownNameError


async def ended_console(node: NodeServices, workspace: str, name: str) -> OutputFeed | None:
    """A feed that comes to its end; None for a run that has not ended here, and for one whose
    console a client has fetched."""
    try:
        run = await asyncio.to_thread(node.writer.reader.run, workspace, name)
    except UnknownNameError:
        return None
    if run.ended is None or run.node != node.name:
        return None
    artifacts, folder = node.artifacts, node.home.runs_dir / workspace / name
    console = RunDirectory(folder).console
    if (
        isinstance(artifacts, HomeboundOutbox)
        and not console.exists()
        and not await asyncio.to_thread(artifacts.has, capture.console_key(run))
    ):
        return None  # the client that keeps the artifacts has it
    feed = OutputFeed(console, lambda: capture.open_console(artifacts, run), node.watcher)
    feed.begin()
    feed.end()
    return feed
