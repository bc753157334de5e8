"""`xt box`: the machines that are reached over SSH."""

import argparse
import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from xt_core.cli.box_prepare import add_prepare_options, prepare_boxes
from xt_core.cli.nouns import Noun, run_noun
from xt_core.cli.parser import Parser, count, seconds
from xt_core.cli.talk import emit_json, note
from xt_core.config import config_files, write_setting
from xt_core.errors import ExitCode, RefusedError, UnknownNameError, UsageError
from xt_core.home import BOX_NAME_HINT, may_be_box
from xt_core.nodes.concurrently import on_each
from xt_core.session import Session

if TYPE_CHECKING:
    from xt_core.ssh.address import Address
    from xt_core.ssh.boxes import Boxes
    from xt_core.ssh.check import BoxReport
    from xt_core.ssh.troubles import UnknownHostKeyError

_EXAMPLES = (
    "xt box add gpu1 alice@gpu1.example:2222     shows the fingerprint of its key, and asks",
    "xt box add gpu1 lab --fingerprint SHA256:…  for scripts; lab is a Host of ~/.ssh/config",
    "xt box check                                all boxes: what they have, what they lack",
    "xt box check gpu1 gpu2 --timeout 3 --json",
    "xt box prepare gpu1                         XT there, from this machine's own copy",
    "xt box remove gpu1",
)
_CONNECT_SECONDS = 10.0
_MOST_HOPS = 8


def main(argv: list[str]) -> int:
    codes = [ExitCode.OK]

    def check(session: Session, options: argparse.Namespace) -> None:
        codes.append(_check(session, options))

    nouns = {
        "add": Noun("make a machine known, after a look at it", "NAME ADDRESS", _add_options, _add),
        "check": Noun("see whether boxes are there, and what they lack", "[NAME…]", _check_options,
                      check),
        "prepare": Noun("have XT on boxes", "[NAME…]", add_prepare_options, _prepare),
        "remove": Noun("forget a box", "NAME", _remove_options, _remove),
    }  # fmt: skip
    run_noun(argv, "the machines that are reached over SSH", nouns, _EXAMPLES)
    return codes[-1]


# Add ------------------------------------------------------------------------------------


