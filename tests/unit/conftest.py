"""What several unit tests start from: configuration files, a run's journal, a time zone."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import tzset

import pytest
from config_support import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("XT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "journal.jsonl"
    monkeypatch.setenv("XT_JOURNAL", str(path))
    return path


@pytest.fixture
def two_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XXX-2")
    tzset()
    yield
    monkeypatch.undo()
    tzset()
