"""Setting one property in a YAML configuration file, whose other lines stay as they are.

The edited text is read again before it is written: unless it says exactly what the old one said,
plus the new value, the file stays untouched.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.config.document import compose, parse_settings, read_text, render
from xt_core.config.paths import property_at, split
from xt_core.config.properties import Keys, Kind, PropertyValue, Setting, Table
from xt_core.config.schema import SCHEMA
from xt_core.config.values import parse_text, quoted
from xt_core.config.writing import replace_text
from xt_core.errors import ConfigError

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node


class _UnusualShapeError(Exception):
    """The text is valid, but cannot be edited line by line."""


def write_setting(file: Path, path: str, value: str) -> None:
    """Set one property, given as text, in a file; the file and its folder are made if need be.

    Raises UnknownNameError for an unknown path; ConfigError for a wrong value, an invalid file, or
    one of too unusual a shape; RefusedError when the file cannot be written.
    """
    keys = split(path)
    new_value = _parsed(path, keys, value)
    text = read_text(file) if os.path.lexists(file) else ""
    before = parse_settings(text, file)
    try:
        edited = _Edit(text, keys, render(new_value)).apply(compose(text, file))
        _verify(edited, file, before, keys, new_value)
    except (_UnusualShapeError, ConfigError):
        raise ConfigError(
            f"cannot set {path} in {file}: the file is written in an unusual way",
            f"edit it by hand: {path} should be {render(new_value)}",
        ) from None
    # A link stays a link.
    replace_text(Path(os.path.realpath(file)), edited, durable=True)


def _parsed(path: str, keys: Keys, value: str) -> PropertyValue:
    declared = property_at(keys)
    if declared is None:
        raise ConfigError(f"{path} is not a single setting", "name one of its properties")
    if declared.kind is Kind.MAPPING:
        raise ConfigError(f"{path} is a mapping", f"set one of its names: {path}.NAME")
    parent = property_at(keys[:-1]) if len(keys) > 1 else None
    if parent is not None and parent.pattern and not parent.pattern.fullmatch(keys[-1]):
        raise ConfigError(f"a name must be {parent.pattern_help}, not {quoted(keys[-1])}")
    try:
        return parse_text(declared, value)
    except ValueError as error:
        raise ConfigError(f"{path} {error}") from None


def _verify(text: str, file: Path, before: list[Setting], keys: Keys, value: PropertyValue) -> None:
    wanted = {setting.keys: setting.value for setting in before} | {keys: value}
    if isinstance(SCHEMA[keys[0]], Table):
        wanted[keys[:2]] = None
    if {setting.keys: setting.value for setting in parse_settings(text, file)} != wanted:
        raise _UnusualShapeError


class _Edit:
    """One change to a text: where the keys lead as far as they exist, and what is to be added."""

    def __init__(self, text: str, keys: Keys, rendered: str) -> None:
        self._text = text
        self._keys = keys
        self._rendered = rendered
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def apply(self, root: "Node | None") -> str:
        """The edited text; raises _UnusualShapeError."""
        from yaml.nodes import MappingNode, ScalarNode

        header: Node | None = None
        node, rest = root, self._keys
        while rest and isinstance(node, MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == rest[0]), None)
            if pair is None:
                break
            (header, node), rest = pair, rest[1:]
        if header is not None and node is not None:
            if node.start_mark.index < header.end_mark.index:  # an alias of an earlier node
                raise _UnusualShapeError
            if not rest:
                return self._replaced(header, node)
        if isinstance(node, MappingNode) and node.flow_style:
            return self._inside_braces(node, rest)
        if isinstance(node, ScalarNode) and node.start_mark.index < node.end_mark.index:
            raise _UnusualShapeError  # a null that is written out
        mapping = node if isinstance(node, MappingNode) else None
        return self._inserted(header, mapping, rest)

    def _replaced(self, header: "Node", node: "Node") -> str:
        from yaml.nodes import ScalarNode, SequenceNode

        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            raise _UnusualShapeError
        if isinstance(node, SequenceNode) and not node.flow_style and node.value:
            start, end = header.end_mark.index, node.value[-1].end_mark.index
            colon = ": "
        else:
            colon = "" if start < end else " "
        span = self._text[start:end]
        if "\n" in span and "#" in span:  # a comment would be lost
            raise _UnusualShapeError
        return self._text[:start] + colon + self._rendered + self._text[end:]

    def _inside_braces(self, node: "MappingNode", keys: Keys) -> str:
        start = node.start_mark.index
        if self._text[start] != "{":
            raise _UnusualShapeError
        entry = self._rendered
        for depth, key in enumerate(reversed(keys)):
            entry = f"{render(key)}: {entry}" if depth == 0 else f"{render(key)}: {{{entry}}}"
        comma = ", " if node.value else ""
        return self._text[: start + 1] + entry + comma + self._text[start + 1 :]

    def _inserted(self, header: "Node | None", mapping: "MappingNode | None", keys: Keys) -> str:
        if mapping is not None and mapping.value:
            indent = mapping.value[0][0].start_mark.column
        else:
            indent = 0 if header is None else header.start_mark.column + 2
        lines = self._text.split("\n")
        at = self._line_for(lines, header, indent, keys[0])
        added = [" " * (indent + 2 * depth) + f"{render(key)}:" for depth, key in enumerate(keys)]
        added[-1] += f" {self._rendered}"
        before, after = "\n".join(lines[:at]), "\n".join(lines[at:])
        if before:
            before += "\n" if at < len(lines) else self._newline
        return before + self._newline.join(added) + self._newline + after

    def _line_for(self, lines: list[str], header: "Node | None", indent: int, name: str) -> int:
        """The index of the new line: below the commented-out setting of that name, else below the
        header, else at the end."""
        commented = re.compile(rf" {{{indent}}}# ?{re.escape(name)}:")
        first = 0
        if header is not None:
            first = self._text.count("\n", 0, header.start_mark.index) + 1
        for number, line in enumerate(lines[first:], first):
            bare = line.strip()
            if commented.match(line):
                return number + 1
            if bare and not bare.startswith("#") and len(line) - len(line.lstrip()) < indent:
                break
        if header is not None:
            return first
        return len(lines) if lines[-1] else len(lines) - 1
