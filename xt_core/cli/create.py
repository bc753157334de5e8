"""`xt create team`: the template of a team's Azure services, its configuration, and the way there.

Nothing is made in Azure: the user deploys the template.
"""

import argparse
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from xt_core.cli.nouns import Noun, run_noun
from xt_core.cli.parser import Parser
from xt_core.cli.talk import emit_json, note
from xt_core.config.writing import replace_text
from xt_core.errors import ExitCode, RefusedError, UsageError
from xt_core.session import Session
from xt_core.teams.azure.guide import Step, config_text, deployment_steps
from xt_core.teams.azure.names import OPTIONAL_PARTS, AzureNames, names_of, suffix_of
from xt_core.teams.azure.template import parameters, template

_EXAMPLES = (
    "xt create team phoenix --location westeurope",
    "xt create team phoenix --members 11111111-2222-3333-4444-555555555555 --suffix lab7",
    "xt create team phoenix --with registry,batch,ml --output azure/phoenix",
    "xt create team phoenix --dry-run --json          writes nothing",
)
_DEFAULT_LOCATION = "eastus"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WIDTH = 100
_UNITS_STEP = 1000
_MOST_UNITS = 1_000_000


def main(argv: list[str]) -> int:
    run_noun(argv, "make something new", _NOUNS, _EXAMPLES)
    return ExitCode.OK


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="the team; the services are named after it")
    add = parser.add_argument
    add(
        "--location",
        default=_DEFAULT_LOCATION,
        metavar="L",
        help="region of Azure, as in westeurope (default: %(default)s)",
    )
    add(
        "--with",
        dest="parts",
        default="",
        metavar="PARTS",
        help="also a container registry, Batch, a machine-learning workspace: registry,batch,ml",
    )
    add(
        "--members",
        default="",
        metavar="IDS",
        help="object ids of the users and groups who are the team, separated by commas",
    )
    add(
        "--autoscale",
        type=int,
        metavar="UNITS",
        help="a database that scales up to so many request units a second, in thousands, "
        "in place of a serverless one",
    )
    add(
        "--suffix",
        default="",
        metavar="TEXT",
        help="end the names that must be unique in Azure with this",
    )
    add(
        "--subscription",
        metavar="ID",
        help="the subscription to deploy to; without --suffix it gives one",
    )
    add("--output", type=Path, metavar="FOLDER", help="where the files go (default: xt-team-NAME)")
    add("--force", action="store_true", help="write over files that are there")
    add("--dry-run", action="store_true", help="show it all and write nothing")  # fmt: skip


def _create_team(session: Session, options: argparse.Namespace) -> None:
    members = _members(options.members)
    location = _location(options.location)
    names = names_of(options.name, _parts(options.parts), _suffix(options))
    folder = session.cwd / (options.output or f"xt-team-{names.team}")
    made, given = template(names, _units(options.autoscale)), parameters(location, members)
    texts = {
        folder / "template.json": _json(made),
        folder / "parameters.json": _json(given),
        folder / "config.yaml": config_text(names),
    }
    if not options.dry_run:
        _write(texts, force=options.force)
    steps = deployment_steps(
        names, location, members, options.output or Path(folder.name), options.subscription
    )
    if options.json:
        emit_json({
            "team": names.team,
            "names": dict(names.resources),
            "files": [] if options.dry_run else [str(path) for path in texts],
            "template": made,
            "parameters": given,
            "config": config_text(names),
            "steps": [{"text": step.text, "commands": list(step.commands)} for step in steps],
        })  # fmt: skip
        return
    _show(names, made, texts, steps, written=not options.dry_run)


def _show(
    names: AzureNames,
    made: dict[str, Any],
    texts: dict[Path, str],
    steps: list[Step],
    *,
    written: bool,
) -> None:
    print(f"team {names.team}: the template makes")
    for resource in made["resources"]:
        if "location" in resource:
            name = names[re.findall(r"'(\w+)'", resource["name"])[0]]
            print(f"  {name:<24} {resource['type']}")
    print(f"\nits configuration:\n\n{config_text(names)}")
    print("written:" if written else "nothing is written (--dry-run); it would be:")
    for path in texts:
        print(f"  {path}")
    for number, step in enumerate(steps, 1):
        print("\n" + textwrap.fill(f"{number}. {step.text}", _WIDTH, subsequent_indent="   "))
        for command in step.commands:
            print(f"   {command}")
    if written:
        note(f"team {names.team}: nothing is in Azure yet; the steps above make it")


def _write(texts: dict[Path, str], *, force: bool) -> None:
    """Write all files or, where one is there, none."""
    there = [path for path in texts if path.exists()]
    if there and not force:
        raise RefusedError(
            f"{there[0]} exists already", "--output names another folder, --force writes over it"
        )
    for path, text in texts.items():
        replace_text(path, text, durable=False)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _parts(text: str) -> list[str]:
    parts = _listed(text)
    for part in parts:
        if part not in OPTIONAL_PARTS:
            known = ", ".join(OPTIONAL_PARTS)
            raise UsageError(f"--with knows no {part!r}", f"it takes some of {known}")
    return parts


def _members(text: str) -> list[str]:
    members = list(dict.fromkeys(member.lower() for member in _listed(text)))
    for member in members:
        if not _ID.fullmatch(member):
            raise UsageError(
                f"--members takes object ids, not {member!r}",
                f"ask for it: az ad user show --id {member} --query id --output tsv"
                if "@" in member
                else "as in 11111111-2222-3333-4444-555555555555",
            )
    return members


def _location(text: str) -> str:
    """A region as Azure's commands name it; ``West Europe`` is what its pages say."""
    location = text.lower().replace(" ", "")
    if not re.fullmatch(r"[a-z]+[0-9]?", location):
        raise UsageError(
            f"--location {text!r} is no region of Azure",
            "as in westeurope; az account list-locations --output table shows them",
        )
    return location


def _suffix(options: argparse.Namespace) -> str:
    if options.subscription is not None and not _ID.fullmatch(options.subscription):
        raise UsageError(
            f"--subscription takes an id, not {options.subscription!r}",
            "ask for it: az account show --query id --output tsv",
        )
    if options.suffix or options.subscription is None:
        return str(options.suffix)
    return suffix_of(options.subscription, options.name)


def _units(units: int | None) -> int | None:
    if units is not None and (units % _UNITS_STEP or not 0 < units <= _MOST_UNITS):
        raise UsageError(
            f"--autoscale takes 1000, 2000, … to {_MOST_UNITS}, not {units}",
            "1000 is the least that a database scales up to",
        )
    return units


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


_NOUNS = {"team": Noun("the Azure services of a new team, as a template to deploy", "NAME",
                       _add_arguments, _create_team)}  # fmt: skip
