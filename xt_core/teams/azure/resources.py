"""The resources that every team has: blob storage, Cosmos DB for MongoDB, and a key vault.

The API versions, here and in `compute` and `roles`, are stable ones of the schemas that Microsoft
publishes as Azure/azure-resource-manager-schemas.
"""

from typing import Any

from xt_core.teams.azure.roles import members_role

Resource = dict[str, Any]

STORAGE_VERSION = "2025-06-01"
COSMOS_VERSION = "2025-04-15"
VAULT_VERSION = "2024-11-01"

MONGO_VERSION = "7.0"
BLOB_RETENTION_DAYS = 14
VAULT_RETENTION_DAYS = 90
LOCATION = "[parameters('location')]"
STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
_COSMOS = "Microsoft.DocumentDB/databaseAccounts"


def resource_id(kind: str, *names: str) -> str:
    """The expression of a resource's id; a name is a variable of the template, or 'quoted'."""
    arguments = [name if name.startswith("'") else f"variables('{name}')" for name in names]
    return f"resourceId({', '.join([repr(kind), *arguments])})"


def child_name(*names: str) -> str:
    """The name of a resource within another: each is a variable, or 'quoted'."""
    arguments = [name if name.startswith("'") else f"variables('{name}')" for name in names]
    pattern = "/".join(f"{{{position}}}" for position in range(len(names)))
    return f"[format({', '.join([repr(pattern), *arguments])})]"


def storage_account(variable: str) -> list[Resource]:
    """An account that takes sign-ins only, and keeps for two weeks what is deleted.

    There are no account keys, no public blobs, and no versions, which would keep every log that
    grows once more with each append.
    """
    retention = {"enabled": True, "days": BLOB_RETENTION_DAYS}
    return [
        {
            "type": STORAGE,
            "apiVersion": STORAGE_VERSION,
            "name": f"[variables('{variable}')]",
            "location": LOCATION,
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "properties": {
                "accessTier": "Hot",
                "allowBlobPublicAccess": False,
                "allowCrossTenantReplication": False,
                "allowSharedKeyAccess": False,
                "defaultToOAuthAuthentication": True,
                "minimumTlsVersion": "TLS1_2",
                "supportsHttpsTrafficOnly": True,
            },
        },
        {
            "type": f"{STORAGE}/blobServices",
            "apiVersion": STORAGE_VERSION,
            "name": child_name(variable, "'default'"),
            "dependsOn": [f"[{resource_id(STORAGE, variable)}]"],
            "properties": {
                "containerDeleteRetentionPolicy": retention,
                "deleteRetentionPolicy": retention,
                "isVersioningEnabled": False,
            },
        },
    ]


def artifacts() -> list[Resource]:
    """The team's blob storage, and the one container of it that members may use."""
    kind, names = f"{STORAGE}/blobServices/containers", ("storageAccount", "'default'", "container")
    service = resource_id(f"{STORAGE}/blobServices", "storageAccount", "'default'")
    return [
        *storage_account("storageAccount"),
        {
            "type": kind,
            "apiVersion": STORAGE_VERSION,
            "name": child_name(*names),
            "dependsOn": [f"[{service}]"],
            "properties": {"publicAccess": "None"},
        },
        members_role(
            "Storage Blob Data Contributor", resource_id(kind, *names), "containerMembers"
        ),
        # Opens no blob: it lets members sign what their nodes get for the container.
        members_role(
            "Storage Blob Delegator", resource_id(STORAGE, "storageAccount"), "accountMembers"
        ),
    ]


def stats(most_units: int | None) -> list[Resource]:
    """Cosmos DB for MongoDB: serverless, or with a database that scales up to `most_units`.

    Strong consistency, as the claims of work need; within one region it takes no longer. There is
    no `disableLocalAuth`: clients of MongoDB sign in by key, which the vault keeps.
    """
    capabilities = ["EnableMongo"] + ["EnableServerless"] * (most_units is None)
    account: Resource = {
        "type": _COSMOS,
        "apiVersion": COSMOS_VERSION,
        "name": "[variables('cosmosAccount')]",
        "location": LOCATION,
        "kind": "MongoDB",
        "properties": {
            "apiProperties": {"serverVersion": MONGO_VERSION},
            "backupPolicy": {
                "type": "Continuous",
                "continuousModeProperties": {"tier": "Continuous7Days"},
            },
            "capabilities": [{"name": name} for name in capabilities],
            "consistencyPolicy": {"defaultConsistencyLevel": "Strong"},
            "databaseAccountOfferType": "Standard",
            "enableAutomaticFailover": False,
            "locations": [{"locationName": LOCATION, "failoverPriority": 0}],
            "minimalTlsVersion": "Tls12",
        },
    }
    if most_units is None:
        return [account]
    return [account, _database(most_units)]


def _database(most_units: int) -> Resource:
    """The database whose collections share the throughput; serverless ones come by themselves."""
    return {
        "type": f"{_COSMOS}/mongodbDatabases",
        "apiVersion": COSMOS_VERSION,
        "name": child_name("cosmosAccount", "database"),
        "dependsOn": [f"[{resource_id(_COSMOS, 'cosmosAccount')}]"],
        "properties": {
            "resource": {"id": "[variables('database')]"},
            "options": {"autoscaleSettings": {"maxThroughput": most_units}},
        },
    }


def key_vault(variable: str) -> Resource:
    """A vault that goes by roles, and from which nothing vanishes for good within 90 days."""
    return {
        "type": VAULT,
        "apiVersion": VAULT_VERSION,
        "name": f"[variables('{variable}')]",
        "location": LOCATION,
        "properties": {
            "enablePurgeProtection": True,
            "enableRbacAuthorization": True,
            "enableSoftDelete": True,
            "sku": {"family": "A", "name": "standard"},
            "softDeleteRetentionInDays": VAULT_RETENTION_DAYS,
            "tenantId": "[subscription().tenantId]",
        },
    }


def secrets() -> list[Resource]:
    """The team's vault, with the URL of its database, which nobody has to copy."""
    vault = resource_id(VAULT, "vault")
    cosmos = resource_id(_COSMOS, "cosmosAccount")
    keys = f"listConnectionStrings({cosmos}, '{COSMOS_VERSION}')"
    return [
        key_vault("vault"),
        {
            "type": f"{VAULT}/secrets",
            "apiVersion": VAULT_VERSION,
            "name": child_name("vault", "secret"),
            "dependsOn": [f"[{vault}]", f"[{cosmos}]"],
            "properties": {
                "contentType": "text/plain",
                "value": f"[{keys}.connectionStrings[0].connectionString]",
            },
        },
        members_role("Key Vault Secrets User", vault, "vaultMembers"),
    ]
