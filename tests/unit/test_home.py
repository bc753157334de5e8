"""The paths of a home and of its nodes."""

import stat
from pathlib import Path

import pytest

from xt_core.errors import UsageError
from xt_core.home import Home, node_index, node_order


def test_the_first_node_is_where_it_was_and_others_beside_it() -> None:
    root = Path("/xt")
    home = Home(root)
    assert home.node("node0").socket == root / "node" / "controller.sock"
    assert home.node("node12").socket == root / "nodes" / "node12" / "controller.sock"
    assert home.node("node1").runs_dir == root / "nodes" / "node1" / "runs"
    assert home.node("node1").stats_file == home.stats_file == root / "local" / "stats.db"
    assert home.node("node1").node("node0") == home.node("node0")


def test_no_two_nodes_share_a_path_of_their_own(tmp_path: Path) -> None:
    nodes = [Home(tmp_path).node(f"node{index}") for index in range(3)]
    own = [
        path
        for node in nodes
        for path in (
            node.node_dir, node.runs_dir, node.served_dir, node.socket, node.controller_log,
            node.controller_lock, node.launch_lock,
        )
    ]  # fmt: skip
    assert len(set(own)) == len(own)


def test_in_a_long_home_each_node_has_a_short_socket_path() -> None:
    home = Home(Path("/" + "long" * 40))
    paths = {home.node(name).socket for name in ("node0", "node1")}
    assert len(paths) == 2
    assert all(len(str(path)) < 60 for path in paths)


def test_nodes_that_were_used_are_known_in_numeric_order(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.node_names() == ["node0"]
    for name in ("node10", "node2"):
        home.node(name).create()
    (tmp_path / "nodes" / "notes").mkdir()
    (tmp_path / "nodes" / "node02").mkdir()
    assert home.node_names() == ["node0", "node2", "node10"]


def test_a_nodes_folder_is_closed_to_others(tmp_path: Path) -> None:
    node = Home(tmp_path).node("node1")
    node.create()
    assert stat.S_IMODE(node.node_dir.stat().st_mode) == 0o700
    assert node.runs_dir.is_dir()


@pytest.mark.parametrize("name", ["", "node01", "Node1", "node１", "../node1", "-x"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no node name"):
        Home(tmp_path).node(name)


def test_a_nodes_index_is_its_number() -> None:
    assert [node_index(name) for name in ("node0", "node7", "node10", "gpu1")] == [0, 7, 10, 0]


def test_nodes_are_in_numeric_order_and_boxes_follow() -> None:
    names = ["gpu2", "node10", "gpu1", "node2"]
    assert sorted(names, key=node_order) == ["node2", "node10", "gpu1", "gpu2"]
