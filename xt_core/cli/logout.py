"""`xt logout`: forget this session's sign-in, and the secrets that it has fetched."""

import os

from xt_core.cli.parser import command_parser
from xt_core.cli.talk import emit_json
from xt_core.errors import ExitCode
from xt_core.identity.cache import SessionCache

_EXAMPLES = ("xt logout", "xt logout --json")


def main(argv: list[str]) -> int:
    parser = command_parser("logout", "forget this session's sign-in and secrets", _EXAMPLES)
    options = parser.parse_args(argv[1:])
    removed = SessionCache.of(os.environ).clear()
    if options.json:
        emit_json({"removed": removed})
    elif removed:
        print("signed out; running controllers keep what they were given until they end")
    else:
        print("not signed in")
    return ExitCode.OK
