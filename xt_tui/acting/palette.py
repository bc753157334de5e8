"""The command palette opened over the panes: what it finds there, and what choosing it does."""

from typing import TYPE_CHECKING, Any

from xt_core.errors import XTError
from xt_core.reports.nodes import state_text
from xt_core.services.team import named_team, team_names
from xt_tui.acting import charts, tables, teams
from xt_tui.actions import ACTIONS
from xt_tui.keymap import key_text
from xt_tui.palette import Hit, Key, Kind
from xt_tui.screens.palette import PaletteScreen
from xt_tui.screens.views import described
from xt_tui.state import marked

if TYPE_CHECKING:
    from xt_tui.app import XtApp
    from xt_tui.panes.records import RecordsPane

_PART = "palette"
_MOST_RECENT = 20


def open_palette(app: "XtApp") -> None:
    """Find anything by typing; what is chosen is remembered, and offered first."""
    recent = _recent(app)

    def chosen(hit: Hit | None) -> None:
        if hit is not None:
            others = [key for key in recent if key != hit.key]
            app.choices.put(_PART, [hit.key, *others][:_MOST_RECENT])
            hit.kind.go(hit.name)

    app.push_screen(PaletteScreen(_kinds(app), recent), chosen)


def _recent(app: "XtApp") -> list[Key]:
    """What was chosen lately, the newest first."""
    kept = app.choices.get(_PART)
    pairs = kept if isinstance(kept, list) else []
    return [
        (noun, name)
        for noun, name in (pair for pair in pairs if isinstance(pair, list) and len(pair) == 2)
        if isinstance(noun, str) and isinstance(name, str)
    ]


def _kinds(app: "XtApp") -> list[Kind]:
    """All that can be found now. Of equal matches those of the kinds with few names come first."""
    return [
        _actions(app),
        _views(app, app.runs, "view"),
        _views(app, app.jobs, "jobs view"),
        Kind("metric", app.metrics.logged, lambda name: charts.open_large(app, name)),
        _nodes(app),
        _teams(app),
        Kind("theme", sorted(app.available_themes), app.wear),
        _jobs(app),
        _runs(app),
    ]


def _actions(app: "XtApp") -> Kind:
    """Every action with its keys; of one that is not possible now the reason, once it is seen."""

    def about(name: str) -> str:
        action = ACTIONS[name]
        reason = app.why_not(action, app.main)
        keys = key_text(app.user_keys.get(name, action.keys))
        return f"[{keys}] {action.help if reason is None else f'not now: {reason}'}"

    titles = {action.id: action.title for action in ACTIONS.values()}
    texts = {action.id: f"{action.group} {action.help}" for action in ACTIONS.values()}
    return Kind("", list(ACTIONS), app.action_perform, about, titles, texts, is_listed=True)


def _views(app: "XtApp", pane: "RecordsPane[Any]", noun: str) -> Kind:
    views = pane.saved_views()

    def apply(name: str) -> None:
        tables.apply_view(app, pane, views[name])
        app.main.focus_pane(pane.nouns)

    return Kind(noun, list(views), apply, lambda name: described(views[name]))


def _nodes(app: "XtApp") -> Kind:
    nodes, table = app.main.nodes.entries, app.main.nodes.table

    def go(name: str) -> None:
        app.main.focus_pane("nodes")
        table.move_to(name)

    return Kind("node", list(nodes), go, lambda name: state_text(nodes[name]))


def _teams(app: "XtApp") -> Kind:
    config = app.session.config

    def about(name: str) -> str:
        try:
            return named_team(config, name).services_text()
        except XTError as error:
            return f"✘ {error.message}"

    return Kind("team", team_names(config), lambda name: teams.switch(app, name), about)


def _jobs(app: "XtApp") -> Kind:
    jobs = app.state.jobs

    def about(name: str) -> str:
        return f"{marked(app.state.job_status(jobs[name]))} {jobs[name].job.experiment}"

    return Kind("job", jobs.copy(), app.main.go_to_job, about)


def _runs(app: "XtApp") -> Kind:
    runs = app.state.runs
    return Kind(
        "run",
        runs.copy(),  # what is looked through in a thread does not change
        lambda name: app.main.go_to_run(runs[name].job, name),
        lambda name: f"{marked(app.state.run_status(runs[name]))} {runs[name].job}",
    )
