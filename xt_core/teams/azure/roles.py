"""Who may do what: Azure's built-in roles, each given to the members for one resource alone.

The ids are those of Microsoft's page "Azure built-in roles"; they are the same everywhere.
"""

from typing import Any

ROLES = {
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "Azure Batch Data Contributor": "6aaa78f1-f7de-44ca-8722-c64a23943cae",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
}
_VERSION = "2022-04-01"


def members_role(role: str, scope: str, label: str) -> dict[str, Any]:
    """The assignments of a role to each of the parameter `members`.

    `scope` is the template expression of the resource that it is for, without brackets; `label`
    names the loop.
    """
    role_id = ROLES[role]
    return {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": _VERSION,
        "name": f"[guid({scope}, parameters('members')[copyIndex()], '{role_id}')]",
        "scope": f"[{scope}]",
        "copy": {"name": label, "count": "[length(parameters('members'))]"},
        "dependsOn": [f"[{scope}]"],
        "properties": {
            "description": role,
            "principalId": "[parameters('members')[copyIndex()]]",
            "roleDefinitionId": (
                f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{role_id}')]"
            ),
        },
    }
