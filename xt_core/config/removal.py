"""Taking one entry out of a table of a YAML configuration file, whose other lines stay.

As with an edit, the file stays untouched unless the new text says exactly what the old one said,
less the entry.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.config.document import compose, parse_settings, read_text
from xt_core.config.writing import replace_text
from xt_core.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node


def remove_entry(file: Path, table: str, name: str) -> None:
    """Remove `table`.`name` from a file, with the comments within it.

    Raises UnknownNameError where the file has no such entry; ConfigError for an invalid file, or
    one of too unusual a shape; RefusedError when it cannot be written.
    """
    text = read_text(file)
    before = parse_settings(text, file)
    entry = (table, name)
    if not any(setting.keys[:2] == entry for setting in before):
        raise UnknownNameError(f"{file} has no {table}.{name}")
    wanted = {s.keys: s.value for s in before if s.keys[:2] != entry}
    edited = _without(text, compose(text, file), table, name)
    try:
        said = {s.keys: s.value for s in parse_settings(edited, file)}
    except ConfigError:
        said = {}
    if edited == text or said != wanted:
        raise ConfigError(
            f"cannot remove {table}.{name} from {file}: the file is written in an unusual way",
            "remove it by hand",
        )
    # A link stays a link.
    replace_text(Path(os.path.realpath(file)), edited, durable=True)


def _without(text: str, root: "Node | None", table: str, name: str) -> str:
    from yaml.nodes import MappingNode

    entries = _value(root, table)
    if not isinstance(entries, MappingNode):
        return text
    keys = [key.value for key, _ in entries.value]
    if name not in keys:
        return text
    position = keys.index(name)
    if entries.flow_style:
        return _out_of_braces(text, entries, position)
    key, value = entries.value[position]
    lines = text.split("\n")
    first, last = key.start_mark.line, max(key.end_mark.line, _last_line(value))
    return "\n".join(lines[:first] + lines[last + 1 :])


def _value(node: "Node | None", name: str) -> "Node | None":
    from yaml.nodes import MappingNode

    if not isinstance(node, MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _out_of_braces(text: str, entries: "MappingNode", position: int) -> str:
    """The entry goes with the comma after it or, as the last one, with that before it."""
    key, value = entries.value[position]
    start, end = key.start_mark.index, value.end_mark.index
    if position + 1 < len(entries.value):
        end = entries.value[position + 1][0].start_mark.index
    elif position:
        start = entries.value[position - 1][1].end_mark.index
    return text[:start] + text[end:]


def _last_line(node: "Node") -> int:
    """The line on which a value ends; a block's own mark lies on what follows it."""
    from yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode) and not node.flow_style:
        return max(_last_line(value) if value.value else key.end_mark.line
                   for key, value in node.value)  # fmt: skip
    if isinstance(node, SequenceNode) and not node.flow_style:
        return max(_last_line(item) for item in node.value)
    return int(node.end_mark.line)
