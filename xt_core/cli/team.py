"""`xt team check`: real round trips to each service of a team, and what is wrong, precisely."""

import argparse
from typing import Any

from xt_core.cli.nouns import Noun, run_noun
from xt_core.cli.parser import Parser, seconds
from xt_core.cli.talk import emit_json
from xt_core.errors import ExitCode, UnknownNameError
from xt_core.services.team import team_names
from xt_core.session import Session
from xt_core.teams.checks.check import Result, Status, results
from xt_core.teams.checks.services import checks_of

_EXAMPLES = (
    "xt team check                      the team in use",
    "xt team check phoenix --timeout 3",
    "xt team check --json",
)
_SECONDS = 10.0
_MARKS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "–"}


def main(argv: list[str]) -> int:
    codes = [ExitCode.OK]

    def check(session: Session, options: argparse.Namespace) -> None:
        codes.append(_check_team(session, options))

    summary = "test each service of a team with a round trip"
    nouns = {"check": Noun(summary, "[NAME]", _add_arguments, check)}
    run_noun(argv, "test the services of a team", nouns, _EXAMPLES)
    return codes[-1]


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="default: the one in use")
    parser.add_argument(
        "--timeout", type=seconds, default=_SECONDS, metavar="SECONDS",
        help="how long a step may take (default: %(default)g)",
    )  # fmt: skip


def _check_team(session: Session, options: argparse.Namespace) -> ExitCode:
    """Take all steps; the exit code of a document. Raises as the first step that failed."""
    if options.name is not None:
        known = team_names(session.config)
        if options.name not in known:
            raise UnknownNameError(
                f"there is no team {options.name!r}", f"teams: {', '.join(known)}"
            )
        session = Session(overrides={"general.xt-team-name": options.name})
    checks = checks_of(session, options.timeout)
    if not options.json:
        print(f"team {session.team.name}")
    done: list[Result] = []
    for check in checks:
        of_check: list[Result] = []
        for result in results(check, options.timeout):
            of_check.append(result)
            if not options.json and result.status is not Status.SKIPPED:
                print("\n".join(result_lines(result)), flush=True)
        if not options.json and (line := skipped_line(of_check)):
            print(line, flush=True)
        done += of_check
    failed = [result.error for result in done if result.error is not None]
    if options.json:
        emit_json(check_document(session.team.name, done))
        return failed[0].exit_code if failed else ExitCode.OK
    if failed:
        kind, number = type(failed[0]), len(done)
        raise kind(f"team {session.team.name}: {len(failed)} of {number} steps failed")
    return ExitCode.OK


def result_lines(result: Result) -> list[str]:
    """A step as text: one line, and where it failed why and what to do."""
    check, error = result.check, result.error
    took = "" if result.milliseconds is None else f" ({result.milliseconds:.0f} ms)"
    what = ": ".join(filter(None, [result.what, result.detail]))
    lines = [f"{_MARKS[result.status]} {check.role:<9} {check.service}: {what}{took}"]
    if error is not None:
        is_named = check.setting in error.message
        lines.append(
            f"    {error.message}" if is_named else f"    {check.setting}: {error.message}"
        )
        lines += [f"    {error.hint}"] if error.hint else []
    return lines


def skipped_line(of_check: list[Result]) -> str:
    """What was not tried of a check, in a line; "" if all was."""
    skipped = [result.what for result in of_check if result.status is Status.SKIPPED]
    if not skipped:
        return ""
    check = of_check[0].check
    return (
        f"{_MARKS[Status.SKIPPED]} {check.role:<9} {check.service}: not tried: {'; '.join(skipped)}"
    )


def check_document(team: str, done: list[Result]) -> dict[str, Any]:
    """All steps as `xt team check --json` gives them."""
    return {
        "team": team,
        "ok": all(result.error is None for result in done),
        "steps": [
            {
                "role": result.check.role,
                "service": result.check.service,
                "setting": result.check.setting,
                "what": result.what,
                "status": str(result.status),
                "milliseconds": result.milliseconds,
                "detail": result.detail,
                "error": None if result.error is None else {
                    "kind": result.error.kind,
                    "message": result.error.message,
                    "hint": result.error.hint,
                },
            }
            for result in done
        ],
    }  # fmt: skip
