"""A YAML file that shows every setting, its default and its help, all commented out.

Removing the ``# `` before a setting gives a valid file that says what XT does anyway.
"""

from xt_core.config.document import render
from xt_core.config.properties import Kind, Property, Section, Table
from xt_core.config.schema import SCHEMA
from xt_core.config.values import expected

_HEADING = """\
# The configuration of XT. Remove the "# " before a setting to change it.
# The nearest xt_config.yaml goes before the config.yaml of XT_HOME, the environment before both,
# and command options before all.
"""
_SCHEMA_LINE = "# yaml-language-server: $schema={}\n"
_SCHEMA_ADVICE = """\
# For checks and completion in your editor: xt config --schema > xt_config.schema.json, and make
# "yaml-language-server: $schema=xt_config.schema.json" the first line, as a comment.
"""


def default_config_text(schema: str | None = None) -> str:
    """The text of a new configuration file; `schema` is the JSON Schema that lies beside it."""
    first = "" if schema is None else _SCHEMA_LINE.format(schema)
    heading = _HEADING + (_SCHEMA_ADVICE if schema is None else "")
    return "\n".join([first + heading, *map(_block, SCHEMA)])


def _block(name: str) -> str:
    section = SCHEMA[name]
    if isinstance(section, Property):
        return "\n".join(_property_lines(name, section, "")) + "\n"
    lines = [f"# {section.help}", f"{name}:"]
    if isinstance(section, Section):
        lines += _properties(section, "  ")
    for entry in section.predefined if isinstance(section, Table) else ():
        lines += [f"  {entry}:", *_properties(section, "    ")]
    if isinstance(section, Table) and not section.predefined:
        lines += ["  # NAME:", *_properties(section, "  ", inner="  ")]
    return "\n".join(lines) + "\n"


def _properties(section: Section | Table, indent: str, inner: str = "") -> list[str]:
    return [
        line
        for name, declared in section.properties.items()
        for line in _property_lines(name, declared, indent, inner)
    ]


def _property_lines(name: str, declared: Property, indent: str, inner: str = "") -> list[str]:
    notes = [expected(declared)] if len(declared.choices) > 1 else []
    notes += [f"environment {declared.env}"] if declared.env else []
    note = f" ({'; '.join(notes)})" if notes else ""
    value = "{}" if declared.kind is Kind.MAPPING else render(declared.default)
    return [f"{indent}# {inner}{declared.help}{note}", f"{indent}# {inner}{name}: {value}"]
