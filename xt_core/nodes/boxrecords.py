"""What a home knows of its team's nodes on boxes: a small file each.

Several commands may work with one box at once: a file is written whole, by whoever is the last.
"""

import json
import os
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from xt_core.artifacts.store import storage_error
from xt_core.home import Home


@dataclass(frozen=True)
class BoxRecord:
    """A node on a box, as it was when it was last heard of."""

    name: str
    address: str = ""
    """Where the configuration said that it is: another address may be another machine."""
    socket: str = ""
    """The path of its controller's socket, "" if it has had none that this home knows of."""
    place: str = ""
    """Its `Home.place`."""
    log: str = ""
    """The path of its controller's log."""
    needs: list[str] = field(default_factory=list)
    """Which layers of packages it was given."""
    is_due: bool = False
    """Whether it may have something that this home does not have yet."""
    untold: list[str] = field(default_factory=list)
    """Jobs, new or extended, that were stored and are to be handed over."""
    heard: float | None = None
    """When it last answered (seconds since 1970)."""


class BoxRecords:
    """The files below the team's folder. Thread-safe."""

    def __init__(self, home: Home) -> None:
        self._folder = home.team_root / "boxes"

    def names(self) -> list[str]:
        """The boxes that have been used, sorted."""
        try:
            entries = os.listdir(self._folder)
        except OSError:
            return []
        return sorted(name.removesuffix(".json") for name in entries if name.endswith(".json"))

    def file(self, name: str) -> Path:
        """Where that of a box is."""
        return self._folder / f"{name}.json"

    def get(self, name: str) -> BoxRecord:
        """What is known; of a damaged file, or without one, nothing."""
        try:
            text = self.file(name).read_text(encoding="utf-8")
            return BoxRecord(**json.loads(text))
        except (OSError, ValueError, TypeError):
            return BoxRecord(name)

    def forget(self, name: str) -> None:
        """Know nothing of a box any more."""
        self.file(name).unlink(missing_ok=True)

    def update(self, name: str, **changes: object) -> BoxRecord:
        """Change what is known. Raises RefusedError or UnavailableError if it cannot be kept."""
        before = self.get(name)
        record = replace(before, **changes)  # type: ignore[arg-type]
        if record == before:
            return record
        file = self.file(name)
        draft = self._folder / f"{name}.{uuid.uuid4().hex}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
            os.replace(draft, file)
        except OSError as error:
            raise storage_error(error, f"cannot write {file}") from error
        return record
