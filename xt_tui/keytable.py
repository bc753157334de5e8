"""The table of actions, keys and headless commands, as `xt keys` and docs/keys.md have it."""

from collections.abc import Iterable, Mapping

from xt_tui.actions import ACTIONS
from xt_tui.keymap import key_text, keymap_of, keys_of
from xt_tui.panes.details import Page
from xt_tui.widgets.table import Table

Row = dict[str, str]


def taken_keys() -> set[str]:
    """The keys that move the cursors of lists and pages."""
    pairs = (*keys_of(Table.BINDINGS), *keys_of(Page.BINDINGS))
    return {key for keys, _ in pairs for key in keys.split(",")}


def user_keymap(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The keys that the user has changed, by action, and what is wrong with the setting."""
    return keymap_of(wanted, ACTIONS.values(), taken_keys())


def rows(changed: Mapping[str, str]) -> list[Row]:
    """One row an action, in the order of help."""
    return [
        {
            "action": action.id,
            "keys": key_text(changed.get(action.id, action.keys)),
            "pane": action.pane,
            "group": action.group,
            "does": action.help,
            "command": action.command,
        }
        for action in ACTIONS.values()
    ]


def lines(table: Iterable[Row]) -> list[str]:
    """The table for a terminal."""
    from xt_core.query.table import render_table

    columns = ["action", "keys", "pane", "does", "command"]
    return render_table(
        columns, [[row[name] for name in columns] for row in table], ["left"] * len(columns), 80
    )


def markdown() -> str:
    """The page of the documentation: the keys as they are unless the user changes them."""
    parts = [
        "# Keys of the terminal UI",
        "",
        "Made by `xt keys --markdown` from the registry of actions; `xt keys` shows yours. Change",
        "one in the configuration, by its action: `xt config set tui.keys.cancel=ctrl+x`.",
    ]
    table = rows({})
    for group in dict.fromkeys(row["group"] for row in table):
        parts += ["", f"## {group}", "", "| keys | action | does | command |", "|---|---|---|---|"]
        for row in table:
            if row["group"] == group:
                keys = " ".join(f"`{_escaped(key)}`" for key in row["keys"].split())
                pane = f" (in the {row['pane']} pane)" if row["pane"] else ""
                command = f"`{row['command']}`" if row["command"] else ""
                parts.append(f"| {keys} | `{row['action']}` | {row['does']}{pane} | {command} |")
    return "\n".join(parts) + "\n"


def _escaped(key: str) -> str:
    return key.replace("|", r"\|")
