"""The configuration as a JSON Schema, for editors that check and complete as one types.

What the schema allows XT allows. XT allows a little more: ``yes`` for true, and texts that YAML
takes for dates or numbers where a text has a form of its own.
"""

import json
import re
from typing import Any

from xt_core.config.properties import Kind, Property, Section, Table
from xt_core.config.schema import SCHEMA
from xt_core.config.values import expected

Schema = dict[str, Any]
_SCALAR = ["string", "number", "boolean"]
"""What XT takes as text, whatever YAML takes it for."""
_NAME = {"pattern": r"\S"}


def schema_text() -> str:
    """The schema as a file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def json_schema() -> Schema:
    """The schema of a configuration file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The configuration of XT (xt_config.yaml)",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: _of(section) for name, section in SCHEMA.items()},
    }


def _of(declared: Section | Table | Property) -> Schema:
    if isinstance(declared, Property):
        return _property(declared)
    if isinstance(declared, Section):
        return {"description": declared.help} | _record(declared)
    named = {name: _record(declared) for name in declared.predefined}
    schema: Schema = {"description": declared.help, "type": ["object", "null"]}
    schema |= {"properties": named} if named else {}
    return schema | {"propertyNames": _NAME, "additionalProperties": _record(declared)}


def _record(declared: Section | Table) -> Schema:
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: _property(each) for name, each in declared.properties.items()},
    }


def _property(declared: Property) -> Schema:
    text = declared.help
    if declared.env:
        text += f" Environment: {declared.env}."
    schema: Schema = {"description": text}
    if declared.kind is Kind.MAPPING:
        return schema | {"default": {}} | _mapping(declared)
    schema |= {"default": declared.default} | _value(declared)
    if declared.pattern is not None:
        schema["patternErrorMessage"] = f"must be {expected(declared)}"
    return schema


def _value(declared: Property) -> Schema:
    match declared.kind:
        case Kind.BOOLEAN:
            return {"type": _or_null("boolean", declared)}
        case Kind.INTEGER | Kind.NUMBER:
            name = "integer" if declared.kind is Kind.INTEGER else "number"
            least = {} if declared.minimum is None else {"minimum": _plain(declared.minimum)}
            return {"type": _or_null(name, declared)} | least
        case Kind.STRINGS:
            several: Schema = {"type": "array", "items": {"type": _SCALAR}}
            one = {"type": [*_SCALAR, "null"]}
            return {"anyOf": [several, one]} if declared.single else several
        case _:
            return _text(declared)


def _text(declared: Property) -> Schema:
    if declared.choices:
        return {"enum": [*declared.choices, *([None] if declared.nullable else [])]}
    if declared.pattern is None:
        return {"type": [*_SCALAR, *(["null"] if declared.nullable else [])]}
    is_any = declared.pattern.flags & re.DOTALL  # some text, of no form of its own
    kinds = _SCALAR if is_any else ["string"]
    types = [*kinds, "null"] if declared.nullable else kinds
    pattern = r"\S" if is_any else f"^({declared.pattern.pattern})$"
    return {"type": types if len(types) > 1 else types[0], "pattern": pattern}


def _mapping(declared: Property) -> Schema:
    schema: Schema = {"type": ["object", "null"], "additionalProperties": {"type": _SCALAR}}
    if declared.pattern is not None:
        schema["propertyNames"] = {"pattern": f"^({declared.pattern.pattern})$"}
    return schema


def _or_null(name: str, declared: Property) -> str | list[str]:
    return [name, "null"] if declared.nullable else name


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number
