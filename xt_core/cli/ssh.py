"""`xt ssh`: a shell, or a command, on a box."""

import os
import shlex

from xt_core.cli.parser import command_parser, overrides_of
from xt_core.cli.talk import emit_json
from xt_core.errors import UnavailableError, UsageError
from xt_core.session import Session

_EXAMPLES = (
    "xt ssh gpu1                     a shell there",
    "xt ssh gpu1 nvidia-smi          one command; its exit code is that of xt",
    "xt ssh gpu1 'cd work && ls'     … in the words of the shell there",
    "xt ssh --json gpu1 uptime       its output and exit code as a document",
)


def main(argv: list[str]) -> int:
    parser = command_parser(
        "ssh",
        "a shell, or a command, on a box",
        _EXAMPLES,
        usage="xt ssh [OPTIONS] BOX [COMMAND…]",
    )
    parser.add_argument("box", metavar="BOX")
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="its options are its own")
    own, words = split_command_line(argv[1:])
    options = parser.parse_args([*own, *words[:1]])
    session = Session(overrides=overrides_of(options))
    command = words[2:] if words[1:2] == ["--"] else words[1:]
    if options.json:
        return _document(session, options.box, command)
    return _hand_over(session, options.box, command)


def split_command_line(words: list[str]) -> tuple[list[str], list[str]]:
    """XT's own options, and what begins with the box: the command's options are none of XT's."""
    end = 0
    while end < len(words) and words[end].startswith("-"):
        end += 2 if words[end] == "--team" else 1
    return words[:end], words[end:]


def _hand_over(session: Session, name: str, command: list[str]) -> int:
    """Become the user's `ssh`, which has the terminal, and asks what it has to ask."""
    from xt_core.ssh.configured import box_address, openssh_of

    address = box_address(session.config, name)
    words = [*openssh_of(session.config, session.environ).command(address), *command]
    try:
        os.execvpe(words[0], words, dict(session.environ))
    except FileNotFoundError as error:
        raise UnavailableError(
            "the program ssh is missing", "install OpenSSH's client (openssh-client)"
        ) from error


def _document(session: Session, name: str, command: list[str]) -> int:
    """Run a command, and tell all of it at once."""
    if not command:
        raise UsageError("a shell gives no JSON", "name a command, or leave --json away")
    from xt_core.ssh.boxes import Boxes

    boxes = Boxes(session.config, session.environ)
    try:
        # As `ssh` does: the words joined by spaces are for the shell there.
        done = boxes.of(name).run(" ".join(command), seconds=None)
    finally:
        boxes.close()
    emit_json({
        "box": name,
        "command": command[0] if len(command) == 1 else shlex.join(command),
        "exit_code": done.exit_code,
        "stdout": done.stdout.decode("utf-8", "replace"),
        "stderr": done.stderr.decode("utf-8", "replace"),
    })  # fmt: skip
    return done.exit_code
