"""The teams pane: the team in use, its stores, and the nodes' controllers, with their health."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.app import ComposeResult

from xt_core.nodes.states import RUNNING, STOPPED, UNRESPONSIVE
from xt_core.query.formats import byte_text, counted, format_duration
from xt_core.query.table import display_width
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

    def on_resize(self) -> None:
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
        if not state.loaded:
            counts = "" if state.error else f"{counts if state.runs else ' '} loading…"
        text.append(
            "✘ " if state.error else "● ", STYLES["error"] if state.error else STYLES["completed"]
        )
        text.append(self._session.team.name, "bold").append(counts + "\n")
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
        nodes, waiting = self._state.nodes, self._waiting
        stopped = [node["name"] for node in nodes if node["state"] == STOPPED]
        if waiting and len(nodes) != 1:
            text.append(f"  {counted(waiting, 'work item')} waiting\n")
        for node in nodes:
            if node["state"] != STOPPED:
                self._tell_node(text, node, waiting if len(nodes) == 1 else 0)
        deserted = [node["name"] for node in self._state.deserted if node["name"] in stopped]
        if deserted:
            text.append(f"✘ {', '.join(deserted)}", STYLES["error"])
            text.append("  no controller: work waits, 7 s starts it\n")
        if idle := [name for name in stopped if name not in deserted]:
            text.append(f"○ {', '.join(idle)}", STYLES["cancelled"])
            text.append("  controller starts on demand")
        if len(nodes) == 1 and nodes[0]["controller"] is not None:
            controller = nodes[0]["controller"]
            up = format_duration(controller["uptime"])
            version, pid = controller["version"], controller["pid"]
            self._tell_parts(text, 0, [f"controller {version}", f"pid {pid}", f"up {up}"], "dim")

    @property
    def _waiting(self) -> int:
        """The work items of living jobs that no run has been made for."""
        state = self._state
        return sum(state.jobs[name].counts.unstarted for name in state.living)

    def _tell_node(self, text: Text, node: dict[str, Any], waiting: int) -> None:
        if node["state"] != RUNNING:
            is_silent = node["state"] == UNRESPONSIVE
            text.append("✘ ", STYLES["error"]).append(node["name"], "bold")
            told = "its controller does not answer" if is_silent else state_text(node)
            text.append(f"  {told}\n", STYLES["error"])
            return
        text.append("● ", STYLES["completed"]).append(node["name"], "bold")
        parts = [f"{node['running']} running", f"{node['queued']} queued"]
        parts += [f"{waiting:,} waiting"] if waiting else []
        parts += [f"load {load_text(node)}"] if load_text(node) else []
        parts += [counted(node["gpus"], "GPU")] if node["gpus"] else []
        self._tell_parts(text, 2 + display_width(node["name"]), parts)
        if node.get("trouble"):
            text.append(f"  {node['trouble']}\n", STYLES["error"])

    def _tell_parts(self, text: Text, used: int, parts: Sequence[str], style: str = "") -> None:
        """Facts with commas between them, behind so many cells; what has no room begins a line."""
        room = self.query_one(Facts).size.width if self.is_mounted else 0
        for place, part in enumerate(parts):
            told = part + ("," if place + 1 < len(parts) else "")
            gap = "  " if place == 0 else " "
            if place and room and used + len(gap) + display_width(told) > room:
                text.append("\n")
                gap, used = "  ", 0
            text.append(gap + told, style)
            used += len(gap) + display_width(told)
        text.append("\n")


def _services(session: Session) -> str:
    """Where the team's stores are."""
    team = session.team
    if team.is_embedded:
        return f"in {short(session.team_home.stats_file.parent)}"
    return team.services_text()
