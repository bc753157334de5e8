"""Choosing a team in the terminal UI: real services, real runs."""

import pytest
from servers.process import free_port
from support import Xt
from textual.widgets import OptionList
from tui_support import names, text_of, told, until

from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.screens.team import TeamScreen


async def test_without_another_team_there_is_nothing_to_choose(xt: Xt) -> None:
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.state.loaded)
        await pilot.press("T")
        await until(pilot, lambda: told(app) == ["the configuration has no other team"])


async def test_a_team_that_cannot_be_read_is_not_told_to_have_nothing(xt: Xt) -> None:
    port = free_port()
    xt.configure(
        f"external-services:\n  away: {{type: mongo, mongo-connection-string: "
        f'"mongodb://127.0.0.1:{port}/"}}\nteams:\n  dead: {{mongo: away}}\n'
    )
    chosen = {"general.xt-team-name": "dead"}
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ, overrides=chosen)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: app.state.error)
        assert app.state.error.endswith(f"127.0.0.1:{port}: [Errno 111] Connection refused")
        await until(pilot, lambda: "dead · ○ offline: Connection refused" in text_of(app))
        screen = text_of(app)
        assert screen.count("cannot be read: MongoDB") == 2  # the jobs, and the runs
        for untrue in ("0 runs", "0 jobs", "no runs yet", "no jobs yet", "loading"):
            assert untrue not in screen
    session.close()


@pytest.mark.parametrize("xt", ["services"], indirect=True)
async def test_another_team_is_shown_and_worked_with_and_left_again(xt: Xt) -> None:
    xt.script("t.py", "print('theirs')")
    xt.submit("t.py")
    xt("run", "--team", "local", "--wait", "--runs", "2", "t.py")
    assert xt.wait_job("job1") == "completed"
    xt.configure("teams:\n  wrong: {mongo: nothing}\n")
    session = Session(home=xt.home, cwd=xt.code, environ=xt.environ)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = pilot.app
        assert isinstance(app, XtApp)
        await until(pilot, lambda: names(app) == ["run1"])
        await until(pilot, lambda: "● default" in text_of(app))
        await until(pilot, lambda: "○ local, wrong  T switches" in text_of(app))

        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TeamScreen))
        options = app.screen.query_one(OptionList)
        shown = [str(options.get_option_at_index(n).prompt) for n in range(3)]
        assert shown[:2] == ["  local  stores of this machine", "● default  services stats, files"]
        assert "teams.wrong.mongo names 'nothing'" in shown[2]
        assert options.get_option_at_index(2).disabled
        await pilot.press("k", "enter")
        await until(pilot, lambda: names(app) == ["run1.2", "run1.1"])
        await until(pilot, lambda: "● local" in text_of(app))
        await pilot.press("3", "g", "a")
        await until(pilot, lambda: app.output.view.lines == ["theirs"])

        await pilot.press("T", "j", "escape")
        assert app.session.team.name == "local"
        await pilot.press("T", "j", "enter")
        await until(pilot, lambda: names(app) == ["run1"])
        await pilot.press(":", *"wrong", "enter")  # what cannot be chosen can be named
        await until(pilot, lambda: "teams.wrong.mongo names 'nothing'" in told(app)[-1])
        assert app.session.team.name == "default"
        await pilot.press("3", "a")
        await until(pilot, lambda: app.output.view.lines == ["theirs"])
    assert "general" not in xt.home.config_file.read_text()
    xt.stop_controllers("local")
