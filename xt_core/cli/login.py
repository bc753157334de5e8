"""`xt login`: sign in to the services of the team, for this OS session."""

from typing import Any

from xt_core import clock
from xt_core.cli.parser import command_parser, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode
from xt_core.identity.signin import STORAGE_SCOPE
from xt_core.identity.ways import AUTO, KINDS, NONE, not_signed_in
from xt_core.session import Session

_EXAMPLES = (
    "xt login                                  as the situation calls for",
    "xt login --authentication device-code     with a code, on any machine's browser",
    "xt login --authentication service-principal --json",
)


def main(argv: list[str]) -> int:
    parser = command_parser("login", "sign in to cloud services, for this session", _EXAMPLES)
    kinds = [kind for kind in KINDS if kind != NONE]
    parser.add_argument("--authentication", choices=kinds, help="how; default: the setting, auto")
    options = parser.parse_args(argv[1:])
    overrides = overrides_of(options)
    if options.authentication is not None:
        overrides["general.authentication"] = options.authentication
    session = Session(overrides=overrides)
    try:
        document = _sign_in(session, is_explicit=options.authentication not in (None, AUTO))
    finally:
        session.close()
    if options.json:
        emit_json(document)
    else:
        _print(document)
    return ExitCode.OK


def _sign_in(session: Session, *, is_explicit: bool) -> dict[str, Any]:
    """Sign in anew, fetch the team's secrets anew, and let the running controllers know."""
    sign_in = session.sign_in
    scope = _scope(session)
    if is_explicit:
        sign_in.may_ask = True  # whoever names a way sees the code, terminal or not
    if sign_in.way.is_interactive and not sign_in.may_ask:
        raise not_signed_in()  # rather than lose the sign-in that there is
    sign_in.cache.clear()
    account = sign_in.account(scope)
    if is_explicit:
        sign_in.choose()
    return {
        "authentication": sign_in.way.kind,
        "account": account.name,
        "tenant": account.tenant,
        "expires": clock.iso(account.expires),
        "kept": "session" if sign_in.cache.outlives_the_process else "process",
        "controllers": _hand_over(session),
    }


def _scope(session: Session) -> str:
    """What is asked for first: the team's vault, else storage."""
    from xt_core.services.secrets import vault_of

    vault = session.team.vault
    return STORAGE_SCOPE if vault is None else vault_of(vault, session.sign_in).scope


def _hand_over(session: Session) -> list[str]:
    """Give the running controllers of the team what the user may do now; their nodes."""
    access, controllers = session.access, session.controllers
    nodes = [] if access.is_embedded else controllers.running()
    controllers.ensure_running(nodes)  # anew, where a secret is another by now
    if access.needs_sign_in:
        for node in nodes:
            controllers.of(node).hand_over_access()
    return nodes


def _print(document: dict[str, Any]) -> None:
    tenant = f" of tenant {document['tenant']}" if document["tenant"] else ""
    way, until = document["authentication"], document["expires"]
    print(f"signed in as {document['account']}{tenant} ({way}); the token lasts until {until}")
    if document["controllers"]:
        print(f"handed over to the controllers of {', '.join(document['controllers'])}")
    if document["kept"] == "process":
        note("this system has no private memory for a session: each command signs in by itself")
