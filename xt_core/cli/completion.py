"""`xt completion`: shell completion, of commands, options, and the names of runs and jobs.

The scripts ask ``xt completion --words WORD…`` what may stand for the last word, so that every
shell completes alike. What a command takes is read off its help, which cannot be behind it.
"""

import contextlib
import io
import re
from importlib import import_module

from xt_core.cli.parser import command_parser
from xt_core.cli.table import COMMANDS, Command
from xt_core.errors import ExitCode, UsageError, XTError
from xt_core.services.team import team_names
from xt_core.session import Session
from xt_core.stats.store import RunQuery

_EXAMPLES = (
    'eval "$(xt completion bash)"              in ~/.bashrc',
    'eval "$(xt completion zsh)"               in ~/.zshrc',
    "xt completion fish | source               in config.fish",
)
_BASH = """_xt() {
    local IFS=$'\\n'
    COMPREPLY=($(xt completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _xt xt"""
_ZSH = """_xt() {
    local -a found
    found=(${(f)"$(xt completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( $#found )); then compadd -a found; else _files; fi
}
compdef _xt xt"""
_FISH = """function __xt_words
    set -l words (commandline -opc)
    xt completion --words $words[2..] (commandline -ct) 2>/dev/null
end
complete -c xt -n 'not __fish_seen_subcommand_from run' -f
complete -c xt -a '(__xt_words)'"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}

_RUNS, _JOBS, _NODES, _TEAMS, _BOXES = "runs", "jobs", "nodes", "teams", "boxes"
_TAKES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("attach",): (_RUNS,),
    ("rerun",): (_RUNS, _JOBS),
    ("compare",): (_RUNS, _JOBS),
    ("plot",): (_RUNS, _JOBS),
    ("tensorboard",): (_RUNS, _JOBS),
    ("status",): (_RUNS, _JOBS),
    ("cancel", "run"): (_RUNS, _JOBS),
    ("cancel", "job"): (_JOBS,),
    ("cancel", "node"): (_NODES,),
    ("restart", "controller"): (_JOBS,),
    ("stop", "controller"): (_NODES,),
    ("restart", "run"): (_RUNS, _JOBS),
    ("list", "runs"): (_RUNS, _JOBS),
    ("list", "jobs"): (_JOBS,),
    ("list", "events"): (_RUNS, _JOBS),
    ("view", "run"): (_RUNS,),
    ("view", "job"): (_JOBS,),
    ("view", "metrics"): (_RUNS,),
    ("view", "events"): (_RUNS,),
    ("view", "log"): (_RUNS, _JOBS, _NODES, "controller"),
    ("view", "console"): (_RUNS,),
    ("view", "output"): (_RUNS,),
    ("view", "team"): (_TEAMS,),
    ("use", "team"): (_TEAMS,),
    ("box", "check"): (_BOXES,),
    ("box", "prepare"): (_BOXES,),
    ("box", "remove"): (_BOXES,),
    ("ssh",): (_BOXES,),
    ("set", "tags"): (_RUNS, _JOBS),
    ("set", "notes"): (_RUNS, _JOBS),
    ("clear", "tags"): (_RUNS, _JOBS),
    ("archive",): (_RUNS, _JOBS),
    ("unarchive",): (_RUNS, _JOBS),
    ("completion",): tuple(_SCRIPTS),
}
"""The names and words that commands take."""
_NAMES_OF_OPTIONS = {"--job": (_JOBS,), "--team": (_TEAMS,)}
_MOST_NAMES = 200
_OPTION = re.compile(r"^ +(?:-\w, )?(--[a-z][a-z-]*)( [^ ]+)?(?=  |$)", re.MULTILINE)


def main(argv: list[str]) -> int:
    if argv[1:2] == ["--words"]:
        for word in completions(argv[2:] or [""]):
            print(word)
        return ExitCode.OK
    parser = command_parser(
        "completion",
        "print a completion script for a shell",
        _EXAMPLES,
        usage="xt completion SHELL",
    )
    parser.add_argument("shell", choices=tuple(_SCRIPTS), metavar="SHELL", help="bash, zsh, fish")
    options = parser.parse_args(argv[1:])
    if options.json:
        raise UsageError("a completion script is no JSON", "leave --json away")
    print(_SCRIPTS[options.shell])
    return ExitCode.OK


def completions(words: list[str]) -> list[str]:
    """What the last word may become; nothing rather than an error."""
    *before, prefix = words
    try:
        candidates = _candidates(before, prefix)
    except XTError:
        return []
    return [word for word in candidates if word.startswith(prefix)]


def _candidates(before: list[str], prefix: str) -> list[str]:
    if not before:
        return list(COMMANDS)
    command = COMMANDS.get(before[0])
    if command is None:
        return []
    if command.nouns and len(before) == 1:
        return list(command.nouns)
    path = tuple(before[: 2 if command.nouns else 1])
    if prefix.startswith("-"):
        return list(_options(command, path))
    last = before[-1]
    if last.startswith("--") and _options(command, path).get(last):
        return _names(_NAMES_OF_OPTIONS.get(last, ()))
    head, comma, _ = prefix.rpartition(",")  # of a list, its last name
    return [head + comma + name for name in _names(_TAKES.get(path, ()))]


def _options(command: Command, path: tuple[str, ...]) -> dict[str, bool]:
    """The options of a command and noun, and whether each takes a value."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        import_module(f"xt_core.cli.{command.module}").main([*path, "--help"])
    listed = text.getvalue().partition("\nexamples:")[0]
    return {name: bool(value) for name, value in _OPTION.findall(listed)}


def _names(kinds: tuple[str, ...]) -> list[str]:
    names: list[str] = []
    session = Session()
    for kind in kinds:
        if kind == _RUNS:
            latest = RunQuery(workspace=session.workspace, parents=None, last=_MOST_NAMES)
            names += [run.name for run in session.store.find_runs(latest)[0]]
        elif kind == _JOBS:
            names += [job.name for job in session.store.jobs()[-_MOST_NAMES:]]
        elif kind == _NODES:
            names += session.controllers.known()
        elif kind == _TEAMS:
            names += team_names(session.config)
        elif kind == _BOXES:
            names += [name for name in session.config.get("boxes") if name != "local"]
        else:
            names.append(kind)
    return names
