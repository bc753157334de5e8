"""What the user does to controllers: started where there is none, or none that answers."""

from typing import TYPE_CHECKING

from xt_core.errors import XTError
from xt_core.home import is_own_node
from xt_core.nodes.boxcontroller import BoxController
from xt_core.nodes.states import MISCONFIGURED, RUNNING
from xt_core.session import Session
from xt_tui.acting.steering import Acted

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def start(app: "XtApp") -> None:
    """Start the controller of the node under the cursor. The feed confirms it."""
    pane, session = app.main.nodes, app.session
    if pane.node is None:
        return
    name = str(pane.node["name"])
    pane.set_starting(name, True)

    def failed(error: XTError) -> None:
        app.post_message(Acted("", [], error))
        if app.main.nodes is pane and app.main.is_open:
            pane.set_starting(name, False)

    def work() -> None:
        try:
            _start(session, name)
        except XTError as error:
            app.call_later(failed, error)
        else:
            app.post_message(Acted(f"the controller of {name} runs", []))

    app.run_worker(
        work, thread=True, group="act", description="start controller", exit_on_error=False
    )


def _start(session: Session, name: str) -> None:
    """Start it, in a thread; one on a box gets what its unfinished jobs need."""
    if is_own_node(name):
        session.controllers.ensure_running([name])
        return
    client = session.controllers.of(name)
    assert isinstance(client, BoxController)
    session.homecoming.ensure_running(client)


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
