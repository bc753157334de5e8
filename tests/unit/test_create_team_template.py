"""The template of a team's Azure services: exactly these resources, and every reference resolves.

No Azure is reached: what is held here is the text, read as Azure reads it.
"""

import json
import re
from itertools import combinations
from typing import Any

import pytest
from arm_support import MEMBERS, Template, Told

from xt_core.teams.azure.names import OPTIONAL_PARTS, names_of
from xt_core.teams.azure.template import parameters, template

ALL_PARTS = [parts for count in range(4) for parts in combinations(OPTIONAL_PARTS, count)]
STORAGE = "Microsoft.Storage/storageAccounts"
CORE = {
    f"{STORAGE}/xtphoenix",
    f"{STORAGE}/xtphoenix/blobServices/default",
    f"{STORAGE}/xtphoenix/blobServices/default/containers/xt-phoenix",
    "Microsoft.DocumentDB/databaseAccounts/xt-phoenix",
    "Microsoft.KeyVault/vaults/xt-phoenix",
    "Microsoft.KeyVault/vaults/xt-phoenix/secrets/phoenix-mongo",
}
REGISTRY = {"Microsoft.ContainerRegistry/registries/xtphoenix"}
OPTIONAL = {
    "registry": REGISTRY,
    "batch": {"Microsoft.Batch/batchAccounts/xtphoenix"},
    "ml": {
        *REGISTRY,
        f"{STORAGE}/xtphoenixml",
        f"{STORAGE}/xtphoenixml/blobServices/default",
        "Microsoft.KeyVault/vaults/xt-phoenix-ml",
        "Microsoft.OperationalInsights/workspaces/xt-phoenix",
        "Microsoft.Insights/components/xt-phoenix",
        "Microsoft.MachineLearningServices/workspaces/xt-phoenix",
    },
}
ROLES = {
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "Azure Batch Data Contributor": "6aaa78f1-f7de-44ca-8722-c64a23943cae",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
}


def made(parts: tuple[str, ...] = (), units: int | None = None) -> dict[str, Any]:
    return template(names_of("phoenix", parts), units)


