"""The teams pane: the team in use, its stores, and the node's controller, with their health."""

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from xt_core.query.formats import counted, format_duration
from xt_core.session import Session
from xt_tui.panes.pane import Pane
from xt_tui.state import ViewState

_UNITS = ("B", "KB", "MB", "GB", "TB")
_LOW_DISK_BYTES = 1 << 30


class TeamsPane(Pane, can_focus=True):
    """Facts, refreshed with each batch."""

    def __init__(self, session: Session, state: ViewState) -> None:
        super().__init__("1 Teams", id="teams")
        self._session, self._state = session, state

    def compose(self) -> ComposeResult:
        yield Static(id="team-facts")

    def on_mount(self) -> None:
        self.update_facts()

    def update_facts(self) -> None:
        """Show the present state of things."""
        facts = Text(no_wrap=True, overflow="ellipsis")
        self._tell_team(facts)
        self._tell_node(facts)
        self.query_one("#team-facts", Static).update(facts)

    def _tell_team(self, text: Text) -> None:
        state, home = self._state, self._session.home
        counts = f"  {counted(len(state.runs), 'run')}, {counted(len(state.jobs), 'job')}"
        text.append("✘ " if state.error else "● ", "bold red" if state.error else "green")
        text.append("local", "bold").append(counts + ("" if state.loaded else ", loading…") + "\n")
        if state.error:
            text.append(f"  {state.error}\n", "bold red")
        if state.health is None:
            text.append(f"  {home.root}\n", "dim")
            return
        text.append(f"  stats {byte_text(state.health.stats_bytes)}", "dim")
        is_low = state.health.free_bytes < _LOW_DISK_BYTES
        free = (
            f", only {byte_text(state.health.free_bytes)} free"
            if is_low
            else (f", {byte_text(state.health.free_bytes)} free on the disk")
        )
        text.append(free + "\n", "bold red" if is_low else "dim")
        text.append(f"  in {home.stats_file.parent}\n", "dim")

    def _tell_node(self, text: Text) -> None:
        if self._state.status is None:
            text.append("○ node0", "yellow")
            text.append("  no controller runs; one starts on demand")
            return
        for node in self._state.status["nodes"]:
            controller = node["controller"]
            gpus = f", {counted(node['gpus'], 'GPU')}" if node.get("gpus") else ""
            text.append("● ", "green").append(node["name"], "bold")
            text.append(f"  {node['running']} running, {node['queued']} queued{gpus}\n")
            up = format_duration(controller["uptime"])
            version, pid = controller["version"], controller["pid"]
            text.append(f"  controller {version}, pid {pid}, up {up}", "dim")


def byte_text(size: float) -> str:
    """``1.4 GB``."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
