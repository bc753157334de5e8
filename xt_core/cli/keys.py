"""`xt keys`: the actions of the terminal UI, their keys, and the commands that do the same."""

from importlib import import_module

from xt_core.cli.parser import command_parser, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode
from xt_core.session import Session

_EXAMPLES = (
    "xt keys                                    actions and keys, with those that you changed",
    "xt keys --json",
    "xt config set tui.keys.cancel=ctrl+x       give an action another key",
)


def main(argv: list[str]) -> int:
    parser = command_parser("keys", "actions of the terminal UI and their keys", _EXAMPLES)
    parser.add_argument("--markdown", action="store_true", help="the page of the documentation")
    options = parser.parse_args(argv[1:])
    table = import_module("xt_tui.keytable")
    if options.markdown:
        print(table.markdown(), end="")
        return ExitCode.OK
    wanted = Session(overrides=overrides_of(options)).config.mapping("tui.keys")
    changed, problems = table.user_keymap(wanted)
    for problem in problems:
        note(problem)
    rows = table.rows(changed)
    if options.json:
        emit_json({"keys": rows})
    else:
        print("\n".join(table.lines(rows)))
    return ExitCode.USAGE if problems else ExitCode.OK
