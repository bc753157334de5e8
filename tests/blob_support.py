"""Blob stores for tests: each in a container of its own on the Azurite of the session."""

import uuid
from typing import Any

from azure.storage.blob import BlobClient, ContainerClient
from servers.azurite import Azurite

from xt_core.artifacts.blob import BlobStore
from xt_core.artifacts.blob_container import BlobAccount

SETTING = "external-services.labblobs.connection-string"


def blob_account(connection_string: str, **options: Any) -> BlobAccount:
    """The account of a service `labblobs`, with short waits."""
    options = {"retry_seconds": 20.0, "answer_seconds": 20.0, **options}
    return BlobAccount("labblobs", SETTING, connection_string, **options)


def new_container() -> str:
    return f"test-{uuid.uuid4().hex}"


def open_blob_store(azurite: Azurite, container: str = "", **options: Any) -> BlobStore:
    """A store; the caller closes it."""
    account = blob_account(azurite.connection_string)
    return BlobStore(account, container or new_container(), **options)


def sdk_container(azurite: Azurite, name: str) -> ContainerClient:
    """The SDK's client, for the test's own looks and acts."""
    return ContainerClient.from_connection_string(azurite.connection_string, name)


def sdk_blob(azurite: Azurite, container: str, name: str) -> BlobClient:
    return BlobClient.from_connection_string(azurite.connection_string, container, name)
