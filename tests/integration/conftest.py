"""Commands run in the test's own process, with an XT_HOME of their own."""

from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.home import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty XT_HOME, and an empty folder to be in."""
    monkeypatch.setenv("XT_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Home(tmp_path / "home")


@pytest.fixture
def commands(home: Home, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)
