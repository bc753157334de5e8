"""Scripts that log, and the journals that they write."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from xt_core.model.encoding import loads

ROOT = Path(__file__).parents[1]


def records(path: Path) -> list[dict[str, Any]]:
    """What a journal holds, each record on a line that ends."""
    text = path.read_text("ascii")
    assert text.endswith("\n")
    return [loads(line) for line in text.splitlines()]


def contents(path: Path) -> list[dict[str, Any]]:
    """The records without their times."""
    return [{key: record[key] for key in record if key != "time"} for record in records(path)]


def run_script(
    folder: Path, code: str, prelude: str = "from xt_core import Run\n", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, outside XT unless `env` says otherwise."""
    script = folder / "script.py"
    script.write_text(prelude + textwrap.dedent(code))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XT_")}
    return subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)} | env,
        capture_output=True,
        text=True,
        check=False,
    )
