"""The log folder of a run, by the template of the section `tensorboard`."""

import json
import re
from pathlib import Path

from xt_core.errors import UsageError
from xt_core.model.records import Run, Value

_FIELD = r"workspace|experiment|job|run|hparams\.[^{}]+"
_FIELD_IN_TEXT = re.compile(rf"\{{({_FIELD})\}}")
TEMPLATE = re.compile(rf"(?!/)(?!(.*/)?\.\.(/|$))([^{{}}\x00-\x1f]|\{{({_FIELD})\}})+")
TEMPLATE_HELP = (
    "a path below the log folder, with the fields {workspace}, {experiment}, {job}, {run} and "
    "{hparams.NAME}"
)
_CONTROL = re.compile(r"[\x00-\x1f]")


def folder_name(template: str, run: Run) -> str:
    """The log folder of a run, as a path below the log folder of all.

    Raises UsageError for a run without a hyperparameter that the template names, and for a name
    that would leave the log folder.
    """
    name = _FIELD_IN_TEXT.sub(lambda field: _value_of(field[1], run), template)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or not parts or _CONTROL.search(name):
        raise UsageError(
            f"{run.full_name}: its log folder would be {name!r}, which leaves the log folder of "
            "all runs or is no name",
            "see tensorboard.template in xt view config --origin",
        )
    return "/".join(parts)


def lacks_hparams(template: str, run: Run) -> bool:
    """Whether the run has not been given all hyperparameters that the template names."""
    fields = _FIELD_IN_TEXT.findall(template)
    named = {field.removeprefix("hparams.") for field in fields if field.startswith("hparams.")}
    return not named <= run.hparams.keys()


def check_is_within(folder: Path, root: Path) -> None:
    """Raise UsageError if the folder lies outside of `root`, by a symbolic link say."""
    if not folder.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{folder} leads out of {root}, by a symbolic link", "remove the link, or change --to"
        )


def _value_of(field: str, run: Run) -> str:
    if not field.startswith("hparams."):
        return str(getattr(run, "name" if field == "run" else field))
    name = field.removeprefix("hparams.")
    if name not in run.hparams:
        raise UsageError(
            f"{run.full_name} has no hyperparameter {name!r}, which tensorboard.template names",
            "take the field out, or choose runs that have it",
        )
    return _text_of(run.hparams[name])


def _text_of(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)
