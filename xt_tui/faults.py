"""What is wrong with a launch form, all of it at once, each fault with the field that it is of.

The engine tells one mistake at a time and knows nothing of fields: a field is at fault if the
mistake goes away without what the field says.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from xt_core.errors import XTError
from xt_core.submit.presets import Preset

COMMAND = "command"
_STOPPING = "early-stopping"
_LOCATING = ("target", "setup", "no-code")
"""Options that say where there has to be a script."""
_STAND_IN = "true"
"""A program that there is, so that the rest of a form can be judged without its script."""
_FIRST_WORD = re.compile(r"""\s*("[^"]*"|'[^']*'|\S+)""")

Plan = Callable[[Preset], object]
"""Raises XTError for a content that means nothing."""


@dataclass(frozen=True)
class Fault:
    """A mistake, and the field that it is of: an option's name, ``early-stopping.SETTING``,
    ``command``, or "" where it is of a parameter (those tell it themselves), or of no field."""

    field: str
    text: str


@dataclass(frozen=True)
class _Part:
    """What one field says: the form without it, and with nothing else but the command."""

    field: str
    option: str
    """By which a mistake of its value names it."""
    without: Preset
    alone: Preset


def faults_of(content: Preset, plan: Plan) -> list[Fault]:
    """The mistakes of a content; none if it is right."""
    found = list[Fault]()
    if error := _script_error(content, plan):
        found.append(Fault(COMMAND, error))
        content = replace(content, command=_FIRST_WORD.sub(_STAND_IN, content.command, count=1))
    while error := _error(content, plan):
        parts = _parts(content)
        part = next((part for part in parts if _error(part.without, plan) != error), None)
        if part is None:
            of_command = _error(Preset(content.command), plan) == error
            return [*found, Fault(COMMAND if of_command else "", error)]
        found.append(Fault(part.field, error))
        if part.option not in error or _error(part.alone, plan) != error:
            return found  # it lacks something: what else is told may follow from that
        content = part.without
    return found


def _script_error(content: Preset, plan: Plan) -> str:
    """What is wrong with the script, whatever it is given."""
    script = _FIRST_WORD.match(content.command)
    where = {name: content.options[name] for name in _LOCATING if name in content.options}
    if script is None or _error(Preset(_STAND_IN, where), plan):
        return ""
    return _error(Preset(script[0], where), plan)


def in_line(error: XTError) -> str:
    """What is wrong and what to do, in a line."""
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _error(content: Preset, plan: Plan) -> str:
    """The first mistake; nothing if there is none."""
    try:
        plan(content)
    except XTError as error:
        return in_line(error)
    return ""


def _parts(content: Preset) -> Iterator[_Part]:
    rows, options = list(content.parameters), content.options
    for place, row in enumerate(rows):
        others = rows[:place] + rows[place + 1 :]
        alone = Preset(content.command, {}, [row])
        yield _Part("", row[0], replace(content, parameters=others), alone)
    for name, given in options.items():
        if name == _STOPPING:
            yield from _settings(content, str(given))
        alone = Preset(content.command, {name: given})
        without = replace(content, options=_without(options, name))
        yield _Part(name, f"--{name}", without, alone)


def _settings(content: Preset, text: str) -> Iterator[_Part]:
    policy, *settings = text.split(",")
    for place, setting in enumerate(settings):
        others = ",".join([policy, *settings[:place], *settings[place + 1 :]])
        yield _Part(
            f"{_STOPPING}.{setting.partition('=')[0].strip()}",
            f"--{_STOPPING}",
            replace(content, options={**content.options, _STOPPING: others}),
            Preset(content.command, {_STOPPING: f"{policy},{setting}"}),
        )


def _without(options: Mapping[str, str | bool], name: str) -> dict[str, str | bool]:
    return {other: given for other, given in options.items() if other != name}
