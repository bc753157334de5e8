"""The teams pane: the team in use, its stores, and the node's controller, with their health."""

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from xt_core.query.formats import counted, format_duration
from xt_core.session import Session
from xt_tui.panes.pane import Pane
from xt_tui.state import ViewState


class TeamsPane(Pane):
    """Facts, refreshed with each batch."""

    def __init__(self, session: Session, state: ViewState) -> None:
        super().__init__("1 Teams", id="teams")
        self._session, self._state = session, state

    def compose(self) -> ComposeResult:
        yield Static(id="team-facts")

    def on_mount(self) -> None:
        self.can_focus = True
        self.update_facts()

    def update_facts(self) -> None:
        """Show the present state of things."""
        self.query_one("#team-facts", Static).update(self._facts())

    def _facts(self) -> Text:
        state = self._state
        runs = sum(not run.is_parent for run in state.runs.values())
        healthy = not state.error
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append("● " if healthy else "✘ ", "green" if healthy else "bold red")
        text.append("local", "bold").append("  stats and files on this machine\n")
        if state.error:
            text.append(f"  {state.error}\n", "bold red")
        text.append(f"  {self._session.home.root}\n", "dim")
        text.append(f"  {counted(runs, 'run')}, {counted(len(state.jobs), 'job')}\n")
        if state.status is None:
            return text.append("○ node0", "yellow").append(
                "  no controller runs; one starts on demand"
            )
        for node in state.status["nodes"]:
            controller = node["controller"]
            gpus = f", {node['gpus']} GPUs" if node.get("gpus") else ""
            text.append("● ", "green").append(node["name"], "bold")
            text.append(f"  {node['running']} running, {node['queued']} queued{gpus}\n")
            up = format_duration(controller["uptime"])
            text.append(
                f"  controller {controller['version']}, pid {controller['pid']}, up {up}", "dim"
            )
        return text