def split(resources: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The services, and the assignments of roles."""
    roles = {i: r for i, r in resources.items() if r["type"].endswith("/roleAssignments")}
    return {i: r for i, r in resources.items() if i not in roles}, roles


@pytest.mark.parametrize("parts", ALL_PARTS, ids="-".join)
def test_each_set_of_options_makes_exactly_its_services(parts: tuple[str, ...]) -> None:
    services, roles = split(Template(made(parts)).resources())
    assert set(services) == CORE.union(*(OPTIONAL[part] for part in parts))
    with_registry = bool({"registry", "ml"} & set(parts))
    kinds = 3 + with_registry + ("batch" in parts) + 2 * ("ml" in parts)
    assert len(roles) == kinds * len(MEMBERS)


@pytest.mark.parametrize("units", [None, 4000])
@pytest.mark.parametrize("parts", ALL_PARTS, ids="-".join)
def test_every_reference_names_a_resource_of_the_template(
    parts: tuple[str, ...], units: int | None
) -> None:
    read = Template(made(parts, units))
    resources = read.resources()
    read.evaluated(read.document["outputs"])
    assert set(read.asked) <= set(resources)
    for own, resource in resources.items():
        for other in resource.get("dependsOn", []):
            assert other in resources
            assert other != own
    children = [i for i, r in resources.items() if r["name"].count("/") and "scope" not in r]
    for child in children:
        parent = "/".join(child.split("/")[:-2])
        assert parent in resources[child]["dependsOn"]


@pytest.mark.parametrize("parts", ALL_PARTS, ids="-".join)
def test_what_is_read_of_another_resource_waits_for_it(parts: tuple[str, ...]) -> None:
    document = made(parts)
    for resource in document["resources"]:
        read = Template(document)
        kept = {k: v for k, v in resource.items() if k not in ("dependsOn", "copy")}
        read.evaluated(kept, 0)
        assert set(read.asked) <= set(read.evaluated(resource.get("dependsOn", [])))


@pytest.mark.parametrize("parts", ALL_PARTS, ids="-".join)
def test_resources_wait_for_others_in_no_circle(parts: tuple[str, ...]) -> None:
    left = {i: set(r.get("dependsOn", [])) for i, r in Template(made(parts)).resources().items()}
    while left:
        ready = {own for own, others in left.items() if not others & set(left)}
        assert ready
        left = {own: others for own, others in left.items() if own not in ready}


@pytest.mark.parametrize("units", [None, 4000])
@pytest.mark.parametrize("parts", ALL_PARTS, ids="-".join)
def test_no_variable_is_unused_or_undefined(parts: tuple[str, ...], units: int | None) -> None:
    document = made(parts, units)
    text = json.dumps([document["resources"], document["outputs"]])
    assert set(re.findall(r"variables\('(\w+)'\)", text)) == set(document["variables"])
    assert set(re.findall(r"parameters\('(\w+)'\)", text)) == set(document["parameters"])


def test_storage_takes_sign_ins_only_and_keeps_what_is_deleted() -> None:
    resources = Template(made(("ml",))).resources()
    for name in ("xtphoenix", "xtphoenixml"):
        account = resources[f"{STORAGE}/{name}"]
        assert (account["kind"], account["sku"], account["location"]) == (
            "StorageV2", {"name": "Standard_LRS"}, "eastus",
        )  # fmt: skip
        assert account["properties"] == {
            "accessTier": "Hot",
            "allowBlobPublicAccess": False,
            "allowCrossTenantReplication": False,
            "allowSharedKeyAccess": False,
            "defaultToOAuthAuthentication": True,
            "minimumTlsVersion": "TLS1_2",
            "supportsHttpsTrafficOnly": True,
        }
        assert resources[f"{STORAGE}/{name}/blobServices/default"]["properties"] == {
            "containerDeleteRetentionPolicy": {"enabled": True, "days": 14},
            "deleteRetentionPolicy": {"enabled": True, "days": 14},
            "isVersioningEnabled": False,
        }
    container = f"{STORAGE}/xtphoenix/blobServices/default/containers/xt-phoenix"
    assert resources[container]["properties"] == {"publicAccess": "None"}


def test_the_database_is_serverless_with_continuous_backup() -> None:
    account = Template(made()).resources()["Microsoft.DocumentDB/databaseAccounts/xt-phoenix"]
    assert account["kind"] == "MongoDB"
    assert account["properties"] == {
        "apiProperties": {"serverVersion": "7.0"},
        "backupPolicy": {
            "type": "Continuous",
            "continuousModeProperties": {"tier": "Continuous7Days"},
        },
        "capabilities": [{"name": "EnableMongo"}, {"name": "EnableServerless"}],
        "consistencyPolicy": {"defaultConsistencyLevel": "Strong"},
        "databaseAccountOfferType": "Standard",
        "enableAutomaticFailover": False,
        "locations": [{"locationName": "eastus", "failoverPriority": 0}],
        "minimalTlsVersion": "Tls12",
    }


def test_a_database_that_scales_is_made_with_its_limit() -> None:
    resources = Template(made((), 4000)).resources()
    account = "Microsoft.DocumentDB/databaseAccounts/xt-phoenix"
    assert resources[account]["properties"]["capabilities"] == [{"name": "EnableMongo"}]
    assert resources[f"{account}/mongodbDatabases/xt-phoenix"]["properties"] == {
        "resource": {"id": "xt-phoenix"},
        "options": {"autoscaleSettings": {"maxThroughput": 4000}},
    }


def test_the_vault_holds_the_url_of_the_database() -> None:
    resources = Template(made(("ml",))).resources()
    for name in ("xt-phoenix", "xt-phoenix-ml"):
        assert resources[f"Microsoft.KeyVault/vaults/{name}"]["properties"] == {
            "enablePurgeProtection": True,
            "enableRbacAuthorization": True,
            "enableSoftDelete": True,
            "sku": {"family": "A", "name": "standard"},
            "softDeleteRetentionInDays": 90,
            "tenantId": Told("subscription", "", ("tenantId",)),
        }
    secret = resources["Microsoft.KeyVault/vaults/xt-phoenix/secrets/phoenix-mongo"]
    path = ("2025-04-15", "connectionStrings", "0", "connectionString")
    account = "Microsoft.DocumentDB/databaseAccounts/xt-phoenix"
    assert secret["properties"] == {
        "contentType": "text/plain",
        "value": Told("keys", account, path),
    }


def test_members_have_each_role_for_one_resource_alone() -> None:
    _, roles = split(Template(made(OPTIONAL_PARTS)).resources())
    prefix = "Microsoft.Authorization/roleDefinitions/"
    names = {f"{prefix}{role_id}": role for role, role_id in ROLES.items()}
    given = {
        (r["properties"]["principalId"], names[r["properties"]["roleDefinitionId"]], r["scope"])
        for r in roles.values()
    }
    container = f"{STORAGE}/xtphoenix/blobServices/default/containers/xt-phoenix"
    scopes = [
        ("Storage Blob Data Contributor", container),
        ("Storage Blob Delegator", f"{STORAGE}/xtphoenix"),
        ("Key Vault Secrets User", "Microsoft.KeyVault/vaults/xt-phoenix"),
        ("AcrPush", "Microsoft.ContainerRegistry/registries/xtphoenix"),
        ("Azure Batch Data Contributor", "Microsoft.Batch/batchAccounts/xtphoenix"),
        ("AzureML Data Scientist", "Microsoft.MachineLearningServices/workspaces/xt-phoenix"),
        ("Storage Blob Data Contributor", f"{STORAGE}/xtphoenixml"),
    ]
    assert given == {(member, role, scope) for member in MEMBERS for role, scope in scopes}
    assert all(r["properties"]["description"] in ROLES for r in roles.values())
    assert len({r["name"] for r in roles.values()}) == len(roles) == 14


def test_without_members_nobody_has_a_role() -> None:
    _, roles = split(Template(made(OPTIONAL_PARTS), members=()).resources())
    assert roles == {}


def test_registry_and_batch_have_no_keys() -> None:
    resources = Template(made(("registry", "batch"))).resources()
    registry = resources["Microsoft.ContainerRegistry/registries/xtphoenix"]
    assert registry["sku"] == {"name": "Standard"}
    assert registry["properties"] == {"adminUserEnabled": False, "anonymousPullEnabled": False}
    assert resources["Microsoft.Batch/batchAccounts/xtphoenix"]["properties"] == {
        "allowedAuthenticationModes": ["AAD", "TaskAuthenticationToken"],
        "poolAllocationMode": "BatchService",
    }


def test_a_workspace_has_what_it_requires_and_not_the_vault_of_the_team() -> None:
    resources = Template(made(("ml",))).resources()
    workspace = resources["Microsoft.MachineLearningServices/workspaces/xt-phoenix"]
    assert workspace["identity"] == {"type": "SystemAssigned"}
    assert workspace["properties"] == {
        "applicationInsights": "Microsoft.Insights/components/xt-phoenix",
        "containerRegistry": "Microsoft.ContainerRegistry/registries/xtphoenix",
        "keyVault": "Microsoft.KeyVault/vaults/xt-phoenix-ml",
        "storageAccount": f"{STORAGE}/xtphoenixml",
        "systemDatastoresAuthMode": "Identity",
    }
    assert resources["Microsoft.Insights/components/xt-phoenix"]["properties"] == {
        "Application_Type": "web",
        "WorkspaceResourceId": "Microsoft.OperationalInsights/workspaces/xt-phoenix",
    }


def test_api_versions_are_stable_ones_and_one_for_each_provider() -> None:
    found = {(r["type"].split("/")[0], r["apiVersion"]) for r in made(OPTIONAL_PARTS)["resources"]}
    assert found == {
        ("Microsoft.Storage", "2025-06-01"),
        ("Microsoft.DocumentDB", "2025-04-15"),
        ("Microsoft.KeyVault", "2024-11-01"),
        ("Microsoft.Authorization", "2022-04-01"),
        ("Microsoft.ContainerRegistry", "2025-04-01"),
        ("Microsoft.Batch", "2024-07-01"),
        ("Microsoft.MachineLearningServices", "2025-06-01"),
        ("Microsoft.OperationalInsights", "2025-02-01"),
        ("Microsoft.Insights", "2020-02-02"),
    }


def test_outputs_are_the_urls_and_nothing_secret() -> None:
    read = Template(made())
    assert read.evaluated(read.document["outputs"]) == {
        "accountUrl": {
            "type": "string",
            "value": Told("reference", f"{STORAGE}/xtphoenix", ("primaryEndpoints", "blob")),
        },
        "vaultUrl": {
            "type": "string",
            "value": Told("reference", "Microsoft.KeyVault/vaults/xt-phoenix", ("vaultUri",)),
        },
    }


def test_the_documents_follow_the_schema_of_deployments() -> None:
    document = made(OPTIONAL_PARTS, 1000)
    assert document["$schema"].endswith("/2019-04-01/deploymentTemplate.json#")
    assert document["contentVersion"] == "1.0.0.0"
    for resource in document["resources"]:
        allowed = {"type", "apiVersion", "name", "location", "kind", "sku", "identity", "scope",
                   "copy", "dependsOn", "properties"}  # fmt: skip
        assert {"type", "apiVersion", "name", "properties"} <= set(resource) <= allowed
    given = parameters("westeurope", ["a", "b"])
    assert given["$schema"].endswith("/2019-04-01/deploymentParameters.json#")
    assert given["parameters"] == {
        "location": {"value": "westeurope"},
        "members": {"value": ["a", "b"]},
    }
    assert set(given["parameters"]) == set(document["parameters"])
    json.dumps(document)
