"""`xt use`: choose the team whose services are used from now on."""

from xt_core.cli.parser import command_parser
from xt_core.cli.talk import emit_json
from xt_core.config import write_setting
from xt_core.errors import ExitCode, UnknownNameError
from xt_core.services.team import named_team, team_names
from xt_core.session import Session

_EXAMPLES = (
    "xt use team phoenix      in the user's configuration, for all projects",
    "xt use team local        the stores of this machine again",
    "xt run --team phoenix …  for one command only",
)


def main(argv: list[str]) -> int:
    parser = command_parser(
        "use", "choose the team to work with", _EXAMPLES, usage="xt use team NAME [OPTIONS]"
    )
    parser.add_argument("what", choices=("team",))
    parser.add_argument("name", metavar="NAME")
    options = parser.parse_args(argv[1:])
    session = Session()
    known = team_names(session.config)
    if options.name not in known:
        raise UnknownNameError(f"there is no team {options.name!r}", f"teams: {', '.join(known)}")
    named_team(session.config, options.name)  # its services are there, or nothing is written
    session.home.create()
    write_setting(session.home.config_file, "general.xt-team-name", options.name)
    if options.json:
        emit_json({"team": options.name})
    else:
        print(f"team {options.name}, set in {session.home.config_file}")
    return ExitCode.OK
