"""What a user chose and XT remembers: one JSON file for each team, under `XT_HOME`.

It holds choices, no truth: a file that cannot be read is told of once and ignored, and losing it
loses no work. Each part is put as a whole; what other processes have put meanwhile stays.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

from xt_core.config.writing import replace_text
from xt_core.errors import RefusedError

_NAME = "choices.json"


class Choices:
    """The parts of one team's file, by name."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the team's files on this machine are."""
        self._file = folder / _NAME
        self.problem = ""
        """Why the file is ignored, in one line; empty if it is not."""
        self._spoilt = folder / f"{_NAME}.bad"
        """What could not be read is kept there, to be mended by hand."""
        self._is_spoilt = False

    def get(self, part: str) -> Any:
        """What was put under that name, as JSON gives it; None if nothing was."""
        return self._read().get(part)

    def put(self, part: str, value: Any) -> None:
        """Keep a value that JSON can hold; None forgets it. Sets `problem` if that fails."""
        parts = self._read()
        if self._is_spoilt:
            with contextlib.suppress(OSError):
                self._file.replace(self._spoilt)
        parts.pop(part, None)
        if value is not None:
            parts[part] = value
        try:
            replace_text(self._file, json.dumps(parts, indent=1) + "\n", durable=False)
        except RefusedError as error:
            self.problem = f"{error.message}; choices are not remembered"

    def _read(self) -> dict[str, Any]:
        self._is_spoilt = False
        try:
            parts = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.problem = f"{self._file}: {error.strerror}; it is ignored"
            return {}
        except ValueError:
            parts = None
        if not isinstance(parts, dict):
            self._is_spoilt = True
            self.problem = (
                f"{self._file} is no JSON object; it is ignored, and the next choice puts it aside"
                f" as {self._spoilt.name}"
            )
            return {}
        return parts
