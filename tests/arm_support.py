"""Deployment templates of Azure, read as Azure reads them: each expression parsed and evaluated.

What only a deployment could tell (`reference`, `listConnectionStrings`) is a mark that remembers
which resource was asked.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+)|([A-Za-z][A-Za-z0-9]*)|([()\[\].,]))")
MEMBERS = ("m0", "m1")


@dataclass(frozen=True)
class Told:
    """What Azure tells of a resource when it is there, and the way to it."""

    function: str
    resource: str
    path: tuple[str, ...] = ()


@dataclass
class Template:
    """A template with its parameters, whose `members` are `MEMBERS` unless others are given."""

    document: Mapping[str, Any]
    members: tuple[str, ...] = MEMBERS
    asked: list[str] = field(default_factory=list)
    """The ids of the resources that expressions have named so far."""

    def resources(self) -> dict[str, dict[str, Any]]:
        """Every resource that would be deployed, evaluated, by its id; raises if one is twice."""
        found: dict[str, dict[str, Any]] = {}
        for resource in self.document["resources"]:
            for index in self._indices(resource):
                made = self.evaluated({k: v for k, v in resource.items() if k != "copy"}, index)
                own = _id(made["type"], made["name"].split("/"), made.get("scope", ""))
                assert own not in found, own
                found[own] = made
        return found

    def evaluated(self, value: Any, index: int | None = None) -> Any:
        """A value with all expressions in it evaluated."""
        if isinstance(value, dict):
            return {key: self.evaluated(item, index) for key, item in value.items()}
        if isinstance(value, list):
            return [self.evaluated(item, index) for item in value]
        if isinstance(value, str) and value.startswith("["):
            assert value.endswith("]"), value
            return _Expression(value[1:-1], self._functions(index)).value()
        return value

    def _indices(self, resource: Mapping[str, Any]) -> Iterator[int | None]:
        if "copy" not in resource:
            yield None
            return
        yield from range(self.evaluated(resource["copy"]["count"]))

    def _functions(self, index: int | None) -> dict[str, Callable[..., Any]]:
        def resource_id(kind: str, *names: str) -> str:
            self.asked.append(_id(kind, names))
            return self.asked[-1]

        def copy_index() -> int:
            assert index is not None, "copyIndex outside of a copy"
            return index

        def parameter(name: str) -> Any:
            assert name in self.document["parameters"], name
            return given[name]

        given = {"location": "eastus", "members": list(self.members)}
        return {
            "variables": lambda name: self.document["variables"][name],
            "parameters": parameter,
            "resourceId": resource_id,
            "subscriptionResourceId": lambda kind, name: f"{kind}/{name}",
            "format": lambda text, *values: text.format(*values),
            "guid": lambda *values: str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(values))),
            "length": len,
            "copyIndex": copy_index,
            "subscription": lambda: Told("subscription", ""),
            "resourceGroup": lambda: Told("resourceGroup", ""),
            "reference": lambda resource: Told("reference", resource),
            "listConnectionStrings": lambda resource, version: Told("keys", resource, (version,)),
        }  # fmt: skip


def _id(kind: str, names: Any, scope: str = "") -> str:
    """``Microsoft.A/b/c`` with names x and y: ``Microsoft.A/b/x/c/y``, as ids are."""
    provider, *types = kind.split("/")
    names = list(names)
    assert len(types) == len(names), (kind, names)
    pairs = (f"/{each}/{name}" for each, name in zip(types, names, strict=True))
    return f"{scope}/{provider}{''.join(pairs)}".removeprefix("/")


class _Expression:
    """One expression: functions, strings, numbers, properties and items."""

    def __init__(self, text: str, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._text, self._functions = text, functions
        self._tokens: list[str] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            assert match, f"{text!r} at {position}"
            self._tokens.append(next(group for group in match.groups() if group))
            position = match.end()

    def value(self) -> Any:
        value = self._operand()
        assert not self._tokens, f"{self._text!r}: {self._tokens} left"
        return value

    def _operand(self) -> Any:
        token = self._tokens.pop(0)
        if token.startswith("'"):
            value: Any = token[1:-1].replace("''", "'")
        elif token.isdigit():
            value = int(token)
        else:
            value = self._functions[token](*self._arguments())
        while self._tokens and self._tokens[0] in (".", "["):
            value = self._within(value)
        return value

    def _within(self, value: Any) -> Any:
        if self._tokens.pop(0) == ".":
            key: Any = self._tokens.pop(0)
        else:
            key = self._operand()
            assert self._tokens.pop(0) == "]", self._text
        if isinstance(value, Told):
            return Told(value.function, value.resource, (*value.path, str(key)))
        return value[key]

    def _arguments(self) -> list[Any]:
        assert self._tokens.pop(0) == "(", self._text
        arguments: list[Any] = []
        while self._tokens[0] != ")":
            arguments.append(self._operand())
            if self._tokens[0] == ",":
                self._tokens.pop(0)
        self._tokens.pop(0)
        return arguments
