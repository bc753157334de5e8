"""`xt config`: where settings are, and how to change them."""

from pathlib import Path

from xt_core.cli.parser import command_parser
from xt_core.cli.talk import emit_json
from xt_core.config import config_files, default_config_text, write_setting
from xt_core.config.loader import PROJECT_FILE
from xt_core.errors import ExitCode, RefusedError, UsageError
from xt_core.session import Session

_EXAMPLES = (
    "xt config                                 the files that settings come from",
    "xt config create                          a commented xt_config.yaml here",
    "xt config set general.workspace ws2       in the nearest xt_config.yaml",
    "xt config set hyperparameter-search.concurrent 4 --user    for all projects",
    "xt view config --origin                   each setting, and which layer set it",
)


def main(argv: list[str]) -> int:
    parser = command_parser(
        "config",
        "create and change settings",
        _EXAMPLES,
        usage="xt config [create | set SETTING VALUE] [OPTIONS]",
    )
    parser.add_argument("what", nargs="?", choices=("create", "set"))
    parser.add_argument("setting", nargs="?", metavar="SETTING")
    parser.add_argument("value", nargs="?", metavar="VALUE")
    parser.add_argument("--user", action="store_true", help="for all projects of this user")
    options = parser.parse_args(argv[1:])
    session = Session()
    if options.what is None:
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
        path = _file_to_change(session, user=options.user)
        write_setting(path, options.setting, options.value)
        _say(f"{options.setting} set in {path}", {"changed": str(path)}, as_json=options.json)
    return ExitCode.OK


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
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(default_config_text())
    except FileExistsError:
        raise RefusedError(f"{path} exists already", "xt config set changes it") from None
    except OSError as error:
        raise RefusedError(f"cannot write {path}: {error.strerror}") from error


def _file_to_change(session: Session, *, user: bool) -> Path:
    if user:
        session.home.create()
        return session.home.config_file
    project = [path for path in _files(session) if path != session.home.config_file]
    return project[-1] if project else session.cwd / PROJECT_FILE


def _say(text: str, document: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        emit_json(document)
    else:
        print(text)
