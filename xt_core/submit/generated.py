"""The config file that hands a run its hyperparameters, generated or merged into the user's own.

`model.depth` is the entry `depth` of the mapping `model`, unless the user's file has a key with
that dot in it. What else the file has is kept as it stands there, but for comments.
Invariant: readers see the old file or the whole new one, and every value is read back exactly, type
included, by readers of YAML 1.1, of YAML 1.2 and of JSON; writing the same set again changes
nothing.
"""

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from xt_core.config.document import compose, decode, line_of
from xt_core.config.writing import replace_text
from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.values import quote_value

if TYPE_CHECKING:
    from yaml.nodes import Node

JSON_SUFFIX = ".json"
SURROGATE = re.compile("[\ud800-\udfff]")
BOOLEAN_LETTERS = frozenset("yYnN")
"""Booleans of YAML 1.1 that PyYAML writes without quotes."""
UNLIMITED = 2**31
"""A width at which no text is broken into lines."""

Tree = TypeVar("Tree")


def write_generated(
    path: Path, hparams: Mapping[str, Value], run_name: str, run_index: int
) -> None:
    """Write a set into a config file: JSON if it is named `*.json`, else YAML.

    A file that is there already keeps its other entries. YAML says in a comment which run and set
    it is of. A link is replaced by a file, so that what it leads to stays as it is. Raises
    UsageError if the file or the names cannot take the values, RefusedError if it cannot be
    written.
    """
    check_nesting(hparams)
    document: _Json | _Yaml
    if path.suffix.lower() == JSON_SUFFIX:
        document = _Json(path)
    else:
        document = _Yaml(path, f"# Hyperparameters of {run_name} (set {run_index}), written by XT.")
    replace_text(path, document.merged(_read(path), hparams), durable=False)


def check_nesting(names: Iterable[str]) -> None:
    """Raises UsageError if the names cannot stand together in a config file: a part between dots
    is empty, or one is both a value and a mapping."""
    every = list(names)
    for name in every:
        parts = name.split(".")
        if not all(parts):
            raise UsageError(
                f"hyperparameter {name}: a part of the name is empty",
                "in a config file, dots stand between the names of nested entries, as model.depth",
            )
        for count in range(1, len(parts)):
            outer = ".".join(parts[:count])
            if outer in every:
                raise UsageError(
                    f"hyperparameter {outer} is a value, but {name} makes it a mapping",
                    f"rename one of them for the config file, as {outer}.name",
                )


