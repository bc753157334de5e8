"""`xt config`: where settings are, how to change them, and whether they are right."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from xt_core.cli.parser import command_parser
from xt_core.cli.talk import emit_json, note, report_error
from xt_core.config import config_files, default_config_text, write_setting
from xt_core.config.loader import PROJECT_FILE
from xt_core.errors import ConfigError, ExitCode, RefusedError, UsageError
from xt_core.session import Session

SCHEMA_FILE = "xt_config.schema.json"
_EXAMPLES = (
    "xt config                                 the files that settings come from",
    "xt config create                          a commented xt_config.yaml here",
    "xt config set general.workspace ws2       in the nearest xt_config.yaml",
    "xt config --set general.workspace=ws2 --set hyperparameter-search.concurrent=4",
    "xt config set hyperparameter-search.concurrent 4 --user    for all projects",
    "xt config --edit                          in your EDITOR, checked before it is saved",
    "xt config --check                         are all files right? exit code 2 if not",
    "xt config --schema > xt_config.schema.json    a JSON Schema, for editors",
    "xt view config --origin                   each setting, and which layer set it",
)
_ACTIONS = ("what", "assignments", "edit", "check", "schema")


def main(argv: list[str]) -> int:
    options = _parse(argv)
    session = Session()
    if options.schema:
        from xt_core.config.json_schema import schema_text

        print(schema_text(), end="")
    elif options.check:
        return _check(session, as_json=options.json)
    elif options.edit:
        return _edit(session, user=options.user, as_json=options.json)
    elif options.assignments:
        _set(session, [_assignment(text) for text in options.assignments], options)
    elif options.what is None:
        _show_files(session, as_json=options.json)
    elif options.what == "create":
        if options.setting is not None:
            raise UsageError(f"config create takes no {options.setting!r}", "--user chooses where")
        path = session.home.config_file if options.user else session.cwd / PROJECT_FILE
        _create(session, path)
        _say(f"{path} created", {"created": str(path)}, as_json=options.json)
    else:
        if options.setting is None or options.value is None:
            raise UsageError(
                "config set needs a setting and a value",
                "as in xt config set general.workspace ws2",
            )
        _set(session, [(options.setting, options.value)], options)
    return ExitCode.OK


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = command_parser(
        "config",
        "create, change and check settings",
        _EXAMPLES,
        usage="xt config [create | set SETTING VALUE] [OPTIONS]",
    )
    parser.add_argument("what", nargs="?", choices=("create", "set"))
    parser.add_argument("setting", nargs="?", metavar="SETTING")
    parser.add_argument("value", nargs="?", metavar="VALUE")
    parser.add_argument("--user", action="store_true", help="for all projects of this user")
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        metavar="SETTING=VALUE",
        help="change a setting; comments stay (may be repeated)",
    )
    parser.add_argument("--edit", action="store_true", help="edit the file in $VISUAL or $EDITOR")
    parser.add_argument("--check", action="store_true", help="check all files and the environment")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the files")
    options = parser.parse_args(argv[1:])
    if sum(bool(getattr(options, name)) for name in _ACTIONS) > 1:
        raise UsageError("several things to do at once", "give one of them")
    return options


def _assignment(text: str) -> tuple[str, str]:
    setting, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text} is not SETTING=VALUE", "as in --set general.workspace=ws2")
    return setting, value


def _set(session: Session, values: list[tuple[str, str]], options: argparse.Namespace) -> None:
    path = _file_to_change(session, user=options.user)
    for setting, value in values:
        write_setting(path, setting, value)
    settings = ", ".join(setting for setting, _ in values)
    _say(f"{settings} set in {path}", {"changed": str(path)}, as_json=options.json)


def _check(session: Session, *, as_json: bool) -> int:
    from xt_core.config.check import problems

    found = problems(session.home, session.cwd, session.environ)
    if as_json:
        told = [{"message": error.message, "hint": error.hint} for error in found]
        emit_json({"valid": not found, "problems": told})
    elif found:
        for error in found:
            report_error(error, as_json=False)
    else:
        files = [str(path) for path in _files(session)]
        print(f"the configuration is right: {', '.join(files) or 'no files, only defaults'}")
    return ExitCode.USAGE if found else ExitCode.OK


def _edit(session: Session, *, user: bool, as_json: bool) -> int:
    from xt_core.config.editing import edit_file

    path = _file_to_change(session, user=user)
    is_changed = edit_file(path, _new_text(session, path), session.environ, _edit_again)
    if not is_changed:
        _say(f"{path} is as it was", {"changed": None}, as_json=as_json)
        return ExitCode.OK
    _say(f"{path} changed", {"changed": str(path)}, as_json=as_json)
    from xt_core.config.check import problems

    for error in problems(session.home, session.cwd, session.environ):
        note(f"warning: {error.message}")
    return ExitCode.OK


def _edit_again(error: ConfigError) -> bool:
    """Ask a user at a terminal; nobody else can answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    report_error(error, as_json=False)
    print("edit again? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def _show_files(session: Session, *, as_json: bool) -> None:
    files = list(dict.fromkeys([session.home.config_file, *_files(session)]))
    if as_json:
        emit_json({"files": [{"path": str(p), "exists": p.exists()} for p in files]})
        return
    print("settings come from, the later ones winning:")
    print("  XT's defaults")
    for path in files:
        print(f"  {path}{'' if path.exists() else ' (not there)'}")
    print("  environment variables such as XT_WORKSPACE")
    print("  options")


def _files(session: Session) -> list[Path]:
    return list(config_files(session.home, session.cwd, session.environ))


def _create(session: Session, path: Path) -> None:
    session.home.create()
    text = _new_text(session, path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RefusedError(f"{path} exists already", "xt config set changes it") from None
    except OSError as error:
        raise RefusedError(f"cannot write {path}: {error.strerror}") from error


def _new_text(session: Session, path: Path) -> str:
    """The text of a file that is to be made; beside the user's own lies the schema it names."""
    if path != session.home.config_file:
        return default_config_text()
    from xt_core.config.json_schema import schema_text
    from xt_core.config.writing import replace_text

    replace_text(path.with_name(SCHEMA_FILE), schema_text(), durable=False)
    return default_config_text(SCHEMA_FILE)


def _file_to_change(session: Session, *, user: bool) -> Path:
    if user:
        session.home.create()
        return session.home.config_file
    project = [path for path in _files(session) if path != session.home.config_file]
    return project[-1] if project else session.cwd / PROJECT_FILE


def _say(text: str, document: Mapping[str, str | None], *, as_json: bool) -> None:
    if as_json:
        emit_json(document)
    else:
        print(text)
