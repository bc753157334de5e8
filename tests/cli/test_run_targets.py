"""Where `xt run` puts a job's nodes, and what it makes of wrong targets; nothing is reached."""

from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.home import Home

_CONFIG = """
boxes:
  gpu1: {address: alice@gpu1.example, setup: torch}
  gpu2: {address: gpu2.example, actions: [data]}
  bare: {}
  node7: {address: gpu7.example}
compute-targets:
  lab: {service: pool, boxes: [gpu1, gpu2]}
  mixed: {service: pool, boxes: [local, gpu2]}
  half: {service: pool, boxes: [gpu1, gpu2], nodes: 1}
  wrong: {service: pool, boxes: [gpu1, gpu3]}
  twice: {service: pool, boxes: [gpu1, gpu1]}
  none: {service: pool}
  called: {service: pool, boxes: [node7]}
  without: {service: pool, boxes: [bare]}
setups:
  torch: {activate: "source ~/venv/bin/activate"}
"""


@pytest.fixture(autouse=True)
def project(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("xt_config.yaml").write_text(_CONFIG)
    Path("t.py").write_text("print()\n")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_each_box_of_a_pool_is_a_node_prepared_as_it_says(xt: Commands) -> None:
    mrc = xt("run", "--target", "lab", "--dry-run", "--json", "t.py").json["mrc"]
    assert mrc["target"] == "lab"
    assert mrc["commands"] == [["python3", "-u", "t.py"]]
    assert {name: node["activate"] for name, node in mrc["nodes"].items()} == {
        "gpu1": "source ~/venv/bin/activate",
        "gpu2": None,
    }
    assert [node["shell_env"] for node in mrc["nodes"].values()] == [{}, {}]


@pytest.mark.parametrize(
    ("target", "options", "nodes"),
    [
        ("gpu2", (), ["gpu2"]),
        ("lab", ("--nodes", "1"), ["gpu1"]),
        ("half", (), ["gpu1"]),
        ("half", ("--nodes", "2"), ["gpu1", "gpu2"]),
        ("mixed", (), ["node0", "gpu2"]),
        ("local", ("--nodes", "2"), ["node0", "node1"]),
    ],
)
def test_the_nodes_of_a_target(
    xt: Commands, target: str, options: tuple[str, ...], nodes: list[str]
) -> None:
    run = ("run", "--target", target, *options, "--dry-run", "--json", "t.py")
    document = xt(*run).json
    assert list(document["mrc"]["nodes"]) == nodes
    assert document["work_items"] == len(nodes)
    assert document["mrc"]["schedule"] == ("dynamic" if target == "local" else "static")


def test_this_machine_in_a_pool_has_the_environment_of_the_shell(xt: Commands) -> None:
    nodes = xt("run", "--target", "mixed", "--dry-run", "--json", "t.py").json["mrc"]["nodes"]
    assert nodes["node0"]["shell_env"]["PATH"] == "/usr/bin:/bin"
    assert nodes["gpu2"]["shell_env"] == {}


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--target", "wrong"), 3, "there is no box 'gpu3'"),
        (("--target", "twice"), 2, "xt_config.yaml:12) names gpu1 twice"),
        (("--target", "none"), 2, "compute-targets.none.boxes is empty"),
        (("--target", "called"), 2, "'node7' is no name for a box"),
        (("--target", "without"), 2, "box bare has no address"),
        (("--target", "bare"), 2, "box bare has no address"),
        (("--target", "gpu9"), 3, "there is no compute target 'gpu9'"),
        (("--target", "lab", "--nodes", "3"), 2, "3 nodes of lab, which has 2"),
        (("--target", "lab", "--nodes", "0"), 2, "--nodes is 0"),
        (("--target", "gpu1", "--data-local", "."), 2, "is on this machine, and gpu1 does not see"),
    ],
)
def test_a_wrong_target_is_told_of(
    xt: Commands, options: tuple[str, ...], code: int, told: str
) -> None:
    assert told in xt("run", *options, "--dry-run", "t.py", code=code).err
