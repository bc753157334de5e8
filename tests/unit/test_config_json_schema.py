"""The JSON Schema of configuration files says what XT itself says of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_support import Place

from xt_core.config import default_config_text
from xt_core.config.json_schema import json_schema, schema_text
from xt_core.config.schema import SCHEMA
from xt_core.errors import ConfigError

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,),
    "integer": (int,), "number": (int, float), "null": (type(None),),
}  # fmt: skip


def is_type(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def allows(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value is valid: the keywords that XT's schema has, as draft 7 defines them."""
    types = schema.get("type", list(_TYPES))
    if not any(is_type(value, name) for name in ([types] if isinstance(types, str) else types)):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "anyOf" in schema and not any(allows(each, value) for each in schema["anyOf"]):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return all(allows(schema.get("items", {}), item) for item in value)
    if isinstance(value, dict):
        return all(allows_item(schema, name, item) for name, item in value.items())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return not is_number or value >= schema.get("minimum", value)


def allows_item(schema: dict[str, Any], name: str, item: Any) -> bool:
    if not allows(schema.get("propertyNames", {}), name):
        return False
    other = schema.get("additionalProperties", {})
    chosen = schema.get("properties", {}).get(name, other)
    return chosen is not False and allows(chosen, item)


def test_the_copy_in_the_repository_is_that_of_this_version() -> None:
    copy = Path(__file__).parents[2] / "docs/xt_config.schema.json"
    assert copy.read_text() == schema_text(), "xt config --schema > docs/xt_config.schema.json"


def test_every_section_and_property_stands_in_it_with_help_and_default() -> None:
    properties = json_schema()["properties"]
    assert list(properties) == list(SCHEMA)
    assert properties["data"]["properties"]["data-action"] == {
        "description": SCHEMA["data"].properties["data-action"].help,  # type: ignore[union-attr]
        "default": None,
        "enum": ["none", "download", "mount", None],
    }
    concurrent = properties["hyperparameter-search"]["properties"]["concurrent"]
    assert (concurrent["type"], concurrent["minimum"], concurrent["default"]) == ("integer", 1, 1)


def test_all_defaults_are_allowed() -> None:
    text = re.sub(r"(?m)^( *)# (?=[\w-]+: )", r"\1", default_config_text())
    document = yaml.safe_load(text)
    assert document["data"]["data-writable"] is False
    assert allows(json_schema(), document)


SHARED = [
    ("general: {workspace: ws2, env-vars: {A: 1, B_2: yes}}", True),
    ("data: {data-share-path: vision/mnist, data-omit: [a, '*.tmp']}", True),
    ("logging: {mirror-files: null}", True),
    ("logging: {mirror-files: 'a/**'}", True),
    ("compute-targets: {lab: {nodes: 3}}\nsetups: {torch: {pip-packages: [torch]}}", True),
    ("code:", True),
    ("hyperparameter-search: {search-type: tpe, max-minutes: 1.5, seed: null}", True),
    ("genral: {}", False),
    ("general: {workspce: ws2}", False),
    ("general: {workspace: a/b}", False),
    ("general: {experiment: ''}", False),
    ("general: {experiment: null}", False),
    ("general: {maximize-metric: maybe}", False),
    ("general: {env-vars: {'A=B': c}}", False),
    ("data: {data-action: copy}", False),
    ("data: {data-share-path: ../up}", False),
    ("data: {model-local: x}", False),
    ("hyperparameter-search: {concurrent: 0}", False),
    ("hyperparameter-search: {search-type: bayes}", False),
    ("code: {code-omit: .git}", False),
    ("compute-targets: {lab: {nodes: 0}}", False),
    ("compute-targets: {lab: {node: 1}}", False),
    ("general: ws2", False),
    ("[]", False),
]


@pytest.mark.parametrize(("text", "is_right"), SHARED)
def test_it_agrees_with_xt(place: Place, text: str, is_right: bool) -> None:
    place.write(text)
    if is_right:
        place.load()
    else:
        assert isinstance(place.error(), ConfigError)
    assert allows(json_schema(), yaml.safe_load(text)) is is_right


def test_it_is_json_without_what_editors_do_not_know() -> None:
    assert json.loads(schema_text()) == json_schema()
    assert json_schema()["$schema"] == "http://json-schema.org/draft-07/schema#"
