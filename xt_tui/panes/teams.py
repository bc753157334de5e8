"""The teams pane: the team in use, its stores, and the nodes' controllers, with their health."""

from typing import Any

from rich.text import Text
from textual.app import ComposeResult

from xt_core.nodes.states import RUNNING, STOPPED, UNRESPONSIVE
from xt_core.query.formats import byte_text, counted, format_duration
from xt_core.reports.nodes import load_text, state_text
from xt_core.services.team import team_names
from xt_core.session import Session
from xt_tui.panes.pane import Pane
from xt_tui.paths import short
from xt_tui.state import STYLES, Health, ViewState
from xt_tui.widgets.facts import Facts

_LOW_DISK_BYTES = 1 << 30


class TeamsPane(Pane, can_focus=True):
    """Facts, refreshed with each batch."""

    def __init__(self, session: Session, state: ViewState) -> None:
        super().__init__("1 Teams", id="teams")
        self._session, self._state = session, state

    def compose(self) -> ComposeResult:
        yield Facts(id="team-facts")

    def on_mount(self) -> None:
        self.update_facts()

    def update_facts(self) -> None:
        """Show the present state of things."""
        facts = Text(no_wrap=True, overflow="ellipsis")
        self._tell_team(facts)
        self._tell_nodes(facts)
        self.query_one("#team-facts", Facts).update(facts)

    def _tell_team(self, text: Text) -> None:
        state, home = self._state, self._session.team_home
        counts = f"  {counted(len(state.runs), 'run')}, {counted(len(state.jobs), 'job')}"
        text.append(
            "✘ " if state.error else "● ", STYLES["error"] if state.error else STYLES["completed"]
        )
        text.append(self._session.team.name, "bold").append(
            counts + ("" if state.loaded else ", loading…") + "\n"
        )
        if state.error:
            text.append(f"  {state.error}\n", STYLES["error"])
        if state.health is None:
            text.append(f"  {short(home.root)}\n", "dim")
        else:
            self._tell_health(text, state.health)
        others = [
            name for name in team_names(self._session.config) if name != self._session.team.name
        ]
        if others:
            text.append(f"○ {', '.join(others)}", "dim").append("  T switches\n", "dim")

    def _tell_health(self, text: Text, health: Health) -> None:
        """Where the team's stores are, and how full."""
        is_low = health.free_bytes < _LOW_DISK_BYTES
        free = f"{'only ' * is_low}{byte_text(health.free_bytes)} free"
        text.append(f"  stats {byte_text(health.stats_bytes)}, ", "dim")
        text.append(free + "\n", STYLES["error"] if is_low else "dim")
        text.append(f"  {_services(self._session)}\n", "dim")

    def _tell_nodes(self, text: Text) -> None:
        """A line a node, with one for all that are stopped; of an only node also its controller."""
        nodes = self._state.nodes
        stopped = [node["name"] for node in nodes if node["state"] == STOPPED]
        for node in nodes:
            if node["state"] != STOPPED:
                _tell_node(text, node)
        if stopped:
            text.append(f"○ {', '.join(stopped)}", STYLES["cancelled"])
            text.append("  controller starts on demand")
        elif len(nodes) == 1 and nodes[0]["controller"] is not None:
            controller = nodes[0]["controller"]
            up = format_duration(controller["uptime"])
            version, pid = controller["version"], controller["pid"]
            text.append(f"  controller {version}, pid {pid}, up {up}", "dim")


def _services(session: Session) -> str:
    """Where the team's stores are."""
    team = session.team
    if team.is_embedded:
        return f"in {short(session.team_home.stats_file.parent)}"
    return team.services_text()


def _tell_node(text: Text, node: dict[str, Any]) -> None:
    if node["state"] != RUNNING:
        is_silent = node["state"] == UNRESPONSIVE
        text.append("✘ ", STYLES["error"]).append(node["name"], "bold")
        told = "its controller does not answer" if is_silent else state_text(node)
        text.append(f"  {told}\n", STYLES["error"])
        return
    gpus = f", {counted(node['gpus'], 'GPU')}" if node["gpus"] else ""
    text.append("● ", STYLES["completed"]).append(node["name"], "bold")
    load = f", load {load_text(node)}" if load_text(node) else ""
    text.append(f"  {node['running']} running, {node['queued']} queued{load}{gpus}\n")
