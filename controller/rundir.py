"""The folder of one run on its node.

control/      launch.json, taken, started.json, cancel.json, exit.json (see `controller.supervisor`)
work/         the run's own copy of the code; in it stands output.txt
output/       XT_OUTPUT_DIR: kept over a restart
data/, model/ XT_DATA_DIR and XT_MODEL_DIR, where the run has copies of its own to write to
output.txt    the console, the same file as work/…/output.txt
journal.jsonl what the user's code logged
system.jsonl  samples of what the run uses (see `controller.sampling`)
"""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any


class RunDirectory:
    """Paths and small files of a run's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.control = root / "control"
        self.work = root / "work"
        self.output = root / "output"
        self.console = root / "output.txt"
        self.journal = root / "journal.jsonl"
        self.system = root / "system.jsonl"

    def exists(self) -> bool:
        return self.control.is_dir()

    def create(self) -> None:
        """Make what must be there before a start; keeps what an earlier start left."""
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (self.control, self.output):
            folder.mkdir(exist_ok=True)
        for file in (self.console, self.journal):
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))

    def console_bytes(self) -> int:
        """How much console there is; 0 with none."""
        with contextlib.suppress(OSError):
            return self.console.stat().st_size
        return 0

    def clear_work(self) -> None:
        """A fresh, empty working copy."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.work)
        self.work.mkdir()

    def show_console_in(self, working_dir: Path) -> None:
        """Let ``output.txt`` in the working directory be the console."""
        shown = working_dir / "output.txt"
        with contextlib.suppress(FileNotFoundError):
            shown.unlink()
        try:
            os.link(self.console, shown)
        except OSError:
            shown.symlink_to(self.console)

    def share(self, kind: str) -> Path:
        """The run's own copy of its data or model."""
        return self.root / kind

    def forget_attempt(self) -> None:
        """Remove the records of an earlier start, before the next one."""
        for name in ("taken", "started.json", "cancel.json", "exit.json"):
            with contextlib.suppress(FileNotFoundError):
                (self.control / name).unlink()

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Write a control file so that a reader sees all of it or nothing."""
        path = self.control / name
        draft = path.with_name(name + ".new")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(path)

    def read(self, name: str, nonce: str | None = None) -> dict[str, Any] | None:
        """A control file; None if it is not there, or of another attempt than `nonce`."""
        try:
            content = json.loads((self.control / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(content, dict) or (nonce is not None and content.get("nonce") != nonce):
            return None
        return content

    def remove(self) -> None:
        """Delete the folder if it is there, whatever modes the run gave its files."""
        if not self.root.exists():
            return

        def make_writable(function: Any, path: str, _info: Any) -> None:
            with contextlib.suppress(OSError):
                os.chmod(os.path.dirname(path), 0o700)
                function(path)

        shutil.rmtree(self.root, onerror=make_writable)