class _Document(ABC, Generic[Tree]):
    """A format of config files, as trees that never change and whose inner nodes are mappings."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def merged(self, data: bytes, hparams: Mapping[str, Value]) -> str:
        """The text of a file that holds `data`, with these values."""
        try:
            root = self._parsed(data)
            for name, value in hparams.items():
                root = self._with_value(root, name.split("."), name, value)
            return self._text(root)
        except RecursionError:
            raise UsageError(
                f"{self._path}: nested too deeply", "generate a file of another name"
            ) from None

    def _parsed(self, data: bytes) -> Tree:
        text = decode(data, self._path)
        root = self._parse(text) if text.strip() else None
        if root is None:
            return self._empty()
        if not self._is_mapping(root):
            raise UsageError(
                f"{self._place(root)}: not a mapping, so hyperparameters cannot be added",
                "make it a mapping of names to values, or generate a file of another name",
            )
        return root

    def _with_value(self, mapping: Tree, parts: list[str], name: str, value: Value) -> Tree:
        """The mapping with a value at the path of `parts`, the last of those of `name`."""
        key, count = self._key(mapping, parts)
        old = self._child(mapping, key)
        if count < len(parts):
            if old is not None and not self._is_mapping(old):
                raise self._conflict(old, f"{key} is a value, but {name} needs a mapping")
            inner = self._empty() if old is None else old
            child = self._with_value(inner, parts[count:], name, value)
        elif old is not None and self._is_mapping(old):
            raise self._conflict(old, f"{key} is a mapping, but {name} is a value")
        else:
            child = self._leaf(name, value)
        return self._with_child(mapping, key, child)

    def _key(self, mapping: Tree, parts: list[str]) -> tuple[str, int]:
        """The key that the path goes through, which takes so many parts: the longest there is."""
        for count in range(len(parts), 1, -1):
            key = ".".join(parts[:count])
            if self._has(mapping, key):
                return key, count
        return parts[0], 1

    def _conflict(self, tree: Tree, problem: str) -> UsageError:
        hint = "rename the hyperparameter, or the entry of the file"
        return UsageError(f"{self._place(tree)}: {problem}", hint)

    @abstractmethod
    def _place(self, tree: Tree) -> str:
        """Where a tree stands, for messages."""

    @abstractmethod
    def _parse(self, text: str) -> Tree | None:
        """None for a null."""

    @abstractmethod
    def _text(self, root: Tree) -> str: ...

    @abstractmethod
    def _empty(self) -> Tree: ...

    @abstractmethod
    def _leaf(self, name: str, value: Value) -> Tree: ...

    @abstractmethod
    def _is_mapping(self, tree: Tree) -> bool: ...

    @abstractmethod
    def _has(self, mapping: Tree, key: str) -> bool: ...

    @abstractmethod
    def _child(self, mapping: Tree, key: str) -> Tree | None:
        """None for a null, and where there is none."""

    @abstractmethod
    def _with_child(self, mapping: Tree, key: str, child: Tree) -> Tree: ...


class _Json(_Document[Any]):
    """JSON, as the objects of Python."""

    def _place(self, tree: Any) -> str:
        return str(self._path)

    def _parse(self, text: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{self._path}:{error.lineno}: {error.msg}", "the file must be valid JSON"
            ) from error

    def _text(self, root: Any) -> str:
        text = json.dumps(root, indent=2, ensure_ascii=False) + "\n"
        return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

    def _empty(self) -> Any:
        return {}

    def _leaf(self, name: str, value: Value) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(
                f"hyperparameter {name}: JSON has no {value}",
                f"generate a YAML file, as {self._path.stem}.yaml",
            )
        return value

    def _is_mapping(self, tree: Any) -> bool:
        return isinstance(tree, dict)

    def _has(self, mapping: Any, key: str) -> bool:
        return key in mapping

    def _child(self, mapping: Any, key: str) -> Any:
        return mapping.get(key)

    def _with_child(self, mapping: Any, key: str, child: Any) -> Any:
        return mapping | {key: child}


class _Yaml(_Document["Node"]):
    """YAML, as nodes: those of the user's file keep their tags, quotes, and the text of numbers."""

    def __init__(self, path: Path, comment: str) -> None:
        super().__init__(path)
        self._comment = comment

    def _place(self, tree: "Node") -> str:
        return f"{self._path}:{line_of(tree)}"

    def _parse(self, text: str) -> "Node | None":
        return _unless_null(compose(text, self._path))

    def _text(self, root: "Node") -> str:
        import yaml

        text = yaml.serialize(root, Dumper=yaml.SafeDumper, allow_unicode=True, width=UNLIMITED)
        return f"{self._comment}\n{text}"

    def _empty(self) -> "Node":
        from yaml.nodes import MappingNode

        return MappingNode("tag:yaml.org,2002:map", [], flow_style=False)

    def _leaf(self, name: str, value: Value) -> "Node":
        from yaml.nodes import ScalarNode
        from yaml.representer import SafeRepresenter

        node = SafeRepresenter().represent_data(value)
        assert isinstance(node, ScalarNode)
        if isinstance(value, str) and (quote_value(value) != value or value in BOOLEAN_LETTERS):
            node.style = "'" if value.isprintable() else '"'
        return node

    def _is_mapping(self, tree: "Node") -> bool:
        from yaml.nodes import MappingNode

        return isinstance(tree, MappingNode)

    def _has(self, mapping: "Node", key: str) -> bool:
        return _entry(mapping, key) is not None

    def _child(self, mapping: "Node", key: str) -> "Node | None":
        child = _unless_null(_entry(mapping, key))
        return None if child is None else _copied(child, {})

    def _with_child(self, mapping: "Node", key: str, child: "Node") -> "Node":
        from yaml.nodes import MappingNode

        assert isinstance(mapping, MappingNode)
        pairs = [(own, child if _is_key(own, key) else value) for own, value in mapping.value]
        if not any(_is_key(own, key) for own, _ in pairs):
            pairs.append((self._leaf(key, key), child))
        return MappingNode(
            mapping.tag, pairs, mapping.start_mark, mapping.end_mark, mapping.flow_style
        )


def _unless_null(node: "Node | None") -> "Node | None":
    return None if node is None or node.tag == "tag:yaml.org,2002:null" else node


def _copied(node: "Node", copies: "dict[Node, Node]") -> "Node":
    """The same once more: what is changed may stand in other places too, by an alias or `<<`."""
    from yaml.nodes import MappingNode, SequenceNode

    if node not in copies:
        new = copies[node] = copy(node)
        if isinstance(node, MappingNode):
            new.value = [(_copied(k, copies), _copied(v, copies)) for k, v in node.value]
        elif isinstance(node, SequenceNode):
            new.value = [_copied(item, copies) for item in node.value]
    return copies[node]


def _is_key(node: "Node", key: str) -> bool:
    from yaml.nodes import ScalarNode

    return isinstance(node, ScalarNode) and node.value == key


def _entry(mapping: "Node", key: str) -> "Node | None":
    """The value of a key, its own or one that is merged by `<<`; None if there is none."""
    from yaml.nodes import MappingNode, SequenceNode

    if not isinstance(mapping, MappingNode):
        return None
    owned: list[Node] = [value for own, value in mapping.value if _is_key(own, key)]
    if owned:
        return owned[-1]
    for merge, value in mapping.value:
        if merge.tag == "tag:yaml.org,2002:merge":
            sources = value.value if isinstance(value, SequenceNode) else [value]
            found = (_entry(source, key) for source in sources)
            return next((node for node in found if node is not None), None)
    return None


def _read(path: Path) -> bytes:
    """What a file holds, nothing if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UsageError(
            f"cannot read the config file {path}: {error.strerror}", "name a file that XT can write"
        ) from error
