"""The names of a team's Azure resources, derived from the team's and checked against Azure's rules.

The rules are those of Microsoft's page "Naming rules and restrictions for Azure resources".
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from xt_core.errors import UsageError
from xt_core.home import LOCAL_TEAM
from xt_core.services.team import UNNAMED_TEAM

REGISTRY, BATCH, ML = "registry", "batch", "ml"
OPTIONAL_PARTS = (REGISTRY, BATCH, ML)
"""What a team may have beside storage, Cosmos DB and a key vault."""

_TEAM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SUFFIX = re.compile(r"[a-z0-9]{1,8}")
_SUBSCRIPTION_SUFFIX = 6
_PREFIX = "xt"


@dataclass(frozen=True)
class _Rule:
    """What Azure asks of one name: its length, whether it may have hyphens, where it is unique."""

    kind: str
    least: int
    most: int
    hyphens: bool = True
    unique: bool = True
    """Among all customers of Azure, or of one of its regions; else within the team's own group."""
    tail: str = ""


_RULES = {
    "resourceGroup": _Rule("resource group", 1, 90, unique=False),
    "storageAccount": _Rule("storage account", 3, 24, hyphens=False),
    "container": _Rule("blob container", 3, 63, unique=False),
    "cosmosAccount": _Rule("Cosmos DB account", 3, 44),
    "database": _Rule("database", 1, 64, unique=False),
    "vault": _Rule("key vault", 3, 24),
    "secret": _Rule("secret of the key vault", 1, 127, unique=False),
}
_OPTIONAL_RULES = {
    REGISTRY: {"registry": _Rule("container registry", 5, 50, hyphens=False)},
    BATCH: {"batchAccount": _Rule("Batch account", 3, 24, hyphens=False)},
    ML: {
        "workspace": _Rule("machine-learning workspace", 3, 33, unique=False),
        "logs": _Rule("Log Analytics workspace", 4, 63, unique=False),
        "insights": _Rule("Application Insights component", 1, 260, unique=False),
        "workspaceStorage": _Rule(
            "storage account of the machine-learning workspace", 3, 24, hyphens=False, tail="ml"
        ),
        "workspaceVault": _Rule("key vault of the machine-learning workspace", 3, 24, tail="ml"),
    },
}


@dataclass(frozen=True)
class AzureNames:
    """The names of one team's resources; `resources` has them by the template's variables."""

    team: str
    parts: tuple[str, ...]
    """Those of `OPTIONAL_PARTS` that the team has."""
    resources: Mapping[str, str]

    def __getitem__(self, variable: str) -> str:
        return self.resources[variable]

    def service(self, role: str) -> str:
        """What the configuration calls the service of a role."""
        return f"{self.team}-{role}"


def names_of(team: str, parts: Collection[str] = (), suffix: str = "") -> AzureNames:
    """All names. Raises UsageError, naming the first that Azure would not take."""
    _check_team(team)
    if suffix and not _SUFFIX.fullmatch(suffix):
        raise UsageError(f"the suffix {suffix!r} is not valid", "use 1 to 8 of a-z and 0-9")
    chosen = [part for part in OPTIONAL_PARTS if part in parts]
    if ML in chosen and REGISTRY not in chosen:
        chosen.insert(0, REGISTRY)  # a workspace keeps its images there
    rules = dict(_RULES)
    for part in chosen:
        rules |= _OPTIONAL_RULES[part]
    resources = {variable: _name(team, suffix, rule) for variable, rule in rules.items()}
    resources["secret"] = f"{team}-mongo"
    for variable, rule in rules.items():
        _check_length(team, resources[variable], rule)
    return AzureNames(team, tuple(chosen), resources)


def suffix_of(subscription: str, team: str) -> str:
    """The suffix that is a team's own in a subscription: whose id is like no other's in Azure."""
    digest = hashlib.sha256(f"{subscription.lower()}/{team}".encode()).hexdigest()
    return digest[:_SUBSCRIPTION_SUFFIX]


def _name(team: str, suffix: str, rule: _Rule) -> str:
    words = [_PREFIX, team, suffix if rule.unique else "", rule.tail]
    joined = "-".join(word for word in words if word)
    return joined if rule.hyphens else joined.replace("-", "")


def _check_team(team: str) -> None:
    if len(team) < 2 or not _TEAM.fullmatch(team):
        raise UsageError(
            f"{team!r} cannot be the name of a team in Azure",
            "use 2 or more of a-z, 0-9 and single hyphens within, a letter first, as in phoenix",
        )
    if team in (LOCAL_TEAM, UNNAMED_TEAM):
        raise UsageError(f"the team {team!r} is there already", "choose another name")


def _check_length(team: str, name: str, rule: _Rule) -> None:
    called = f"the {rule.kind} would be called {name}, and Azure takes"
    if len(name) > rule.most:
        raise UsageError(
            f"the name {team!r} is too long: {called} {rule.most} characters",
            f"shorten the name, or the suffix, by {len(name) - rule.most}",
        )
    if len(name) < rule.least:
        raise UsageError(
            f"the name {team!r} is too short: {called} no fewer than {rule.least} characters",
            "choose a longer name, or give a suffix",
        )
