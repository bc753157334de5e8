"""Places for the unit tests: configuration files, and a run's journal."""

import os
from pathlib import Path

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
