"""XT's own command line where the user's is expected: what was copied from a terminal or from XT.

Recognised are `xt run …` and `python -m xt_core run …`, with or without a prompt before them.
"""

from collections.abc import Sequence
from pathlib import PurePath

from xt_core.errors import UsageError
from xt_core.submit.command import shell_words

_PROMPTS = ("$", "%", "#", ">")
_VERB, _MODULE = "run", "xt_core"


def own_arguments(words: Sequence[str]) -> list[str] | None:
    """What follows `xt run` in a command; None for any other command."""
    rest = list(words[1:] if words[:1] and words[0] in _PROMPTS else words)
    if not rest:
        return None
    program = PurePath(rest[0]).name
    if program == "xt" and rest[1:2] == [_VERB]:
        return rest[2:]
    if program.startswith("python") and rest[1:4] == ["-m", _MODULE, _VERB]:
        return rest[4:]
    return None


def own_arguments_of(text: str) -> list[str] | None:
    """The same of a command as text; None also where a quote is not closed yet."""
    try:
        return own_arguments(shell_words(text.lstrip().removeprefix("# ")))
    except ValueError:
        return None


def refuse_own_command(words: Sequence[str]) -> None:
    """Raises UsageError for a command that would submit a job from within a run."""
    if own_arguments(words) is not None:
        given = (
            "xt run" if PurePath(words[0]).name in ("xt", *_PROMPTS) else "python -m xt_core run"
        )
        raise UsageError(
            f"the command to run begins with {given} itself",
            "write xt run once, with its options, then the script and its arguments",
        )
