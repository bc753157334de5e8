"""The nodes pane: this machine's nodes and the boxes, with what they do and how loaded they are."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from xt_core.home import is_own_node
from xt_core.nodes.states import RUNNING, STOPPED, UNRESPONSIVE, silent_node
from xt_core.query.formats import counted
from xt_core.query.table import display_width
from xt_core.reports.nodes import UNUSED, gpus_text, load_text, memory_text, state_text
from xt_core.session import Session
from xt_core.ssh.adding import remote_names
from xt_tui.actions import bindings
from xt_tui.panes.pane import Pane
from xt_tui.state import GLYPHS, STYLES, ViewState
from xt_tui.widgets.table import Table
from xt_tui.widgets.table_lines import Cell, TableColumn

_HEADERS = (" ", "node", "state", "load", "memory", "GPUs", "")
_NUMBERS = ("load", "memory")
_WIDEST = 56


class NodesPane(Pane):
    """A row a node. Boxes of the configuration are there before they are used."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("nodes")

    def __init__(self, session: Session, state: ViewState) -> None:
        super().__init__("", id="nodes")
        self._session, self._state = session, state
        self._entries: dict[str, Mapping[str, Any]] = {}
        self._boxes: dict[str, str] = {}
        """The addresses of the configuration's boxes."""
        self._rows: list[list[str]] | None = None
        """The texts that are shown."""
        self._starting = set[str]()
        """Nodes whose controllers are being started, until the feed tells that they run."""
        self._marked = set[str]()

    def compose(self) -> ComposeResult:
        yield Table(self._cells, id="nodes-table", empty="no nodes: press b to add a box")

    def on_mount(self) -> None:
        self.reload()

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    @property
    def target(self) -> Table:
        return self.table

    @property
    def entries(self) -> Mapping[str, Mapping[str, Any]]:
        """The nodes by name, with the keys of `xt status --json`."""
        return self._entries

    @property
    def node(self) -> Mapping[str, Any] | None:
        """The node under the cursor, with the keys of `xt status --json`."""
        return self._entries.get(self.table.cursor_key or "")

    @property
    def chosen(self) -> list[Mapping[str, Any]]:
        """The marked nodes, else the one under the cursor."""
        marked = [node for name, node in self._entries.items() if name in self._marked]
        return marked or ([] if self.node is None else [self.node])

    def toggle_mark(self) -> None:
        """Mark or unmark the cursor's node, and go on to the next."""
        if self.table.cursor_key is not None:
            self._marked ^= {self.table.cursor_key}
            self.update_rows()
            self.table.action_cursor(1)

    def clear_marks(self) -> None:
        self._marked.clear()
        self.update_rows()

    @property
    def box(self) -> str | None:
        """The node under the cursor, if it is a box."""
        node = self.node
        return None if node is None or is_own_node(node["name"]) else str(node["name"])

    def is_starting(self, name: str) -> bool:
        return name in self._starting

    def set_starting(self, name: str, is_starting: bool) -> None:
        """The controller of a node is being started, or could not be."""
        (self._starting.add if is_starting else self._starting.discard)(name)
        self.update_rows()

    def reload(self) -> None:
        """Take the boxes from the configuration as it is now."""
        boxes: dict[str, dict[str, Any]] = self._session.config.as_dict()["boxes"]
        self._boxes = {name: boxes[name]["address"] for name in remote_names(self._session)}
        self.update_rows()

    def update_rows(self) -> None:
        """Show the present state of things."""
        self._entries = {node["name"]: node for node in self._state.nodes}
        for name in self._boxes:
            self._entries.setdefault(name, silent_node(name, name, UNUSED))
        self._marked &= self._entries.keys()
        self._starting -= {n for n, node in self._entries.items() if node["state"] == RUNNING}
        rows = [[cell.text for cell in self._cells(name)] for name in self._entries]
        if rows == self._rows:
            return
        self._rows = rows
        self.table.show(
            [
                TableColumn(header, _width(place, header, rows), header in _NUMBERS)
                for place, header in enumerate(_HEADERS)
            ],
            list(self._entries),
        )
        if not self.table.moved_at:
            self.table.rest_at_top()  # this machine comes first, and is heard of last
        busy = sum(bool(node["running"]) for node in self._entries.values())
        marked = f" · {len(self._marked)} marked" if self._marked else ""
        count = counted(len(self._entries), "node")
        self.border_subtitle = f"{count}, {busy} busy{marked} · b adds a box"

    def _cells(self, name: str) -> list[Cell]:
        node = self._entries[name]
        glyph, style = look(node)
        state = Cell(f"{glyph} {state_text(node)}", style)
        about = node.get("trouble") or node.get("reason") or self._boxes.get(name, "")
        if name in self._starting:
            state = Cell(f"{GLYPHS['spawning']} starting", STYLES["cancelling"])
        elif node["state"] == STOPPED:
            about = f"s starts it  {about}".rstrip()
        elif node["state"] == UNRESPONSIVE and is_own_node(name):
            about = "s replaces it"
        return [
            Cell("●" if name in self._marked else " ", STYLES["marked"]),
            Cell(name, "bold"),
            state,
            Cell(load_text(node)),
            Cell(memory_text(node)),
            Cell(gpus_text(node)),
            Cell(about, "dim"),
        ]

    @on(Table.CursorMoved)
    def _keep(self, message: Table.CursorMoved) -> None:
        message.stop()  # it is nobody else's matter


def look(node: Mapping[str, Any]) -> tuple[str, str]:
    """A node's glyph and style, by its state."""
    if node["state"] == RUNNING:
        return ("▶", STYLES["running"]) if node["running"] else ("●", STYLES["completed"])
    if node["state"] in (STOPPED, UNUSED):
        return "○", STYLES["cancelled"] if node["state"] == STOPPED else "dim"
    return "✘", STYLES["error"]


def _width(place: int, header: str, rows: Sequence[Sequence[str]]) -> int:
    widest = max((display_width(row[place]) for row in rows), default=0)
    return max(len(header), widest if place == len(_HEADERS) - 1 else min(_WIDEST, widest))
