"""What the user does to controllers: started where there is none, replaced where one hangs."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from xt_core.errors import XTError
from xt_core.home import is_own_node
from xt_core.nodes.boxcontroller import BoxController
from xt_core.nodes.states import MISCONFIGURED, RUNNING, UNRESPONSIVE
from xt_core.session import Session
from xt_tui.acting.steering import Acted, as_told
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.telling import ACTS

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def start(app: "XtApp") -> None:
    """Start the controller of the node under the cursor, or a new one in the place of one that
    hangs, if the user says yes. The feed confirms it."""
    node = app.main.nodes.node
    if node is None:
        return
    name = str(node["name"])
    if not _hangs(node):
        _begin(app, name, f"starting the controller of {name}", _start)
        return
    screen = ConfirmScreen(
        f"End the controller of {name}, which does not answer, and start a new one?",
        _jobs_of(app, name) or ["it has no unfinished job"],
        "Its process is killed. Runs live on: the new controller finds them, and nothing is lost.",
        "Start a new one",
        "Leave it",
    )

    def answered(yes: bool | None) -> None:
        if yes:
            _begin(app, name, f"replacing the controller of {name}", _replace)

    app.push_screen(screen, answered)


def _jobs_of(app: "XtApp", node: str) -> list[str]:
    """The unfinished jobs of a node."""
    jobs = app.state.jobs
    return [name for name in sorted(app.state.living) if node in jobs[name].job.nodes]


def _hangs(node: Mapping[str, Any]) -> bool:
    return bool(node["state"] == UNRESPONSIVE and is_own_node(node["name"]))


def _begin(app: "XtApp", name: str, doing: str, call: Callable[[Session, str], str]) -> None:
    """Make the call in a thread, which may take seconds; the node is shown as starting until the
    feed knows better."""
    pane, session = app.main.nodes, app.session
    pane.set_starting(name, True)
    app.notify(doing, markup=False)

    def failed(error: XTError) -> None:
        app.post_message(Acted("", [], error, doing=doing))
        if app.main.nodes is pane and app.main.is_open:
            pane.set_starting(name, False)

    def work() -> None:
        try:
            text = call(session, name)
        except Exception as error:  # whatever it is, it can be tried again
            app.call_later(failed, as_told(error))
        else:
            app.post_message(Acted(text, []))

    app.run_worker(
        work, thread=True, group=ACTS, description="start controller", exit_on_error=False
    )


def _start(session: Session, name: str) -> str:
    """Start it, in a thread; one on a box gets what its unfinished jobs need."""
    if is_own_node(name):
        session.controllers.ensure_running([name])
    else:
        client = session.controllers.of(name)
        assert isinstance(client, BoxController)
        session.homecoming.ensure_running(client)
    return f"the controller of {name} runs"


def _replace(session: Session, name: str) -> str:
    """End the one that hangs, in a thread, and start another."""
    killed = session.controllers.replace_hung([name])[name]
    ended = "" if killed is None else f"; process {killed} was ended"
    return f"a new controller of {name} runs{ended}"


def refusal(app: "XtApp") -> str | None:
    """Why no controller can be started on the node under the cursor."""
    node = app.main.nodes.node
    if app.read_only:
        return "it is read-only: no controller is started (--read-only, tui.read-only)"
    if node is None:
        return "no node is under the cursor"
    if node["state"] == RUNNING:
        return f"the controller of {node['name']} runs"
    if node["state"] == MISCONFIGURED:
        return str(node["reason"])
    return "it is being started" if app.main.nodes.is_starting(node["name"]) else None


def commands(app: "XtApp") -> list[tuple[str, str]]:
    """The commands about the chosen nodes, each with what it does."""
    found = []
    for node in app.main.nodes.chosen:
        name = node["name"]
        found.append((f"xt view system {name}", f"what the machine of {name} uses"))
        if _hangs(node):
            found.append((f"xt restart controller --hung {name}", "a new controller there"))
    return found
