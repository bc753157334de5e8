"""Who leaves the UI waits for what was begun last, and is told so if that takes long."""

import asyncio
import os
import threading
from typing import cast

import pytest

from xt_tui import leaving
from xt_tui.app import XtApp


class LeftApp:
    """Its user leaves at once; what was begun ends when that is told, or at once."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *, is_slow: bool) -> None:
        self._capsys, self._is_slow = capsys, is_slow
        self._gate = threading.Event()
        self.ended, self.told = False, ""
        self.return_code = 0
        self._begun: list[object] = []

    async def run_async(self) -> None:
        loop = asyncio.get_running_loop()
        self._begun.append(loop.run_in_executor(None, self._act))
        if self._is_slow:
            self._begun.append(asyncio.create_task(self._open_once_told()))

    def exit(self, *, return_code: int) -> None:
        self.return_code = return_code

    def end(self, code: int) -> None:
        """In the place of the process's end."""
        self._gate.set()
        raise SystemExit(code)

    def _act(self) -> None:
        self.ended = not self._is_slow or self._gate.wait(60)

    async def _open_once_told(self) -> None:
        while not self.told:
            await asyncio.sleep(0)
            self.told = self._capsys.readouterr().err
        self._gate.set()


@pytest.mark.parametrize("is_slow", [True, False])
def test_what_was_begun_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    monkeypatch.setattr(leaving, "_SOON_SECONDS", 0.01 if is_slow else 60.0)
    app = LeftApp(capsys, is_slow=is_slow)
    asyncio.run(leaving.run_to_the_end(cast(XtApp, app)))
    assert app.ended
    told = "waiting for what was begun last, which its controller has not answered yet; "
    assert app.told.startswith(told) is is_slow
    assert capsys.readouterr().err == ""


def test_nothing_is_waited_for_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "_SOON_SECONDS", 0.01)
    app = LeftApp(capsys, is_slow=True)
    monkeypatch.setattr(os, "_exit", app.end)
    app.exit(return_code=129)
    with pytest.raises(SystemExit, match="129"):
        asyncio.run(leaving.run_to_the_end(cast(XtApp, app)))
    assert app.told == capsys.readouterr().err == ""