def _add_options(parser: Parser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", help="what to call it")
    add("address", metavar="ADDRESS", help="HOST, USER@HOST:PORT, or a Host of ~/.ssh/config")
    add("--yes", action="store_true", help="accept the keys of hosts that are not known yet")
    add("--fingerprint", action="append", default=[], metavar="SHA256:…",
        help="accept this key only; may be repeated, for jump hosts")  # fmt: skip
    add("--max-runs", type=count, metavar="N", help="how many runs it runs at once")
    add("--gpus", metavar="IDS", help="the GPUs that runs share, as in 0,1; default: all")
    add("--setup", metavar="NAME", help="the setup that prepares it")
    _add_timeout(parser)


def _add_timeout(parser: Parser) -> None:
    parser.add_argument(
        "--timeout", type=seconds, default=_CONNECT_SECONDS, metavar="SECONDS",
        help="how long connecting may take (default: %(default)g)",
    )  # fmt: skip


def _add(session: Session, options: argparse.Namespace) -> None:
    from xt_core.ssh.address import parse_address
    from xt_core.ssh.boxes import Boxes

    address = parse_address(options.address)
    _check_name(session, options.name, options.address)
    if options.setup is not None:
        session.config.setup(options.setup)
    boxes = Boxes(session.config, session.environ, options.timeout)
    try:
        _connect(boxes, options, address)
    finally:
        boxes.close()
    session.home.create()
    file = session.home.config_file
    settings = {"setup": options.setup, "gpus": options.gpus, "max-runs": options.max_runs,
                "address": options.address}  # fmt: skip
    for name, value in settings.items():
        if value is not None:
            write_setting(file, f"boxes.{options.name}.{name}", str(value))
    if options.json:
        emit_json({"box": options.name, "address": options.address, "config": str(file)})
    else:
        print(f"box {options.name} ({options.address}) added to {file}")
        note(f"xt box check {options.name} tells whether it has what XT needs")


def _check_name(session: Session, name: str, address: str) -> None:
    """Raise unless a box may have that name and address."""
    if not may_be_box(name):
        raise UsageError(f"{name!r} is no name for a box", BOX_NAME_HINT)
    boxes = session.config.as_dict()["boxes"]
    if name == "local":
        raise RefusedError("box local is this machine", "give another name")
    known = boxes.get(name, {}).get("address")
    if known not in (None, address):
        raise RefusedError(
            f"there is a box {name} already: {known} "
            f"({session.config.origin(f'boxes.{name}.address')})",
            f"give another name, or xt box remove {name} first",
        )


def _connect(boxes: "Boxes", options: argparse.Namespace, address: "Address") -> None:
    """Connect, having each unknown key on the way accepted."""
    from xt_core.ssh.troubles import UnknownHostKeyError

    for _ in range(_MOST_HOPS):
        box = boxes.at(options.name, address)
        try:
            box.connect()
            return
        except UnknownHostKeyError as error:
            _accept(error, options)
            boxes.close()  # there is no pause before the next attempt
    raise RefusedError(f"the keys of more than {_MOST_HOPS} hosts would have to be accepted")


def _accept(error: "UnknownHostKeyError", options: argparse.Namespace) -> None:
    """Write a host's key to the user's known hosts if it is the right one, or the user says so."""
    from xt_core.ssh.known_hosts import add_known_key, host_name
    from xt_core.ssh.troubles import kind_of

    host, shown = host_name(error.destination), error.key.get_fingerprint()
    if options.fingerprint and shown not in options.fingerprint:
        raise RefusedError(
            f"the key of {host} is not the expected one: its fingerprint is {shown}",
            "another machine answers there, or --fingerprint is wrong",
        )
    if not options.fingerprint and not options.yes:
        if options.json or not sys.stdin.isatty():
            raise RefusedError(
                f"the key of {host} is not known ({kind_of(error.key)} {shown})",
                f"compare the fingerprint, then accept it: --fingerprint {shown}",
            )
        note(f"the key of {host} is not known: {kind_of(error.key)} {shown}")
        print("is it the right one? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise RefusedError(f"the key of {host} was not accepted", "nothing was changed")
    file = add_known_key(error.destination, error.key)
    note(f"the key of {host} is kept in {file}")


# Check ----------------------------------------------------------------------------------


def _check_options(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all that have addresses")
    _add_timeout(parser)


def _check(session: Session, options: argparse.Namespace) -> ExitCode:
    """Check all at once; each is told of when it is done. The exit code of a document."""
    names = list(dict.fromkeys(options.names)) or remote_names(session)
    if not names and not options.json:
        note("no boxes; xt box add NAME ADDRESS adds one")
    reports = _reports(session, names, options) if names else []
    failed = [report for report in reports if report.exit_code is not ExitCode.OK]
    if options.json:
        emit_json({"boxes": [report.document() for report in reports], "total": len(reports)})
    elif failed:
        note(f"{len(failed)} of {len(reports)} boxes cannot be used as they are")
    return failed[0].exit_code if failed else ExitCode.OK


def _reports(session: Session, names: list[str], options: argparse.Namespace) -> "list[BoxReport]":
    from xt_core.ssh.boxes import Boxes
    from xt_core.ssh.check import check_box
    from xt_core.ssh.configured import box_address

    addresses = {name: box_address(session.config, name) for name in names}
    boxes, printing = Boxes(session.config, session.environ, options.timeout), threading.Lock()

    def look(name: str) -> "BoxReport":
        report = check_box(boxes.of(name), str(addresses[name]))
        if not options.json:
            with printing:
                print("\n".join(report_lines(report)), flush=True)
        return report

    try:
        answers = on_each(names, look)
        answers.raise_failures()
        return [answers.results[name] for name in names]
    finally:
        boxes.close()


def report_lines(report: "BoxReport") -> list[str]:
    """A report as text."""
    lines = [f"{report.name} ({report.address}): {report.state}"]
    if report.error is not None:
        lines += [f"  ✗ {report.error.message}", f"    {report.error.hint}"]
    for finding in report.findings:
        lines.append(f"  {'✗' if finding.is_wrong else '✓'} {finding.what:<9} {finding.told}")
        lines += [f"    {finding.hint}"] if finding.hint else []
    return lines


def box_rows(session: Session, timeout: float) -> list[dict[str, Any]]:
    """All boxes as `xt list boxes` has them; those with addresses are connected to, all at once."""
    entries: dict[str, dict[str, Any]] = session.config.as_dict()["boxes"]
    states = {name: "here" if name == "local" else "no address" for name in entries}
    names = remote_names(session)
    if names:
        from xt_core.ssh.boxes import Boxes
        from xt_core.ssh.check import state_of

        boxes = Boxes(session.config, session.environ, timeout)
        answers = on_each(names, lambda name: boxes.of(name).connect())
        boxes.close()
        states |= dict.fromkeys(answers.results, "reachable")
        states |= {name: state_of(error) for name, error in answers.failures.items()}
    return [{"name": name, "state": states[name]} | box for name, box in entries.items()]


def remote_names(session: Session) -> list[str]:
    """The boxes that have an address."""
    boxes: dict[str, dict[str, Any]] = session.config.as_dict()["boxes"]
    return [name for name, box in boxes.items() if box["address"] is not None]


def _prepare(session: Session, options: argparse.Namespace) -> None:
    names = list(dict.fromkeys(options.names)) or remote_names(session)
    prepare_boxes(session, options, names)


# Remove ---------------------------------------------------------------------------------


def _remove_options(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")


def _remove(session: Session, options: argparse.Namespace) -> None:
    from xt_core.config.removal import remove_entry

    name = options.name
    if name == "local":
        raise RefusedError("box local is this machine", "it cannot be removed")
    session.config.box(name)
    files = []
    for file in config_files(session.home, session.cwd, session.environ):
        with contextlib.suppress(UnknownNameError):  # it is in one of the others
            remove_entry(file, "boxes", name)
            files.append(str(file))
    if options.json:
        emit_json({"box": name, "removed_from": files})
    else:
        print(f"box {name} removed from {', '.join(files)}")
        note("what is on it stays there, its key stays known")
