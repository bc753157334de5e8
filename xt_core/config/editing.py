"""Editing a configuration file in the user's own editor: the file changes only if it is valid.

What is edited is a draft beside the file. One that is not valid stays there until it is, or until
the next edit, which goes on with it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from xt_core.config.document import parse_settings, read_text
from xt_core.config.writing import replace_text
from xt_core.errors import ConfigError, RefusedError, WorkFailedError
from xt_core.programs import editor, open_file

Ask = Callable[[ConfigError], bool]
"""Shows what is wrong, and asks whether to edit again."""


def edit_file(file: Path, initial: str, environ: Mapping[str, str], ask: Ask) -> bool:
    """Let the user edit a file, which holds `initial` if it is not there; whether it changed.

    Raises ConfigError, and leaves the file as it was, if it is not valid and the user does not go
    on; UsageError if there is no editor, WorkFailedError if that fails, and RefusedError if the
    file was changed by others meanwhile, or cannot be written.
    """
    target = Path(os.path.realpath(file))  # a link stays a link
    draft = target.with_name(f".{target.stem}.draft{target.suffix or '.yaml'}")
    before = read_text(target) if os.path.lexists(target) else None
    if not draft.exists():
        replace_text(draft, initial if before is None else before, durable=False)
    while True:
        _open_editor(draft, environ)
        text = read_text(draft)
        try:
            parse_settings(text, file)
            break
        except ConfigError as error:
            if not ask(error):
                raise ConfigError(
                    error.message,
                    f"{file} is as it was; your draft is {draft}: xt config --edit goes on with it",
                ) from None
    if text == (initial if before is None else before):
        draft.unlink()
        return False
    if before != (read_text(target) if os.path.lexists(target) else None):
        raise RefusedError(
            f"{file} was changed by another program meanwhile",
            f"your draft is {draft}: bring it in by hand",
        )
    replace_text(target, text, durable=True)
    draft.unlink()
    return True


def _open_editor(draft: Path, environ: Mapping[str, str]) -> None:
    try:
        open_file(editor(environ), draft, "editor", "EDITOR")
    except WorkFailedError as error:
        raise WorkFailedError(
            f"{error.message}; nothing was changed", f"your draft is {draft}"
        ) from None
