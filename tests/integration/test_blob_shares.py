"""Shares in Azure Blob storage: the same contents, versions and views as in a folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from blob_support import open_blob_store
from servers.azurite import Azurite

from xt_core.artifacts.blob import BlobStore
from xt_core.errors import UnknownNameError
from xt_core.shares.cache import ShareCache
from xt_core.shares.manifest import digest_of
from xt_core.shares.names import content_key
from xt_core.shares.upload import Upload, latest_version, nobody, upload_folder
from xt_core.shares.use import DOWNLOAD, ShareUse

ROOT = "_data/vision/mnist"


@pytest.fixture
def store(azurite: Azurite) -> Iterator[BlobStore]:
    made = open_blob_store(azurite)
    yield made
    made.close()


def upload(store: BlobStore, folder: Path, sent: Callable[[int, int], None] = nobody) -> Upload:
    hashes = folder.with_name("hashes.json")
    return upload_folder(store, ROOT, folder, [], hashes, lambda _: None, sent)


def test_how_far_a_large_file_is_is_told(store: BlobStore, tmp_path: Path) -> None:
    size = 20 << 20
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "large").write_bytes(bytes(size))
    told: list[tuple[int, int]] = []
    upload(store, tmp_path / "mnist", lambda *sent: told.append(sent))
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == (size, size)


def texts(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_a_folder_goes_there_and_comes_back_once(store: BlobStore, tmp_path: Path) -> None:
    files = {f"part{number % 3}/{number:03}.txt": f"contents {number}\n" for number in range(80)}
    for name, text in files.items():
        path = tmp_path / "mnist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    first = upload(store, tmp_path / "mnist")
    assert (first.sent_contents, first.version.files) == (80, 80)
    assert upload(store, tmp_path / "mnist").sent_contents == 0
    (tmp_path / "mnist/part0/000.txt").write_text("changed\n")
    second = upload(store, tmp_path / "mnist")
    assert (second.sent_contents, second.sent_bytes) == (1, 8)
    assert len(list(store.list(f"{ROOT}/_contents"))) == 81
    assert store.get_bytes(content_key(ROOT, digest_of(b"changed\n"))) == b"changed\n"
    assert latest_version(store, "data", ROOT) == second.version
    cache = ShareCache(tmp_path / "cache")
    fetched = []
    for done, expected in ((first, {}), (second, {"part0/000.txt": "changed\n"})):
        use = ShareUse(DOWNLOAD, share="vision/mnist", root=ROOT, manifest=done.version.manifest)
        view = cache.view(use, store.get_files, Event())
        fetched.append(view.fetched_contents)
        assert texts(view.path) == files | expected
    assert fetched == [80, 1]


def test_a_share_that_is_not_there_is_told(store: BlobStore) -> None:
    with pytest.raises(UnknownNameError, match="there is no data share 'vision/mnist'"):
        latest_version(store, "data", ROOT)
