"""Fixtures of all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Xt


@pytest.fixture
def xt(tmp_path: Path) -> Iterator[Xt]:
    """A whole XT of the test's own; its processes end with the test."""
    own = Xt(tmp_path / "home", tmp_path / "code")
    yield own
    own.close()
