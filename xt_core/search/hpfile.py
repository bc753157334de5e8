"""Search spaces in files: the `hparams:` section of a YAML or JSON file.

The file is composed to nodes, not loaded to values, since nodes have lines and the text of a
scalar: so an unquoted value means what it means on a command line (`no` is text, `1e-3` a number),
and a quoted one is text. The grammar itself is `Space.from_object`'s.
Invariant: every error names the file, and the line where there is one.
"""

import json
import re
from abc import ABC, abstractmethod
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from xt_core.config.document import compose, line_of
from xt_core.errors import UsageError
from xt_core.search.errors import HyperparameterError
from xt_core.search.space import Space, mend_calls
from xt_core.search.values import QuotedText, parse_value

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node, ScalarNode

SECTION = "hparams"
SECTION_HINT = f"put the hyperparameters under {SECTION}:, as in {SECTION}: {{lr: [0.01, 0.03]}}"
JSON_SUFFIX = ".json"
NON_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
TAG_PREFIX = "tag:yaml.org,2002:"
KNOWN_TAGS = frozenset({"str", "bool", "int", "float", "null", "timestamp", "value", "map", "seq"})


def load_space(path: Path, shown_name: str) -> Space:
    """The search space of a file; one named `*.json` is JSON, any other YAML.

    `shown_name` is what messages call the file. Raises UsageError if it cannot be read, is not
    UTF-8, or holds anything but one section `hparams` with a valid space.
    """
    text = _read(path, shown_name)
    try:
        if path.suffix.lower() == JSON_SUFFIX:
            return _JsonReader(text, shown_name).space()
        return _YamlReader(text, shown_name).space()
    except RecursionError:
        raise UsageError(
            f"{shown_name}: nested too deeply", "name nested parameters with dots"
        ) from None


def _read(path: Path, shown_name: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the hyperparameter file {shown_name}: {error.strerror}",
            "name a readable YAML or JSON file",
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{shown_name}:{line}: not valid UTF-8", "save the file as UTF-8"
        ) from error


class _Reader(ABC):
    """Reads one file into an object, and remembers on which line each name stands."""

    def __init__(self, text: str, shown_name: str) -> None:
        self._text = text
        self._shown_name = shown_name
        self._lines: dict[str, int] = {}

    @abstractmethod
    def _root(self) -> "Node | None":
        """The composed file, None if it holds nothing."""

    @abstractmethod
    def _name(self, key: "ScalarNode") -> str:
        """The text of a key."""

    @abstractmethod
    def _value(self, node: "ScalarNode") -> object:
        """The value of a scalar."""

    def space(self) -> Space:
        """The space of the file. Raises UsageError."""
        section = self._section()
        try:
            return Space.from_object(section)
        except UsageError as error:
            inner = f".{error.name}" if isinstance(error, HyperparameterError) else ""
            line = self._lines.get(SECTION + inner, self._lines[SECTION])
            raise UsageError(f"{self._shown_name}:{line}: {error.message}", error.hint) from error

    def _section(self) -> object:
        """What stands under `hparams`, the only name in the file, and is not empty."""
        root = self._root()
        if root is None:
            raise UsageError(f"{self._shown_name}: the file is empty", SECTION_HINT)
        entries = self._object(root, "")
        if not isinstance(entries, dict):
            self._fail(root, "not a mapping of names to values", SECTION_HINT)
        if SECTION not in entries:
            near = get_close_matches(SECTION, entries, n=1)
            hint = f"write {SECTION}: in place of {near[0]}:" if near else SECTION_HINT
            raise UsageError(f"{self._shown_name}: there is no {SECTION}:", hint)
        for name in entries:
            if name != SECTION:
                place = f"{self._shown_name}:{self._lines[name]}"
                raise UsageError(
                    f"{place}: '{name}' beside {SECTION}", f"only {SECTION} is read: remove it"
                )
        if entries[SECTION] in (None, {}):
            place = f"{self._shown_name}:{self._lines[SECTION]}"
            raise UsageError(f"{place}: {SECTION} is empty", SECTION_HINT)
        return entries[SECTION]

    def _object(self, node: "Node", name: str) -> object:
        """The node as a loader would give it; `name` is the dotted name of where it stands."""
        from yaml.nodes import MappingNode, ScalarNode

        self._check_tag(node)
        if isinstance(node, ScalarNode):
            return self._value(node)
        if not isinstance(node, MappingNode):
            return [self._object(item, name) for item in node.value]
        prefix = f"{name}." if name else ""
        entries: dict[str, object] = {}
        for key, value in mend_calls(self._pairs(node, prefix), self._name):
            own = self._name(key)
            if own in entries:
                where = f" in {name}" if name else ""
                first = self._lines[prefix + own]
                problem = f"'{own}' appears twice{where} (first on line {first})"
                self._fail(key, problem, "remove one of the two")
            self._lines[prefix + own] = line_of(key)
            entries[own] = value
        return entries

    def _pairs(self, node: "MappingNode", prefix: str) -> list[tuple["ScalarNode", object]]:
        """The keys of a mapping, each with the object that its value is."""
        from yaml.nodes import ScalarNode

        pairs = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._fail(key, "a name is not text", "a name is a word, as lr")
            if key.tag == f"{TAG_PREFIX}merge":
                self._fail(key, "a merge key is not allowed", "write the parameters out")
            self._check_tag(key)
            pairs.append((key, self._object(value, prefix + self._name(key))))
        return pairs

    def _check_tag(self, node: "Node") -> None:
        if node.tag.removeprefix(TAG_PREFIX) not in KNOWN_TAGS:
            self._fail(node, f"the YAML tag '{node.tag}' is not allowed", "remove the tag")

    def _fail(self, node: "Node", problem: str, hint: str) -> NoReturn:
        raise UsageError(f"{self._shown_name}:{line_of(node)}: {problem}", hint)


class _YamlReader(_Reader):
    """Reads a scalar of a YAML file as the same text on a command line."""

    def _root(self) -> "Node | None":
        return compose(self._text, Path(self._shown_name))

    def _name(self, key: "ScalarNode") -> str:
        return str(key.value)

    def _value(self, node: "ScalarNode") -> object:
        text = str(node.value)
        if node.tag == f"{TAG_PREFIX}null":
            return None
        if node.style is not None:
            return QuotedText(text)
        if NON_FINITE.fullmatch(text):
            return text.replace(".", "", 1).lstrip("+").lower()
        return text if node.tag == f"{TAG_PREFIX}str" else parse_value(text)


class _JsonReader(_Reader):
    """Reads a JSON file, which is YAML but for tabs and the text of its scalars."""

    def _root(self) -> "Node | None":
        try:
            json.loads(self._text, parse_int=parse_value)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{self._shown_name}:{error.lineno}: {error.msg}", "the file must be valid JSON"
            ) from error
        return compose(self._text.replace("\t", " "), Path(self._shown_name))

    def _name(self, key: "ScalarNode") -> str:
        return str(self._value(key))

    def _value(self, node: "ScalarNode") -> object:
        text = self._text[node.start_mark.index : node.end_mark.index]
        read = json.loads(text, parse_int=parse_value, parse_float=parse_value)
        return QuotedText(read) if isinstance(read, str) else read
