"""The architecture as tests: who may import whom, and how little a plain command loads."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD = sys.stdlib_module_names
HEAVY = {
    "textual", "rich", "asyncio", "aiohttp", "asyncinotify", "azure", "optuna", "pymongo",
    "asyncssh", "numpy",
}  # fmt: skip
ALONE = {"controller/supervisor.py", "controller/zygote.py"}
"""What outlives an upgrade of XT imports nothing of it."""


def imports(path: Path) -> Iterator[str]:
    """The top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("xt_core", {"controller", "xt_tui", "textual", "tests"}),
        ("xt_tui", {"controller", "tests"}),
        ("controller", {"xt_tui", "textual", "tests"}),
    ],
)
def test_packages_import_only_what_they_may(package: str, forbidden: set[str]) -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imports(path)
        if name in forbidden
    }
    assert found == set()


@pytest.mark.parametrize("module", sorted(ALONE))
def test_the_supervisor_needs_the_standard_library_alone(module: str) -> None:
    names = set(imports(ROOT / module)) - {"supervisor"}
    assert names <= STANDARD


def test_the_engine_names_the_ui_in_three_commands_only() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "xt_core").rglob("*.py")
        if "xt_tui" in path.read_text()
    }
    assert users == {"xt_core/cli/tui.py", "xt_core/cli/keys.py", "xt_core/cli/demo.py"}


def modules_of(arguments: list[str], home: Path) -> set[str]:
    """Top-level modules that a command has loaded when it ends."""
    program = (
        "import sys\nfrom xt_core.cli.main import main\ncode = main(sys.argv[1:])\n"
        "print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"XT_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["list", "runs"],
        ["list", "jobs", "--json"],
        ["view", "config"],
        ["list", "nodes"],
        ["list", "boxes"],
        ["box", "check"],
        ["team", "check"],
        ["create", "team", "phoenix", "--dry-run"],
        ["run", "--dry-run", "true", "--lr=[1,2]"],
    ],
    ids=" ".join,
)
def test_a_headless_command_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert modules_of(arguments, tmp_path) & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]], ids=" ".join)
def test_help_needs_hardly_anything(arguments: list[str], tmp_path: Path) -> None:
    loaded = modules_of(arguments, tmp_path)
    assert loaded & {"argparse", "sqlite3", "yaml", "json", "dataclasses"} == set()


def test_yaml_is_loaded_only_where_there_is_a_file_to_read(tmp_path: Path) -> None:
    assert "yaml" not in modules_of(["list", "runs"], tmp_path)
    (tmp_path / "config.yaml").write_text("general: {workspace: ws2}\n")
    assert "yaml" in modules_of(["list", "runs"], tmp_path)


def test_the_logging_api_needs_the_standard_library_alone(tmp_path: Path) -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "from xt_core import Run\nRun().log_metrics({'a': 1})\n"
        "import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert {name for name in loaded if name.startswith("xt_core")} == {
        "xt_core",
        "xt_core.user_run",
    }
    assert {name.partition(".")[0] for name in loaded} <= {*STANDARD, "xt_core"}
    assert loaded & {"asyncio", "dataclasses", "typing", "socket", "logging"} == set()


def test_the_first_screen_of_the_ui_loads_no_more_than_it_shows(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from xt_core.session import Session\n"
        "from xt_tui.app import XtApp\n"
        "XtApp(Session())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"XT_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    late = {
        "sqlite3", "http.client", "rich.traceback", "xt_core.console", "xt_core.system",
        "xt_core.nodes.controllers", "xt_core.nodes.requests", "xt_core.reports.pages",
        "xt_core.stats.sqlite", "xt_tui.console.attachment", "xt_tui.panes.sections",
    }  # fmt: skip
    assert loaded & (late | HEAVY - {"textual", "rich", "asyncio"}) == set()
    assert {name for name in loaded if name.startswith("xt_core.submit")} == set()
    assert {name for name in loaded if name.startswith("xt_tui.acting.")} <= {
        "xt_tui.acting.charts",  # the metrics pane's own
        "xt_tui.acting.steering",  # its messages
    }
    assert {name for name in loaded if name.startswith("xt_tui.screens.")} == {
        "xt_tui.screens.confirm",
        "xt_tui.screens.main",
        "xt_tui.screens.panes",
    }


def test_a_blob_store_that_is_not_used_loads_no_sdk() -> None:
    program = (
        "import sys\n"
        "from xt_core.artifacts.blob import BlobStore\n"
        "from xt_core.artifacts.blob_container import BlobAccount\n"
        "account = BlobAccount('labblobs', 's', 'AccountName=a;AccountKey=b')\n"
        "BlobStore(account, 'artifacts').close()\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert {"azure", "requests", "asyncio"} & set(done.stdout.split()) == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = {
        str(path.relative_to(ROOT))
        for package in ("xt_core", "controller", "xt_tui", "benchmarks", "tests")
        for path in (ROOT / package).rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    }
    assert silent == set()


def test_a_users_module_does_not_take_the_place_of_one_of_pythons(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')\n")
    (tmp_path / "argparse.py").write_text("raise SystemExit('the wrong argparse')\n")
    done = subprocess.run(
        [sys.executable, "-m", "xt_core", "list", "runs", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
