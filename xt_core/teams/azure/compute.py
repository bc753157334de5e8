"""The resources that a team may have: a container registry, Batch, a machine-learning workspace."""

from xt_core.teams.azure.resources import (
    LOCATION,
    STORAGE,
    VAULT,
    Resource,
    key_vault,
    resource_id,
    storage_account,
)
from xt_core.teams.azure.roles import members_role

REGISTRY_VERSION = "2025-04-01"
BATCH_VERSION = "2024-07-01"
WORKSPACE_VERSION = "2025-06-01"
LOGS_VERSION = "2025-02-01"
INSIGHTS_VERSION = "2020-02-02"

_LOGS_RETENTION_DAYS = 30
_REGISTRY = "Microsoft.ContainerRegistry/registries"
_BATCH = "Microsoft.Batch/batchAccounts"
_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_LOGS = "Microsoft.OperationalInsights/workspaces"
_INSIGHTS = "Microsoft.Insights/components"


def registry() -> list[Resource]:
    """A registry without its admin user: members push and pull by their sign-in."""
    return [
        {
            "type": _REGISTRY,
            "apiVersion": REGISTRY_VERSION,
            "name": "[variables('registry')]",
            "location": LOCATION,
            "sku": {"name": "Standard"},
            "properties": {"adminUserEnabled": False, "anonymousPullEnabled": False},
        },
        members_role("AcrPush", resource_id(_REGISTRY, "registry"), "registryMembers"),
    ]


def batch() -> list[Resource]:
    """A Batch account without keys, whose pools are in Batch's own subscription."""
    return [
        {
            "type": _BATCH,
            "apiVersion": BATCH_VERSION,
            "name": "[variables('batchAccount')]",
            "location": LOCATION,
            "properties": {
                "allowedAuthenticationModes": ["AAD", "TaskAuthenticationToken"],
                "poolAllocationMode": "BatchService",
            },
        },
        members_role(
            "Azure Batch Data Contributor", resource_id(_BATCH, "batchAccount"), "batchMembers"
        ),
    ]


def workspace() -> list[Resource]:
    """A machine-learning workspace with what it requires.

    Its storage and its vault are its own: Azure makes its identity their administrator, which
    shall not read the team's secrets.
    """
    storage = resource_id(STORAGE, "workspaceStorage")
    vault = resource_id(VAULT, "workspaceVault")
    images, insights = resource_id(_REGISTRY, "registry"), resource_id(_INSIGHTS, "insights")
    return [
        *storage_account("workspaceStorage"),
        key_vault("workspaceVault"),
        *_telemetry(),
        {
            "type": _WORKSPACE,
            "apiVersion": WORKSPACE_VERSION,
            "name": "[variables('workspace')]",
            "location": LOCATION,
            "kind": "Default",
            "identity": {"type": "SystemAssigned"},
            "sku": {"name": "Basic", "tier": "Basic"},
            "dependsOn": [f"[{each}]" for each in (storage, vault, images, insights)],
            "properties": {
                "applicationInsights": f"[{insights}]",
                "containerRegistry": f"[{images}]",
                "keyVault": f"[{vault}]",
                "storageAccount": f"[{storage}]",
                "systemDatastoresAuthMode": "Identity",  # the account takes no keys
            },
        },
        members_role(
            "AzureML Data Scientist", resource_id(_WORKSPACE, "workspace"), "workspaceMembers"
        ),
        members_role("Storage Blob Data Contributor", storage, "workspaceStorageMembers"),
    ]


def _telemetry() -> list[Resource]:
    """Application Insights, which is kept in a Log Analytics workspace."""
    logs = resource_id(_LOGS, "logs")
    return [
        {
            "type": _LOGS,
            "apiVersion": LOGS_VERSION,
            "name": "[variables('logs')]",
            "location": LOCATION,
            "properties": {
                "retentionInDays": _LOGS_RETENTION_DAYS,
                "sku": {"name": "PerGB2018"},
            },
        },
        {
            "type": _INSIGHTS,
            "apiVersion": INSIGHTS_VERSION,
            "name": "[variables('insights')]",
            "location": LOCATION,
            "kind": "web",
            "dependsOn": [f"[{logs}]"],
            "properties": {"Application_Type": "web", "WorkspaceResourceId": f"[{logs}]"},
        },
    ]
