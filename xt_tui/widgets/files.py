"""Completion of file names in a form."""

from pathlib import Path

from textual.suggester import Suggester

from xt_tui.threads import read


class FileSuggester(Suggester):
    """Suggests the first file or folder whose path, from a folder on, begins as was typed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._folder = folder

    async def get_suggestion(self, value: str) -> str | None:
        return await read(lambda: self._first(value))

    def _first(self, value: str) -> str | None:
        above, slash, begun = value.rpartition("/")
        try:
            entries = sorted((self._folder / f"{above}{slash}").iterdir())
        except OSError:
            return None
        for entry in entries:
            if entry.name.startswith(begun) and (begun or not entry.name.startswith(".")):
                return f"{above}{slash}{entry.name}" + ("/" if entry.is_dir() else "")
        return None
