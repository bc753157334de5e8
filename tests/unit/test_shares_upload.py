"""Uploading a folder to a share: contents once, and only what has changed."""

import os
from pathlib import Path

import pytest

from xt_core import clock
from xt_core.artifacts.directory import DirectoryStore
from xt_core.errors import UnknownNameError, UsageError, WorkFailedError
from xt_core.shares.folder import scan
from xt_core.shares.hashes import HashCache
from xt_core.shares.manifest import Content, Manifest, digest_of
from xt_core.shares.names import content_key, latest_key, manifest_key
from xt_core.shares.upload import Upload, latest_version, upload_folder

ROOT = "_data/mnist"


class Share:
    """A folder, the store that it is uploaded to, and what was told of it."""

    def __init__(self, root: Path) -> None:
        self.folder, self.store = root / "mnist", DirectoryStore(root / "store")
        self._cache = root / "hashes.json"
        self.notes: list[str] = []
        self.sent: list[tuple[int, int]] = []
        self.folder.mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def upload(self, omit: list[str] | None = None) -> Upload:
        args = self.store, ROOT, self.folder, omit or [], self._cache
        return upload_folder(*args, self.notes.append, lambda *sent: self.sent.append(sent))

    def manifest(self, upload: Upload) -> Manifest:
        digest = upload.version.manifest
        return Manifest.from_bytes(self.store.get_bytes(manifest_key(ROOT, digest)), digest)

    def contents(self) -> list[bytes]:
        keys = [info.key for info in self.store.list(f"{ROOT}/_contents")]
        return sorted(self.store.get_bytes(key) for key in keys)


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(tmp_path)


def content(text: str, *, executable: bool = False) -> Content:
    return Content(digest_of(text.encode()), len(text), executable)


def test_a_manifest_tells_paths_digests_sizes_and_modes(share: Share) -> None:
    share.write("a.txt", "one")
    share.write("deep/er/b.txt", "three")
    share.write("run.sh", "true").chmod(0o755)
    (share.folder / "none").mkdir()
    upload = share.upload()
    assert share.manifest(upload) == Manifest(
        {
            "a.txt": content("one"),
            "deep/er/b.txt": content("three"),
            "run.sh": content("true", executable=True),
        },
        ["none"],
    )
    assert (upload.version.files, upload.version.bytes) == (3, 12)
    assert (upload.sent_contents, upload.sent_bytes) == (3, 12)
    assert latest_version(share.store, "data", ROOT) == upload.version


def test_only_what_has_changed_is_sent(share: Share) -> None:
    for name in ("a", "b", "c"):
        share.write(name, name * 10)
    first = share.upload()
    again = share.upload()
    assert (again.version, again.sent_contents) == (first.version, 0)
    share.write("b", "B" * 5)
    changed = share.upload()
    assert (changed.sent_contents, changed.sent_bytes) == (1, 5)
    assert share.contents() == [b"B" * 5, b"a" * 10, b"b" * 10, b"c" * 10]
    share.write("b", "b" * 10)
    back = share.upload()  # what an earlier version had is still there
    assert (back.version, back.sent_contents) == (first.version, 0)
    assert latest_version(share.store, "data", ROOT) == first.version


def test_how_far_it_is_is_told_of_what_is_sent(share: Share) -> None:
    share.write("a", "12345")
    share.upload()
    share.write("b", "123")
    share.write("c", "1234567")
    share.upload()
    share.upload()
    assert list(dict.fromkeys(share.sent)) == [(5, 5), (3, 10), (10, 10)]


def test_equal_contents_are_kept_once(share: Share) -> None:
    for name in ("a", "b", "c/d"):
        share.write(name, "same")
    upload = share.upload()
    assert (upload.sent_contents, upload.version.files, upload.version.bytes) == (1, 3, 12)
    assert share.contents() == [b"same"]


def test_a_renamed_file_sends_nothing(share: Share) -> None:
    share.write("a", "one")
    share.upload()
    (share.folder / "a").rename(share.folder / "b")
    upload = share.upload()
    assert upload.sent_contents == 0
    assert share.manifest(upload).files == {"b": content("one")}


