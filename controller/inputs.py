"""What a client brings for a job before it hands the job over: its MRC, code, and shares.

For a node that cannot reach its team's artifact store. Only what the node does not have is sent:
`offer` says what that is, the rooms take it, and offering once more puts it all in its place.
"""

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.homebound import HomeboundOutbox
from controller.receiving import Room
from xt_core import clock
from xt_core.artifacts.store import storage_error
from xt_core.errors import UsageError, XTError
from xt_core.home import NodeHome
from xt_core.nodes.contents import PART, SHARE, ZIP, Content
from xt_core.shares.cache import ShareCache
from xt_core.shares.use import ShareUse
from xt_core.submit.snapshot.parts import Recipe
from xt_core.submit.snapshot.zips import KEPT_SECONDS, SnapshotZips

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """A job's inputs, as the client names them."""

    mrc_key: str
    mrc: str
    code_key: str
    code: Content | None
    shares: Sequence[ShareUse]

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "Offer":
        """Of a request. Raises UsageError."""
        try:
            code = body["code"]
            return cls(
                mrc_key=str(body["mrc"]["key"]),
                mrc=str(body["mrc"]["text"]),
                code_key="" if code is None else str(code["key"]),
                code=None if code is None else Content.parse([code["digest"], code["size"], 0]),
                shares=[ShareUse(**use) for use in body["shares"]],
            )
        except (KeyError, TypeError):
            raise UsageError("the request does not name a job's inputs") from None


class NodeInputs:
    """Implements that over the folders of a node. Methods that wait for a disk are for threads."""

    def __init__(self, home: NodeHome, outbox: HomeboundOutbox) -> None:
        self._home, self._outbox = home, outbox
        self._zips = SnapshotZips(home.inputs_dir)
        self._shares = ShareCache(home.share_cache_dir)
        incoming = home.inputs_dir / "incoming"
        self._rooms = {
            ZIP: Room(self._zips.zip, incoming),
            PART: Room(self._zips.part, incoming),
            SHARE: Room(self._shares.content, self._shares.incoming),
        }
        self._putting = threading.Lock()
        self._arriving: Counter[str] = Counter()
        self._arrived = asyncio.Condition()

    def room(self, kind: str) -> Room:
        """Raises UsageError for a kind of contents that there is not."""
        if kind not in self._rooms:
            raise UsageError(f"{kind!r} is no kind of contents")
        return self._rooms[kind]

    # What is there ----------------------------------------------------------------------

    def offer(self, offer: Offer) -> dict[str, Any]:
        """What the node lacks for a job; if that is nothing, the job's inputs are kept from now on
        until it has ended.

        Raises UnavailableError for a full disk, and what `ShareCache.view` raises.
        """
        lacking = [use.manifest for use in offer.shares if self._shares.lacks(use)]
        code = None if offer.code is None else self._lacking_code(offer.code)
        if not lacking and code is None:
            for use in offer.shares:
                self._shares.make(use)
            with self._putting:
                if not self._keep(offer) and offer.code is not None:  # pruned just now
                    code = self._lacking_code(offer.code)
        return {"code": code, "shares": lacking}

    def _lacking_code(self, code: Content) -> dict[str, Any] | None:
        received = self._rooms[ZIP].received(code.digest, code.size)
        if received is None:
            return None
        return {"received": received, "has_others": not self._zips.is_empty()}

    def _keep(self, offer: Offer) -> bool:
        """Have copies for the job, unless its code is gone. The MRC comes last: where it is, the
        rest is too."""
        try:
            with self._zips.draft() as draft:
                if offer.code is not None:
                    if not self._zips.use(offer.code.digest, draft):
                        return False
                    self._outbox.bring(offer.code_key, draft)
                    # To rename one link of a file over another one of the same file does nothing.
                    draft.unlink(missing_ok=True)
                draft.write_text(offer.mrc, "utf-8")
                self._outbox.bring(offer.mrc_key, draft)
                return True
        except OSError as error:
            raise storage_error(error, f"cannot keep {offer.mrc_key}") from error

    async def lacking(self, kind: str, contents: Sequence[Content]) -> list[tuple[int, int]]:
        """Which of some contents are not here, by their indices, and from which byte on. What
        another client sends at the moment is waited for."""
        room = self.room(kind)
        async with self._arrived:
            while True:
                found = await asyncio.to_thread(self._find_lacking, kind, room, contents)
                if not any(self._arriving[contents[index].digest] for index, _ in found):
                    return found
                await self._arrived.wait()

    def _find_lacking(
        self, kind: str, room: Room, contents: Sequence[Content]
    ) -> list[tuple[int, int]]:
        wanted = set(self._zips.lacking([each.digest for each in contents]) if kind == PART else ())
        found = []
        for index, each in enumerate(contents):
            if kind != PART or each.digest in wanted:
                offset = room.received(each.digest, each.size)
                if offset is not None:
                    found.append((index, offset))
        return found

    # What comes -------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def arriving(self, kind: str, contents: Iterable[Content]) -> AsyncIterator[None]:
        """A client sends these now."""
        digests = [each.digest for each in contents]
        self._arriving.update(digests)
        filling = self._shares.filling() if kind == SHARE else contextlib.nullcontext()
        try:
            await asyncio.to_thread(filling.__enter__)
            try:
                yield
            finally:
                filling.__exit__(None, None, None)
        finally:
            self._arriving.subtract(digests)
            self._arriving += Counter()  # forget those of which nothing comes
            async with self._arrived:
                self._arrived.notify_all()

    def put_together(self, digest: str, recipe: Recipe) -> None:
        """Make a snapshot's zip of parts that are here. Raises UnavailableError."""
        self._zips.put_together(digest, recipe)

    # What goes --------------------------------------------------------------------------

    def prune(self) -> None:
        """Forget what nothing has needed for long."""
        with contextlib.suppress(XTError, OSError):
            self._zips.prune()
            oldest = clock.now() - KEPT_SECONDS
            for path in [*self._rooms[ZIP].drafts.glob("*"), *self._shares.incoming.glob("*")]:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            for job in self._jobs_not_served():
                if job.stat().st_mtime < oldest:  # it was never handed over
                    self._outbox.release(job.relative_to(self._home.copies_dir).as_posix())

    def _jobs_not_served(self) -> Iterator[Path]:
        for job in self._home.copies_dir.glob("*/jobs/*"):
            if not (self._home.served_dir / job.name).exists():
                yield job
