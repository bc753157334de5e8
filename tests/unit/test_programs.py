"""The user's editor and pager."""

import signal
from pathlib import Path

import pytest

from xt_core.errors import UsageError, WorkFailedError
from xt_core.programs import editor, open_file, pager


def test_the_environment_names_them() -> None:
    assert editor({}) == "vi"
    assert editor({"EDITOR": "nano -w"}) == "nano -w"
    assert editor({"EDITOR": "nano", "VISUAL": "code --wait"}) == "code --wait"
    assert pager({"PAGER": "most"}) == "most"
    assert pager({"PATH": "/nowhere"}) == "more"


def test_one_that_cannot_start_or_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot start the pager 'no-such-program'"):
        open_file("no-such-program", tmp_path, "pager", "PAGER")
    with pytest.raises(UsageError, match="cannot start the editor"):
        open_file("vi 'open", tmp_path, "editor", "EDITOR")
    with pytest.raises(WorkFailedError, match="ended with exit code 3"):
        open_file("sh -c 'exit 3'", tmp_path, "editor", "EDITOR")


def test_an_interrupt_is_left_to_the_program(tmp_path: Path) -> None:
    file, before = tmp_path / "seen", signal.getsignal(signal.SIGINT)
    open_file("""sh -c 'kill -INT $PPID; echo yes > "$0"'""", file, "pager", "PAGER")
    assert file.read_text() == "yes\n"
    assert signal.getsignal(signal.SIGINT) is before
