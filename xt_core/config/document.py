"""A YAML configuration file as validated settings, each with its file and line.

The text is composed to nodes, not loaded to values: nodes keep their lines, and the text of a
scalar, so that ``username: no`` is the text "no" and ``seed: 010`` is ten.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from xt_core.config import values
from xt_core.config.paths import dotted, hint_for_property, hint_for_section
from xt_core.config.properties import (
    ELEMENT,
    Keys,
    Kind,
    Property,
    PropertyValue,
    Section,
    Setting,
    Table,
)
from xt_core.config.schema import SCHEMA
from xt_core.errors import ConfigError

if TYPE_CHECKING:
    from yaml.nodes import Node, ScalarNode

_NULL_TAG = "tag:yaml.org,2002:null"
_MERGE_TAG = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "bool", "int", "float", "null", "timestamp", "value", "merge", "map", "seq")
)


def read_text(file: Path) -> str:
    """The text of a configuration file, line ends as they stand.

    Raises ConfigError when it cannot be read or is not UTF-8.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration file {file}: {error.strerror}",
            "make it a readable YAML file, or remove it",
        ) from error
    return decode(data, file)


def decode(data: bytes, file: Path) -> str:
    """The text of a file; raises ConfigError, with its line, for what is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not valid UTF-8", "save the file as UTF-8") from error


def parse_settings(text: str, file: Path) -> list[Setting]:
    """The settings of a configuration text, in its order; `file` is for messages and origins.

    Raises ConfigError, with file and line, for anything that the schema does not allow.
    """
    try:
        root = compose(text, file)
        return [] if root is None else list(_Reader(file).document(root))
    except RecursionError:
        raise ConfigError(f"{file}:1: nested too deeply") from None


def compose(text: str, file: Path) -> "Node | None":
    """The root node of a YAML text, None when it holds nothing.

    Raises ConfigError, with file and line, for a syntax error.
    """
    import yaml

    try:
        root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{file}:{line}: a control character is not allowed") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        parts = [part for part in (error.context, error.problem) if part]
        raise ConfigError(
            f"{file}:{line}: {', '.join(parts)}", "the file must be valid YAML"
        ) from error
    return root


def line_of(node: "Node") -> int:
    """The line, from 1, on which a node begins."""
    return int(node.start_mark.line) + 1


class _Reader:
    """Walks the nodes of one file along the schema."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def document(self, root: "Node") -> Iterator[Setting]:
        if root.tag == _NULL_TAG:
            return
        for name, key, node in self._pairs(root, "the file"):
            section = SCHEMA.get(name)
            if section is None:
                self._fail(key, f"unknown section '{name}'", hint_for_section(name))
            if isinstance(section, Property):
                yield from self._property((name,), section, key, node)
            elif isinstance(section, Section):
                yield from self._record((name,), section, node)
            else:
                yield from self._table(name, section, node)

    def _table(self, table: str, declared: Table, node: "Node") -> Iterator[Setting]:
        for name, key, entry in self._pairs(node, table):
            if not name.strip():
                self._fail(key, f"a name in {table} is blank")
            yield Setting((table, name), None, self._place(key))
            yield from self._record((table, name), declared, entry)

    def _record(self, keys: Keys, declared: Section | Table, node: "Node") -> Iterator[Setting]:
        for name, key, value in self._pairs(node, dotted(keys)):
            if name not in declared.properties:
                hint = hint_for_property(name, declared)
                self._fail(key, f"unknown property '{name}' in {dotted(keys)}", hint)
            yield from self._property((*keys, name), declared.properties[name], key, value)

    def _property(
        self, keys: Keys, declared: Property, key: "Node", node: "Node"
    ) -> Iterator[Setting]:
        if declared.kind is not Kind.MAPPING:
            yield Setting(keys, self._value(keys, declared, node), self._place(key))
            return
        for name, name_key, value in self._pairs(node, dotted(keys)):
            if declared.pattern is not None and not declared.pattern.fullmatch(name):
                what = f"a name in {dotted(keys)} must be {declared.pattern_help}"
                self._fail(name_key, f"{what}, not {values.quoted(name)}")
            item = (*keys, name)
            yield Setting(item, self._value(item, ELEMENT, value), self._place(name_key))

    def _value(self, keys: Keys, declared: Property, node: "Node") -> PropertyValue:
        from yaml.nodes import ScalarNode, SequenceNode

        self._check_tag(node)
        try:
            if isinstance(node, ScalarNode):
                return _scalar(declared, node)
            if isinstance(node, SequenceNode) and declared.kind is Kind.STRINGS:
                return [self._item(keys, item) for item in node.value]
            kind = "a list" if isinstance(node, SequenceNode) else "a mapping"
            raise values.wrong(declared, kind)
        except ValueError as error:
            hint = ""
            if declared.kind is Kind.STRINGS and isinstance(node, ScalarNode) and node.value:
                hint = f"write it as a list: [{node.value}]"
            self._fail(node, f"{dotted(keys)} {error}", hint)

    def _item(self, keys: Keys, node: "Node") -> str:
        from yaml.nodes import ScalarNode

        self._check_tag(node)
        if not isinstance(node, ScalarNode) or node.tag == _NULL_TAG:
            self._fail(node, f"every item of {dotted(keys)} must be text")
        return str(node.value)

    def _pairs(self, node: "Node", where: str) -> list[tuple[str, "Node", "Node"]]:
        """(name, key, value) of a mapping, those merged by ``<<`` first; none for null."""
        from yaml.nodes import MappingNode

        self._check_tag(node)
        if node.tag == _NULL_TAG:
            return []
        if not isinstance(node, MappingNode):
            self._fail(node, f"{where} must be a mapping of names to values")
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            if key.tag == _MERGE_TAG:
                for name, merged_key, merged_value in self._merged(value, where):
                    merged.setdefault(name, (merged_key, merged_value))
                continue
            name = self._name(key, where)
            if name in own:
                first = line_of(own[name][0])
                self._fail(key, f"'{name}' appears twice in {where} (first on line {first})")
            own[name] = (key, value)
        return [(name, key, value) for name, (key, value) in (merged | own).items()]

    def _merged(self, node: "Node", where: str) -> Iterator[tuple[str, "Node", "Node"]]:
        from yaml.nodes import SequenceNode

        for source in node.value if isinstance(node, SequenceNode) else [node]:
            yield from self._pairs(source, where)

    def _name(self, key: "Node", where: str) -> str:
        from yaml.nodes import ScalarNode

        self._check_tag(key)
        if not isinstance(key, ScalarNode):
            self._fail(key, f"a name in {where} must be text")
        return str(key.value)

    def _check_tag(self, node: "Node") -> None:
        if node.tag not in _PLAIN_TAGS:
            self._fail(node, f"the YAML tag '{node.tag}' is not allowed")

    def _place(self, node: "Node") -> str:
        return f"{self._file}:{line_of(node)}"

    def _fail(self, node: "Node", problem: str, hint: str = "") -> NoReturn:
        raise ConfigError(f"{self._place(node)}: {problem}", hint)


def _scalar(declared: Property, node: "ScalarNode") -> PropertyValue:
    text = str(node.value)
    if node.tag == _NULL_TAG:
        if declared.single:
            return []
        if declared.nullable:
            return None
        raise values.wrong(declared, "null")
    is_quoted = node.style is not None
    if is_quoted and declared.kind not in (Kind.STRING, Kind.STRINGS):
        raise values.wrong(declared, f"the text {values.quoted(text)}")
    return values.parse_scalar(declared, text)


def render(value: PropertyValue) -> str:
    """A value as YAML on one line, valid between braces too."""
    import yaml

    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = yaml.safe_dump([value], default_flow_style=True, width=2**31, allow_unicode=True)
    return str(text).strip()[1:-1]
