"""Which commands build an environment, by the tools that a node has."""

import sys
from pathlib import Path

import pytest

from controller.environmenttools import SetupError, Tools, build_steps, write_inputs
from xt_core.submit.environments import EnvironmentSpec


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node's home; programs in its `bin` are on its PATH."""
    (tmp_path / "bin").mkdir()
    return tmp_path


def add_program(node: Path, name: str, text: str = "#!/bin/sh\n") -> str:
    path = node / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def tools(node: Path, **variables: str) -> Tools:
    return Tools({"HOME": str(node), "PATH": str(node / "bin"), **variables})


def commands(node: Path, spec: EnvironmentSpec) -> list[list[str]]:
    """What would be run, with the node's folders left out."""
    steps = build_steps(spec, node / "f", node / "f/env", tools(node))
    return [[word.replace(f"{node}/", "") for word in step.command] for step in steps]


OWN = getattr(sys, "_base_executable", sys.executable)
SIX = EnvironmentSpec("mine", packages=["six"])


def test_without_uv_it_is_venv_and_pip(node: Path) -> None:
    assert commands(node, SIX) == [
        [OWN, "-m", "venv", "f/env"],
        ["f/env/bin/python", "-m", "pip", "install", "-r", "f/packages.txt"],
    ]


def test_with_uv_it_is_uv(node: Path) -> None:
    add_program(node, ".local/bin/uv")
    assert commands(node, SIX) == [
        [".local/bin/uv", "venv", "--no-project", "--python", OWN, "f/env"],
        [".local/bin/uv", "pip", "install", "--python", "f/env/bin/python", "-r", "f/packages.txt"],
    ]


def test_a_lock_is_installed_before_what_is_resolved(node: Path) -> None:
    spec = EnvironmentSpec("mine", packages=["six"], locked=[["a"], ["b"]], constraints={"c": "d"})
    installs = commands(node, spec)[1:]
    assert [command[-1] for command in installs] == [
        "f/locked-0.txt", "f/locked-1.txt", "f/packages.txt",
    ]  # fmt: skip
    write_inputs(spec, node)
    texts = {path.name: path.read_text() for path in node.iterdir() if path.is_file()}
    assert texts == {
        "locked-0.txt": "a\n",
        "locked-1.txt": "b\n",
        "packages.txt": "six\n",
        "c": "d",
    }


def test_conda_packages_need_a_conda(node: Path) -> None:
    spec = EnvironmentSpec(
        "mine", "3.12", ["conda-forge"], ["numpy", "nvidia::cuda=12"], packages=["six"]
    )
    with pytest.raises(SetupError, match="need micromamba, mamba or conda"):
        commands(node, spec)
    add_program(node, "miniforge3/bin/conda")
    assert commands(node, spec) == [
        ["miniforge3/bin/conda", "create", "--yes", "--prefix", "f/env", "--override-channels",
         "--channel=conda-forge", "numpy", "nvidia::cuda=12", "python=3.12", "pip"],
        ["f/env/bin/python", "-m", "pip", "install", "-r", "f/packages.txt"],
    ]  # fmt: skip
    add_program(node, "bin/micromamba")
    assert commands(node, EnvironmentSpec("x", None, ["a"], ["conda-forge::python=3.13"])) == [
        ["bin/micromamba", "create", "--yes", "--prefix", "f/env", "--override-channels",
         "--channel=a", "conda-forge::python=3.13"],
    ]  # fmt: skip
    named = add_program(node, "elsewhere/mamba")
    assert tools(node, MAMBA_EXE=named).conda == named


def test_a_uv_lock_needs_uv(node: Path) -> None:
    spec = EnvironmentSpec("mine", project={"uv.lock": "x", "pyproject.toml": "y"})
    with pytest.raises(SetupError, match=r"a uv\.lock needs uv, which this node does not have"):
        commands(node, spec)
    add_program(node, "bin/uv")
    (step,) = build_steps(spec, node / "f", node / "f/env", tools(node))
    assert step.command[1:4] == ["sync", "--project", str(node / "f")]
    assert step.variables == {"UV_PROJECT_ENVIRONMENT": str(node / "f/env")}


def test_a_python_is_looked_for_where_it_may_be_installed(node: Path) -> None:
    with pytest.raises(SetupError, match=r"there is no Python 3\.12 on this node"):
        tools(node).python("3.12")
    uvs = add_program(node, ".local/share/uv/python/cpython-3.12.4-linux/bin/python")
    assert tools(node).python("3.12") == uvs
    add_program(node, ".pyenv/versions/3.12.9/bin/python")
    newer = add_program(node, ".pyenv/versions/3.12.10/bin/python")
    add_program(node, ".pyenv/versions/3.120.1/bin/python")
    assert tools(node).python("3.12") == newer
    add_program(node, "bin/python3.12", "#!/bin/sh\nexit 127\n")  # a shim of one that is not there
    assert tools(node).python("python3.12") == newer
    working = add_program(node, "bin/python3.12")
    assert tools(node).python("3.12") == working
    assert tools(node).python(str(uvs)) == uvs
    with pytest.raises(SetupError, match="there is no Python at /nowhere on this node"):
        tools(node).python_for_uv("/nowhere")
    assert tools(node).python_for_uv("3.14") == "3.14"
