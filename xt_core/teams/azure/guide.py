"""What to do with a team's template: the configuration of its members, and the way there."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from xt_core.teams.azure.names import BATCH, ML, REGISTRY, AzureNames


class Step(NamedTuple):
    """Something for the user to do: why, and the commands for it, if there are any."""

    text: str
    commands: tuple[str, ...] = ()


def config_sections(names: AzureNames) -> dict[str, Any]:
    """The sections of the configuration that make the team known."""
    storage, mongo, vault = (names.service(role) for role in ("blobs", "mongo", "vault"))
    return {
        "external-services": {
            storage: {
                "type": "storage",
                "provider": "azure-blob",
                "account-url": f"https://{names['storageAccount']}.blob.core.windows.net",
                "container": names["container"],
            },
            mongo: {
                "type": "mongo",
                "mongo-connection-string": "$vault",
                "database": names["database"],
            },
            vault: {"type": "vault", "url": f"https://{names['vault']}.vault.azure.net"},
        },
        "teams": {names.team: {"storage": storage, "mongo": mongo, "vault": vault}},
    }


def config_text(names: AzureNames) -> str:
    """The sections as YAML. There is nothing secret in it."""
    lines = [
        f"# XT's team {names.team}: merge these sections into those of ~/.xt/config.yaml.",
        "# There is nothing secret here: members sign in, and the vault holds the database's URL.",
    ]
    for section, entries in config_sections(names).items():
        lines.append(f"{section}:")
        for name, properties in entries.items():
            pairs = ", ".join(f"{key}: {_quoted(value)}" for key, value in properties.items())
            lines.append(f"  {name}: {{{pairs}}}")
    lines += [f"# {line}" for line in _not_configured(names)]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return f'"{value}"' if set(value) & set(":$") else value


def _not_configured(names: AzureNames) -> list[str]:
    """What the template makes beside, which no setting names."""
    told = {
        REGISTRY: ("registry", "container registry {}.azurecr.io"),
        BATCH: ("batchAccount", "Batch account {}"),
        ML: ("workspace", "machine-learning workspace {}"),
    }
    lines = [told[part][1].format(names[told[part][0]]) for part in names.parts]
    return [f"made beside, for your own use: {', '.join(lines)}"] if lines else []


def deployment_steps(
    names: AzureNames,
    location: str,
    members: Sequence[str],
    folder: Path,
    subscription: str | None = None,
) -> list[Step]:
    """From the files in `folder` to a team that works."""
    group = names["resourceGroup"]
    template, parameters = (shlex.quote(str(folder / f"{name}.json")) for name in
                            ("template", "parameters"))  # fmt: skip
    chosen = (f"az account set --subscription {subscription}",) if subscription else ()
    steps = [] if members else [_name_members(parameters)]
    steps += [
        Step("see whether the names are free, which must be unlike all others in Azure",
             ("az login", *chosen, *_name_checks(names))),
        Step("make the services (as an owner of the subscription, since roles are given; it may "
             "be done again, also to add members)", (
            f"az group create --name {group} --location {location}",
            f"az deployment group create --resource-group {group} --template-file {template} "
            f"--parameters @{parameters}",
        )),
        Step("or in the portal: Create a resource > Template deployment (deploy using custom "
             "templates) > Build your own template in the editor > Load file template.json > Save;"
             f" create the resource group {group}, fill in the members as in parameters.json, and "
             "Review + create"),
        Step("tell XT: merge config.yaml into ~/.xt/config.yaml, one external-services and one "
             "teams in all; then", (f"xt use team {names.team}", "xt login", "xt team check")),
        Step("who joins needs three things: their object id among the members (deploy again), the "
             "same config.yaml merged on their machine, and", ("xt login", "xt team check")),
    ]  # fmt: skip
    return steps


def _name_members(parameters: str) -> Step:
    return Step(
        f"no member is named yet, so nobody may use the team: write object ids into {parameters}, "
        "or make it again with --members; yours is told by",
        ("az ad signed-in-user show --query id --output tsv",),
    )


def _name_checks(names: AzureNames) -> list[str]:
    commands = [
        f"az storage account check-name --name {names['storageAccount']}",
        f"az cosmosdb check-name-exists --name {names['cosmosAccount']}",
        f"az keyvault check-name --name {names['vault']}",
    ]
    if REGISTRY in names.parts:
        commands.append(f"az acr check-name --name {names['registry']}")
    return commands