def test_links_are_followed_and_the_rest_is_told(share: Share, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("far")
    (share.folder / "link").symlink_to(tmp_path / "elsewhere")
    (share.folder / "broken").symlink_to("nowhere")
    (share.folder / "loop").symlink_to(share.folder)
    os.mkfifo(share.folder / "pipe")
    assert share.manifest(share.upload()).files == {"link": content("far")}
    assert sorted(share.notes)[1:] == [
        f"warning: {share.folder}/broken is left out: it is a broken link",
        f"warning: {share.folder}/loop is left out: it links to a folder above it",
        f"warning: {share.folder}/pipe is left out: it is a pipe, socket or device",
    ]


def test_what_is_to_be_omitted_is(share: Share) -> None:
    for name in ("a.txt", "b.tmp", "raw/c.txt", "deep/raw/d.txt", "deep/e.txt"):
        share.write(name, name)
    files = share.manifest(share.upload(["*.tmp", "deep/raw"])).files
    assert sorted(files) == ["a.txt", "deep/e.txt", "raw/c.txt"]


def test_names_that_are_not_utf_8_come_back(share: Share) -> None:
    (share.folder / os.fsdecode(b"caf\xe9")).write_text("x")
    assert [os.fsencode(name) for name in share.manifest(share.upload()).files] == [b"caf\xe9"]


class Meddling(DirectoryStore):
    """A file changes just before, or just after, the first contents are stored."""

    def __init__(self, root: Path, victim: Path, *, after: bool) -> None:
        super().__init__(root)
        self._victim, self._after = victim, after

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        if not self._after:
            self._victim.write_text("other contents")
        super().put_file(key, path, consume=consume)
        if self._after:
            self._victim.write_text("other contents")


@pytest.mark.parametrize("after", [False, True])
def test_a_file_that_changes_meanwhile_spoils_nothing(share: Share, after: bool) -> None:
    victim = share.write("a", "first contents")
    store = share.store
    share.store = Meddling(store.root, victim, after=after)
    with pytest.raises(WorkFailedError, match=f"{victim} changed while it was uploaded"):
        share.upload()
    assert list(store.list()) == []
    share.store = store
    share.upload()
    assert share.contents() == [b"other contents"]


def test_an_upload_goes_on_where_one_broke_off(share: Share) -> None:
    texts = [f"contents {number}" for number in range(60)]
    for number, text in enumerate(texts):
        share.write(str(number), text)
    for text in texts[:25]:
        share.store.put_bytes(content_key(ROOT, digest_of(text.encode())), text.encode())
    share.store.put_bytes(content_key(ROOT, digest_of(texts[25].encode())), b"cut")
    assert share.upload().sent_contents == 35
    assert share.contents() == sorted(text.encode() for text in texts)


def test_contents_in_a_folder_cannot_be_written_by_mistake(share: Share) -> None:
    share.write("a", "one")
    share.upload()
    path = share.store.local_path(content_key(ROOT, digest_of(b"one")))
    assert path.stat().st_mode & 0o777 == 0o444


def test_a_share_that_is_not_there_is_told_with_the_nearest_name(share: Share) -> None:
    share.write("a", "one")
    share.upload()
    with pytest.raises(UnknownNameError, match="there is no data share 'mnits'") as caught:
        latest_version(share.store, "data", "_data/mnits")
    assert caught.value.hint == "did you mean mnist?"
    with pytest.raises(UnknownNameError) as caught:
        latest_version(share.store, "model", "_model/mnist")
    assert caught.value.hint == "those there are: none"


def test_a_folder_that_is_not_there_is_told(share: Share) -> None:
    share.folder.rmdir()
    with pytest.raises(UsageError, match=f"there is no folder {share.folder}"):
        share.upload()


def test_a_damaged_latest_is_replaced_by_the_next_upload(share: Share) -> None:
    share.write("a", "one")
    version = share.upload().version
    share.store.put_bytes(latest_key(ROOT), b"{")
    assert share.upload().version == version
    assert latest_version(share.store, "data", ROOT) == version


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the test are an hour old."""
    now = clock.now() + 3600
    monkeypatch.setattr(clock, "now", lambda: now)


def files_to_read(share: Share, cache: Path) -> list[str]:
    unknown = HashCache(cache).unknown(scan(str(share.folder), []).files.values())
    return sorted(os.path.basename(file.path) for file in unknown)


@pytest.mark.usefixtures("later")
def test_unchanged_files_are_not_read_again(share: Share, tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    for name in ("a", "b", "c"):
        share.write(name, name)
    assert files_to_read(share, cache) == ["a", "b", "c"]
    digests = HashCache(cache).digests(scan(str(share.folder), []).files.values())
    assert digests == {str(share.folder / n): digest_of(n.encode()) for n in ("a", "b", "c")}
    assert files_to_read(share, cache) == []
    b = share.folder / "b"
    status = b.stat()
    b.write_text("B")
    os.utime(b, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time
    assert files_to_read(share, cache) == ["b"]
    cache.write_text("{")
    assert files_to_read(share, cache) == ["a", "b", "c"]


def test_files_written_just_now_are_read_again(share: Share, tmp_path: Path) -> None:
    share.write("a", "a")
    cache = tmp_path / "cache.json"
    HashCache(cache).digests(scan(str(share.folder), []).files.values())
    assert files_to_read(share, cache) == ["a"]
