"""Presets: what a user fills into a launch form, kept under a name, for each team.

They lie in one JSON file of the user's home, which is replaced whole. One that cannot be read is an
error, and is left as it is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xt_core.errors import UnavailableError, UsageError
from xt_core.home import Home

_LONGEST_NAME = 60


@dataclass(frozen=True)
class Preset:
    """The contents of a launch form."""

    command: str = ""
    options: Mapping[str, str | bool] = field(default_factory=dict)
    """By the options' names, as `request_from_texts` takes them."""
    parameters: Sequence[tuple[str, str]] = ()
    """Names and values of what is searched beside the command."""


def presets(home: Home) -> dict[str, Preset]:
    """The team's presets by name, in alphabetical order. Raises UnavailableError."""
    file = _file(home)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        made = {
            name: Preset(
                each["command"],
                each["options"],
                [(name, values) for name, values in each["parameters"]],
            )
            for name, each in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnavailableError(f"cannot read the presets in {file}", "remove the file") from error
    return dict(sorted(made.items()))


def save_preset(home: Home, name: str, preset: Preset) -> None:
    """Keep a preset; one of the same name is replaced. Raises UsageError for a bad name,
    RefusedError, UnavailableError."""
    check_preset_name(name)
    _write(home, presets(home) | {name: preset})


def delete_preset(home: Home, name: str) -> None:
    """Forget a preset, if it is there. Raises RefusedError, UnavailableError."""
    _write(home, {other: preset for other, preset in presets(home).items() if other != name})


def check_preset_name(name: str) -> None:
    """Raises UsageError for what cannot name a preset."""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise UsageError(
            f"{name!r} cannot name a preset", f"give it 1 to {_LONGEST_NAME} characters"
        )


def _file(home: Home) -> Path:
    return home.team_root / "presets.json"


def _write(home: Home, content: Mapping[str, Preset]) -> None:
    from xt_core.config.writing import replace_text

    text = json.dumps({name: asdict(preset) for name, preset in content.items()}, indent=1)
    replace_text(_file(home), f"{text}\n", durable=True)
