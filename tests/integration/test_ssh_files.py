"""Copies from and to a box: what arrives, what is not copied twice, and what breaks off."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.link_proxy import LinkProxy
from servers.sshd import Network, Sshd
from ssh_support import box_at, boxes_of

from xt_core.errors import UnavailableError, UnknownNameError, UsageError, XTError
from xt_core.ssh.box import RemoteBox
from xt_core.ssh.transfer import CHUNK_BYTES, Told, Transfer


class Copier:
    """Copies between this machine and one box."""

    def __init__(self, box: RemoteBox) -> None:
        self._box = box
        self.told: Told = lambda transfer: None

    def up(self, *paths: Path | str) -> Transfer:
        *sources, target = [str(path) for path in paths]
        return self._box.upload(sources, target, self.told)

    def down(self, *paths: Path | str) -> Transfer:
        *sources, target = [str(path) for path in paths]
        return self._box.download(sources, target, self.told)


@pytest.fixture
def gpu1(network: Network) -> Sshd:
    return network.box("gpu1")


@pytest.fixture
def copier(network: Network, gpu1: Sshd) -> Iterator[Copier]:
    boxes = boxes_of(network)
    yield Copier(box_at(boxes, gpu1.place))
    boxes.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with files, an empty file, an empty directory, and odd names."""
    root = tmp_path / "tree"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "a").write_bytes(bytes(range(256)) * 100)
    (root / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (root / "sub" / "run.sh").chmod(0o755)
    (root / "sub" / "nothing").touch()
    (root / "sub" / "ü *[x] é").write_text("odd")
    os.utime(root / "a", (1e9, 1e9))
    return root


def listed(root: Path) -> dict[str, tuple[bytes, int, int] | None]:
    """Files with their contents, modes and times; directories."""
    return {
        str(path.relative_to(root)): None
        if path.is_dir()
        else (path.read_bytes(), path.stat().st_mode, int(path.stat().st_mtime))
        for path in root.rglob("*")
    }


def test_a_directory_arrives_whole_and_comes_back(
    copier: Copier, gpu1: Sshd, tree: Path, tmp_path: Path
) -> None:
    sent = copier.up(tree, "work/new")
    assert (sent.files, sent.done, sent.kept, sent.left_out) == (4, 4, 0, [])
    assert sent.total_bytes == sent.done_bytes == 25_613
    assert listed(gpu1.home / "work/new/tree") == listed(tree)
    again = copier.up(tree, "work/new")
    assert (again.done, again.kept) == (4, 4)
    got = copier.down("work/new/tree/", tmp_path / "back")
    assert got.done == 4
    assert listed(tmp_path / "back") == listed(tree)


def test_what_changed_is_copied_again(copier: Copier, gpu1: Sshd, tree: Path) -> None:
    copier.up(tree, ".")
    (tree / "a").write_text("other")
    sent = copier.up(tree, ".")
    assert (sent.done, sent.kept) == (4, 3)
    assert (gpu1.home / "tree" / "a").read_text() == "other"


def test_a_file_takes_the_name_of_its_destination_or_goes_into_a_directory(
    copier: Copier, gpu1: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    copier.up(tmp_path / "one", "uno")
    copier.up(tmp_path / "one", ".")
    copier.up(tmp_path / "one", "in/")
    copier.up(tmp_path / "one", tmp_path / "two", "both")
    found = {str(path.relative_to(gpu1.home)) for path in gpu1.home.rglob("*") if path.is_file()}
    assert found - {".bashrc"} == {"uno", "one", "in/one", "both/one", "both/two"}


def test_a_pattern_is_of_the_files_of_the_box(copier: Copier, gpu1: Sshd, tmp_path: Path) -> None:
    for name in ("b.log", "a.log", "c.txt"):
        (gpu1.home / name).write_text(name)
    copier.down("*.log", tmp_path / "got")
    assert sorted(os.listdir(tmp_path / "got")) == ["a.log", "b.log"]
    with pytest.raises(UnknownNameError, match=r"there is no \*\.nope on gpu1"):
        copier.down("*.nope", tmp_path)


@pytest.mark.parametrize("is_up", [True, False])
def test_links_are_followed_but_not_round_in_circles(
    copier: Copier, gpu1: Sshd, tmp_path: Path, is_up: bool
) -> None:
    root = (tmp_path if is_up else gpu1.home) / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_text("x")
    (root / "to-file").symlink_to("sub/file")
    (root / "to-sub").symlink_to("sub")
    (root / "sub" / "up").symlink_to("..")
    (root / "broken").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    transfer = copier.up(root, "got") if is_up else copier.down("tree", tmp_path / "got")
    got = (gpu1.home if is_up else tmp_path) / "got" / "tree"
    assert sorted(listed(got)) == ["sub", "sub/file", "to-file", "to-sub", "to-sub/file"]
    assert not any(path.is_symlink() for path in got.rglob("*"))
    assert sorted(os.path.basename(path) for path in transfer.left_out) == [
        "broken", "pipe", "up", "up",
    ]  # fmt: skip


@pytest.mark.parametrize("is_up", [True, False])
def test_a_copy_that_broke_off_goes_on_where_it_was(
    network: Network, gpu1: Sshd, tmp_path: Path, is_up: bool
) -> None:
    link = LinkProxy(gpu1.host, gpu1.port)
    network.know(gpu1, f"[127.0.0.1]:{link.port}")
    boxes = boxes_of(network)
    copier = Copier(box_at(boxes, f"127.0.0.1:{link.port}"))
    source = (tmp_path if is_up else gpu1.home) / "large"
    source.write_bytes(os.urandom(5 * CHUNK_BYTES + 17))

    def cut(transfer: Transfer) -> None:
        if transfer.done_bytes >= 3 * CHUNK_BYTES:
            link.cut()

    def copy() -> Transfer:
        return copier.up(source, "got") if is_up else copier.down("large", tmp_path / "got")

    copier.told = cut
    with pytest.raises(UnavailableError, match="the connection was lost"):
        copy()
    got = (gpu1.home if is_up else tmp_path) / "got"
    assert not got.exists()
    copier.told = lambda transfer: None
    transfer = copy()
    assert 2 * CHUNK_BYTES <= transfer.resumed_bytes <= 4 * CHUNK_BYTES
    assert got.read_bytes() == source.read_bytes()
    assert [name for name in os.listdir(got.parent) if name.endswith(".xt-part")] == []
    boxes.close()
    link.close()


def test_over_a_slow_link_all_arrives(
    network: Network, gpu1: Sshd, tree: Path, tmp_path: Path
) -> None:
    link = LinkProxy(gpu1.host, gpu1.port, delay=0.005)
    network.know(gpu1, f"[127.0.0.1]:{link.port}")
    boxes = boxes_of(network)
    (tree / "large").write_bytes(os.urandom(1 << 20))
    copier = Copier(box_at(boxes, f"127.0.0.1:{link.port}"))
    copier.up(tree, ".")
    copier.down("tree", tmp_path / "back")
    assert listed(tmp_path / "back" / "tree") == listed(gpu1.home / "tree") == listed(tree)
    assert link.connections == 1
    boxes.close()
    link.close()


def test_a_draft_of_another_file_is_not_gone_on_with(
    copier: Copier, gpu1: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("right")
    (gpu1.home / ".a.0123456789ab.xt-part").write_text("wrong")
    assert copier.up(tmp_path / "a", ".").resumed_bytes == 0
    assert (gpu1.home / "a").read_text() == "right"


@pytest.mark.parametrize(
    ("sources", "target", "kind", "message"),
    [
        (["missing"], ".", UnknownNameError, "there is no .*missing"),
        (["tree"], "file", UsageError, "file on gpu1 .* is a file"),
        (["tree/a"], "file/", UsageError, "file/ on gpu1 .* is a file"),
        (["tree/a", "tree/sub/run.sh"], "file", UsageError, "is a file"),
    ],
)
def test_what_cannot_be_copied_is_told(
    copier: Copier, gpu1: Sshd, tree: Path, sources: list[str], target: str,
    kind: type[XTError], message: str,
) -> None:  # fmt: skip
    (gpu1.home / "file").touch()
    with pytest.raises(kind, match=message):
        copier.up(*(tree.parent / source for source in sources), target)


def test_a_directory_in_the_place_of_a_file_is_told(copier: Copier, gpu1: Sshd, tree: Path) -> None:
    (gpu1.home / "tree" / "a").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"tree/a on gpu1 .* is a directory"):
        copier.up(tree, ".")


def test_a_box_without_files_is_told(network: Network, tmp_path: Path) -> None:
    box = network.box("gpu2", "Subsystem sftp /bin/false")
    boxes = boxes_of(network)
    with pytest.raises(UnavailableError, match="its sftp server ended"):
        Copier(box_at(boxes, box.place, "gpu2")).down("x", tmp_path)
    boxes.close()
