"""`xt box`: the machines that are reached over SSH."""

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xt_core.cli.box_prepare import add_prepare_options, prepare_boxes
from xt_core.cli.nouns import Noun, run_noun
from xt_core.cli.parser import Parser, count, seconds
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode, RefusedError
from xt_core.nodes.concurrently import on_each
from xt_core.session import Session
from xt_core.ssh.adding import CONNECT_SECONDS, remote_names

if TYPE_CHECKING:
    from xt_core.ssh.adding import UnknownKey
    from xt_core.ssh.check import BoxReport

_EXAMPLES = (
    "xt box add gpu1 alice@gpu1.example:2222     shows the fingerprint of its key, and asks",
    "xt box add gpu1 lab --fingerprint SHA256:…  for scripts; lab is a Host of ~/.ssh/config",
    "xt box check                                all boxes: what they have, what they lack",
    "xt box check gpu1 gpu2 --timeout 3 --json",
    "xt box prepare gpu1                         XT there, from this machine's own copy",
    "xt box remove gpu1",
    "xt box remove gpu1 --give-up                gone for good: its unfinished runs are cancelled",
)


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
        "--timeout", type=seconds, default=CONNECT_SECONDS, metavar="SECONDS",
        help="how long connecting may take (default: %(default)g)",
    )  # fmt: skip


def _add(session: Session, options: argparse.Namespace) -> None:
    from xt_core.ssh.adding import NewBox, reach_new_box, write_box

    def accept(unknown: "UnknownKey") -> None:
        _accept(unknown, options)

    def kept(unknown: "UnknownKey", file: Path) -> None:
        note(f"the key of {unknown.host} is kept in {file}")

    new = NewBox(options.name, options.address, options.max_runs, options.gpus, options.setup)
    reach_new_box(session, new, accept, kept, options.timeout)
    file = write_box(session, new)
    if options.json:
        emit_json({"box": new.name, "address": new.address, "config": str(file)})
    else:
        print(f"box {new.name} ({new.address}) added to {file}")
        note(f"xt box check {new.name} tells whether it has what XT needs")


def _accept(unknown: "UnknownKey", options: argparse.Namespace) -> None:
    """Return if a host's key is the right one, or the user says so. Raises RefusedError."""
    host, shown = unknown.host, unknown.fingerprint
    if options.fingerprint and shown not in options.fingerprint:
        raise RefusedError(
            f"the key of {host} is not the expected one: its fingerprint is {shown}",
            "another machine answers there, or --fingerprint is wrong",
        )
    if options.fingerprint or options.yes:
        return
    if options.json or not sys.stdin.isatty():
        raise RefusedError(
            f"the key of {host} is not known ({unknown.kind} {shown})",
            f"compare the fingerprint, then accept it: --fingerprint {shown}",
        )
    note(f"the key of {host} is not known: {unknown.kind} {shown}")
    print("is it the right one? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RefusedError(f"the key of {host} was not accepted", "nothing was changed")


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
        report = check_box(boxes.of(name), str(addresses[name]), system=session.config.box(name).os)
        if not options.json:
            with printing:
                print("\n".join(report.lines()), flush=True)
        return report

    try:
        answers = on_each(names, look)
        answers.raise_failures()
        return [answers.results[name] for name in names]
    finally:
        boxes.close()


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


def _prepare(session: Session, options: argparse.Namespace) -> None:
    names = list(dict.fromkeys(options.names)) or remote_names(session)
    prepare_boxes(session, options, names)


# Remove ---------------------------------------------------------------------------------


def _remove_options(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--give-up", action="store_true", help="it will not come back: cancel what it has not ended"
    )


def _remove(session: Session, options: argparse.Namespace) -> None:
    from xt_core.ssh.adding import remove_box

    files = [str(file) for file in remove_box(session, options.name, give_up=options.give_up)]
    if options.json:
        emit_json({"box": options.name, "removed_from": files})
    else:
        print(f"box {options.name} removed from {', '.join(files) or 'what XT knows'}")
        note("what is on it stays there, its key stays known")
