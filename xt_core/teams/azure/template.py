"""The template that makes a team's services, and the parameters that go with it."""

from collections.abc import Sequence
from typing import Any

import xt_core
from xt_core.teams.azure import compute, resources
from xt_core.teams.azure.names import BATCH, ML, REGISTRY, AzureNames

_SCHEMAS = "https://schema.management.azure.com/schemas/2019-04-01"
_MEMBERS_HELP = "Object ids, in Microsoft Entra, of the users and groups who are the team."
_OPTIONAL = {REGISTRY: compute.registry, BATCH: compute.batch, ML: compute.workspace}


def template(names: AzureNames, most_units: int | None = None) -> dict[str, Any]:
    """A deployment template for a resource group.

    `most_units` is the most request units a second of a database that scales; None for a
    serverless one.
    """
    chosen = [*resources.artifacts(), *resources.stats(most_units), *resources.secrets()]
    for part in names.parts:
        chosen += _OPTIONAL[part]()
    unused = {"resourceGroup"} | ({"database"} if most_units is None else set())
    return {
        "$schema": f"{_SCHEMAS}/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "metadata": {"description": f"The services of XT's team {names.team}. It may be deployed "
                                    f"again. Made by xt {xt_core.__version__}."},
        "parameters": {
            "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
            "members": {
                "type": "array",
                "defaultValue": [],
                "metadata": {"description": _MEMBERS_HELP},
            },
        },
        "variables": {
            variable: name
            for variable, name in names.resources.items()
            if variable not in unused
        },
        "resources": chosen,
        "outputs": _outputs(),
    }  # fmt: skip


def parameters(location: str, members: Sequence[str]) -> dict[str, Any]:
    """The parameters of a deployment."""
    return {
        "$schema": f"{_SCHEMAS}/deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"location": {"value": location}, "members": {"value": list(members)}},
    }


def _outputs() -> dict[str, Any]:
    """What the configuration says, as Azure has it; no secrets, as outputs are kept in logs."""
    storage = resources.resource_id(resources.STORAGE, "storageAccount")
    vault = resources.resource_id(resources.VAULT, "vault")
    return {
        "accountUrl": {
            "type": "string",
            "value": f"[reference({storage}).primaryEndpoints.blob]",
        },
        "vaultUrl": {"type": "string", "value": f"[reference({vault}).vaultUri]"},
    }
