"""Ctrl-C wherever a command is: its exit code, and no traceback."""

import pytest
from cli_support import Commands

from xt_core.cli import view


class Met:
    """What an interrupt meets while a class is made, as a field of a dataclass."""

    def __set_name__(self, owner: type, name: str) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_while_a_module_is_loaded_is_one(
    xt: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_class(_: list[str]) -> int:
        type("Loaded", (), {"field": Met()})
        return 0

    monkeypatch.setattr(view, "main", make_class)
    assert xt("view", "run", "run1", code=130).err == ""
