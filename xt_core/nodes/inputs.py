"""Bringing a job's inputs to a node that cannot reach its team's artifact store.

The node is asked what it lacks; that alone is sent, and what was cut off goes on where it was. Code
that has changed since another submission is sent as the parts of its zip that the node has not.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from xt_core.artifacts.store import ArtifactStore, storage_error
from xt_core.errors import UnavailableError
from xt_core.nodes.contents import PART, SHARE, ZIP, Content
from xt_core.nodes.frames import pack_head
from xt_core.nodes.homebound import Told
from xt_core.nodes.perseverance import persevere
from xt_core.nodes.requests import NodeClient
from xt_core.shares.manifest import Manifest
from xt_core.shares.names import content_key, manifest_key
from xt_core.shares.use import MOUNT, ShareUse
from xt_core.submit.mrc import MultiRunConfig, NodeContext, mrc_key
from xt_core.submit.snapshot.parts import Cut, UncutError, cut

_PIECE_BYTES = 1 << 20
_AT_ONCE_CONTENTS, _AT_ONCE_BYTES = 20_000, 1 << 30
_MOST_OFFERS = 4
_WORTH_CUTTING = 0.8
"""Code of which so much is lacking is sent whole: that takes no putting together."""


Opened = Callable[[Content], contextlib.AbstractContextManager[Iterator[bytes]]]
"""The bytes of a content from its offset on, in pieces."""


def send_inputs(
    client: NodeClient, artifacts: ArtifactStore, mrc: MultiRunConfig, node: str, told: Told
) -> int:
    """Bring what a node needs for its part of a job, before it is told of the job; how many bytes
    that took. It keeps all of it until the job has ended.

    Raises UnavailableError if the node cannot be reached or its disk is full, WorkFailedError for
    what is damaged, and UnknownNameError for what is not in the store.
    """
    sending = _Sending(client, artifacts, mrc, node, told)
    persevere(sending.run, lambda: sending.moved)
    return sending.moved


class _Sending:
    def __init__(
        self,
        client: NodeClient,
        artifacts: ArtifactStore,
        mrc: MultiRunConfig,
        node: str,
        told: Told,
    ) -> None:
        self._client, self._artifacts, self._told = client, artifacts, told
        self._context: NodeContext = mrc.nodes[node]
        self._mrc = {"key": mrc_key(mrc.workspace, mrc.job), "text": mrc.to_json()}
        self.moved = 0
        """Bytes that were sent."""
        self._total = 0

    def run(self) -> None:
        for _ in range(_MOST_OFFERS):
            answer = self._client.ask("/inputs/offer", self._offer())
            if answer["code"] is None and not answer["shares"]:
                return
            if answer["code"] is not None:
                self._send_code(**answer["code"])
            for use in self._shares():
                if use.manifest in answer["shares"]:
                    self._send_share(use)
        raise UnavailableError(
            "the node does not keep what is brought to it", "is its disk full? submit again"
        )

    def _offer(self) -> dict[str, Any]:
        code = None
        if self._context.code is not None:
            size = self._artifacts.stat(self._context.code).size
            code = {"key": self._context.code, "digest": self._context.code_digest, "size": size}
        return {"mrc": self._mrc, "code": code, "shares": [asdict(use) for use in self._shares()]}

    def _shares(self) -> list[ShareUse]:
        return [use for use in self._context.shares.values() if use.manifest]

    # Code -------------------------------------------------------------------------------

    def _send_code(self, received: int, has_others: bool) -> None:
        assert self._context.code is not None
        with self._local_file(self._context.code) as path:
            if received or not has_others or not self._send_parts(path):
                whole = Content(self._context.code_digest, path.stat().st_size)
                self._send(ZIP, [whole], lambda content: _pieces(path, content.offset))

    def _send_parts(self, path: Path) -> bool:
        """Send what the node lacks of a zip; False if it should rather be sent whole."""
        try:
            recipe = cut(path)
        except UncutError:
            return False
        zip_file = Cut(path, recipe)
        with contextlib.closing(zip_file):
            sizes = {part.digest: part.size for part in recipe.parts}
            parts = [Content(digest, size) for digest, size in sizes.items()]
            lacking = self._lacking(PART, parts)
            if sum(part.size for part in lacking) > _WORTH_CUTTING * sum(sizes.values()):
                return False

            def opened(part: Content) -> contextlib.AbstractContextManager[Iterator[bytes]]:
                data = zip_file.read(part.digest)[part.offset :]
                return contextlib.nullcontext(iter([data]))

            self._send_lacking(PART, lacking, opened)
        body = {"digest": self._context.code_digest, "recipe": recipe.to_json()}
        self._client.ask("/inputs/code", body)
        return True

    @contextlib.contextmanager
    def _local_file(self, key: str) -> Iterator[Path]:
        """The file of an artifact; a copy where the store has no files."""
        path = self._artifacts.local_path(key)
        if path is not None:
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="xt-") as folder:
            self._artifacts.get_file(key, Path(folder, "artifact"))
            yield Path(folder, "artifact")

    # Shares -----------------------------------------------------------------------------

    def _send_share(self, use: ShareUse) -> None:
        data = self._artifacts.get_bytes(manifest_key(use.root, use.manifest))
        manifest = Manifest.from_bytes(data, use.manifest)
        itself = Content(use.manifest, len(data))
        self._send(SHARE, [itself], lambda content: contextlib.nullcontext(iter([data])))
        if use.action != MOUNT:
            contents = [Content(*each) for each in manifest.contents().items()]
            self._send(SHARE, contents, lambda content: self._stored(use, content))

    @contextlib.contextmanager
    def _stored(self, use: ShareUse, content: Content) -> Iterator[Iterator[bytes]]:
        with self._artifacts.open(content_key(use.root, content.digest)) as file:
            file.seek(content.offset)
            yield _read(file)

    # Any --------------------------------------------------------------------------------

    def _send(self, kind: str, contents: Sequence[Content], opened: Opened) -> None:
        self._send_lacking(kind, self._lacking(kind, contents), opened)

    def _lacking(self, kind: str, contents: Sequence[Content]) -> list[Content]:
        """Those that the node does not have, from where on it does not have them."""
        lacking = []
        for begin in range(0, len(contents), _AT_ONCE_CONTENTS):
            some = contents[begin : begin + _AT_ONCE_CONTENTS]
            body = {"kind": kind, "contents": [[each.digest, each.size] for each in some]}
            for index, offset in self._client.ask("/inputs/lacking", body)["lacking"]:
                lacking.append(Content(some[index].digest, some[index].size, offset))
        return lacking

    def _send_lacking(self, kind: str, contents: Sequence[Content], opened: Opened) -> None:
        self._total = self.moved + sum(each.rest for each in contents)
        for batch in _batches(contents):
            head = pack_head(
                {"kind": kind, "contents": [[c.digest, c.size, c.offset] for c in batch]}
            )
            size = len(head) + sum(each.rest for each in batch)
            self._client.send("/inputs/contents", size, self._blocks(head, batch, opened))

    def _blocks(self, head: bytes, contents: Sequence[Content], opened: Opened) -> Iterator[bytes]:
        """Blocks of some size, whatever the sizes of contents."""
        block = bytearray(head)
        for content in contents:
            left = content.rest
            with opened(content) as pieces:
                for piece in pieces:
                    left -= len(piece)
                    if left < 0:
                        break
                    block += piece
                    if len(block) >= _PIECE_BYTES:
                        yield bytes(block)
                        self._tell(len(block))
                        block = bytearray()
            if left:
                raise UnavailableError(
                    f"the artifact store has {content.digest} with another size than it should",
                    "upload the data again, and submit again",
                )
        yield bytes(block)
        self._tell(len(block))

    def _tell(self, count: int) -> None:
        self.moved += count
        self._told(self.moved, max(self._total, self.moved))


def _batches(contents: Sequence[Content]) -> Iterator[list[Content]]:
    """What is sent in one request."""
    batch, size = list[Content](), 0
    for content in contents:
        if batch and (len(batch) >= _AT_ONCE_CONTENTS or size >= _AT_ONCE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(content)
        size += content.rest
    if batch:
        yield batch


@contextlib.contextmanager
def _pieces(path: Path, offset: int) -> Iterator[Iterator[bytes]]:
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise storage_error(error, f"cannot read {path}") from error
    with file:
        file.seek(offset)
        yield _read(file)


def _read(file: BinaryIO) -> Iterator[bytes]:
    """A failing disk here must not look like a lost link."""
    try:
        while data := file.read(_PIECE_BYTES):
            yield data
    except OSError as error:
        raise storage_error(error, "cannot read what is to be brought to the node") from error
