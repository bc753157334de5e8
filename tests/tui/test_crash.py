"""A crash of the UI shows where, and no values."""

import pytest
from tui_support import until_loaded

from xt_core.session import Session
from xt_tui.app import XtApp


async def test_a_crash_prints_no_values_of_variables(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = XtApp(session)

    def crash() -> None:
        password = "hunter2"
        raise RuntimeError(f"broken by {len(password)}")

    with pytest.raises(RuntimeError, match="broken by 7"):  # noqa: PT012 (the app re-raises late)
        async with app.run_test(size=(140, 40)) as pilot:
            await until_loaded(pilot, 7)
            monkeypatch.setattr(app, "open_help", crash)
            await pilot.press("?")
            printed = "".join(
                segment.text
                for renderable in app._exit_renderables
                for segment in app.console.render(renderable)
            )
    assert "broken by 7" in printed
    assert printed.count("hunter2") == 1  # the line of code, and no list of values
