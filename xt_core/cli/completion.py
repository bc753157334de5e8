"""`xt completion`: shell completion, of commands, options, and the names of runs and jobs.

The scripts ask ``xt completion --words WORD…`` what may stand for the last word, so that every
shell completes alike.
"""

from xt_core.cli.parser import command_parser
from xt_core.cli.table import COMMANDS
from xt_core.errors import ExitCode, UsageError, XTError
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
    found=("${(@f)$(xt completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -a found || _files
}
compdef _xt xt"""
_FISH = """function __xt_words
    xt completion --words (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c xt -f -a '(__xt_words)'"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_TAKES_RUNS = {("attach",), ("plot",), ("cancel", "run"), ("status",), ("list", "runs")}
_TAKES_JOBS = {("cancel", "job"), ("restart", "controller"), ("view", "job"), ("status",)}
_MOST_NAMES = 200


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
    parser.add_argument("shell", choices=tuple(_SCRIPTS))
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
    if prefix.startswith("-"):
        return _options(command.name)
    if command.nouns and len(before) == 1:
        return list(command.nouns)
    path = tuple(before[: 2 if command.nouns else 1])
    names: list[str] = []
    if path in _TAKES_RUNS or path[0] in ("view", "set", "clear"):
        names += _run_names()
    if path in _TAKES_JOBS or path[0] in ("set", "clear"):
        names += [job.name for job in Session().store.jobs()[-_MOST_NAMES:]]
    return names


def _run_names() -> list[str]:
    session = Session()
    runs, _ = session.store.find_runs(
        RunQuery(workspace=session.workspace, parents=None, last=_MOST_NAMES)
    )
    return [run.name for run in runs]


def _options(command: str) -> list[str]:
    """The options of a command; `xt run`'s are declared apart."""
    common = ["--json", "--stack-trace", "--help"]
    if command == "run":
        from xt_core.submit.options import RUN_OPTIONS

        names = [f"--{option.name}" for option in RUN_OPTIONS]
        return [*names, "--attach", "--wait", "--dry-run", *common]
    return [*_OWN_OPTIONS.get(command, ()), *common]


_REPORT = ("--filter", "--sort", "--reverse", "--columns", "--group", "--first", "--last", "--all")
_OWN_OPTIONS: dict[str, tuple[str, ...]] = {
    "attach": ("--from", "--workspace"),
    "cancel": ("--grace", "--workspace"),
    "restart": ("--node-index", "--delay"),
    "status": ("--target", "--follow"),
    "list": (*_REPORT, "--status", "--job", "--experiment", "--parents", "--export", "--workspace"),
    "view": ("--metrics", "--last", "--origin", "--workspace"),
    "plot": ("--x", "--log-x", "--log-y", "--smoothing", "--width", "--height", "--max-runs"),
    "set": ("--workspace",),
    "clear": ("--all", "--workspace"),
    "config": ("--user",),
    "demo": ("--no-tui", "--epochs"),
}
