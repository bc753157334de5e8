"""Shows another team, until the user leaves."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.worker import Worker

from xt_core.errors import XTError
from xt_core.services.team import Team, named_team, team_names
from xt_core.session import Session
from xt_tui.telling import ACTS

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def choose(app: "XtApp") -> None:
    """Ask which team is shown."""
    from xt_tui.screens.team import TeamScreen

    config = app.session.config
    teams: dict[str, Team | XTError] = {}
    for name in team_names(config):
        try:
            teams[name] = named_team(config, name)
        except XTError as error:  # that of one team hides no other
            teams[name] = error
    app.push_screen(TeamScreen(teams, app.session.team.name), lambda name: switch(app, name))


def switch(app: "XtApp", name: str | None) -> None:
    """Show another team."""
    old = app.session
    if name is None or name == old.team.name:
        return
    chosen = {**old.overrides, "general.xt-team-name": name}
    new = Session(old.home, old.cwd, old.environ, chosen)
    try:
        team = new.team
    except XTError as error:
        app.notify(f"{error.message}\n{error.hint}".strip(), severity="error", markup=False)
        return
    if team.may_need_sign_in and not app.is_headless:
        # It asks on the terminal; in a browser there is none, and what is missing is told later.
        with contextlib.suppress(SuspendNotSupported), app.suspend():
            new.sign_in_beforehand()
    acts = [worker for worker in app.workers if worker.group == ACTS and not worker.is_finished]
    app.show_session(new)
    app.run_worker(_close(old, acts), description="leaving the team", exit_on_error=False)


async def _close(session: Session, acts: list[Worker[object]]) -> None:
    """Close a session once what the user began with it has ended; in a thread, as connections to
    boxes take their time."""
    await asyncio.gather(*(act.wait() for act in acts), return_exceptions=True)
    await asyncio.to_thread(session.close)
