"""The check of a vault: the user's sign-in, and each secret that the team's services name."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from xt_core.services.secrets import Secrets, secret_name
from xt_core.services.team import Service, Team
from xt_core.teams.checks.check import Check, Step

_SECRETS = (("mongo", "mongo-connection-string"), ("storage", "connection-string"))


class NamedSecret(NamedTuple):
    """A secret of the vault, and the setting that names it."""

    name: str
    setting: str


def vault_check(service: Service, secrets: Secrets) -> Check:
    """The check of a team's vault, which is asked also for what the session has."""
    url = service.setting("url")
    steps = [Step("sign in", lambda: _sign_in(secrets, url), may_ask=True)]
    for secret in named_secrets(secrets.team):
        steps.append(Step(f"get the secret {secret.name}", _getting(secrets, secret)))
    return Check("vault", service.name, url, steps, lambda: None)


def named_secrets(team: Team) -> Sequence[NamedSecret]:
    """The secrets that a team's services name, in the order of their checks."""
    found = []
    for role, name in _SECRETS:
        service: Service | None = getattr(team, role)
        secret = None if service is None else secret_name(service, name)
        if service is not None and secret is not None:
            found.append(NamedSecret(secret, service.setting(name)))
    return found


def _sign_in(secrets: Secrets, url: str) -> str:
    return f"as {secrets.sign_in().account(secrets.vault(url).scope).name}"


def _getting(secrets: Secrets, secret: NamedSecret) -> Callable[[], str]:
    def get() -> str:
        secrets.vault(secret.setting).secret(secret.name, secret.setting, anew=True)
        return f"for {secret.setting}"

    return get
