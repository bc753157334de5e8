"""One container of an Azure Storage account: connected when it is first used, made when written.

The SDK is imported on that first use, too: it costs most of a second.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from xt_core.artifacts.blob_errors import BlobTrouble, code_of, service_error
from xt_core.artifacts.blob_names import blob_name
from xt_core.errors import ConfigError, UnavailableError, UnknownNameError

if TYPE_CHECKING:
    from azure.core.credentials import AzureSasCredential, TokenCredential
    from azure.core.pipeline import PipelineResponse
    from azure.storage.blob import BlobClient, ContainerClient


SINGLE_BYTES = 8 * 1024 * 1024
"""Up to so many bytes are sent by one request."""

PIECE_BYTES = 8 * 1024 * 1024
"""So many bytes are fetched by one request."""

APPEND_BYTES = 4 * 1024 * 1024
"""So many bytes are appended by one request: what any version of the service takes."""

_NAME = re.compile("(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_T = TypeVar("_T")


@dataclass(frozen=True)
class BlobAccount:
    """Where an account is, how to sign in, and what to call both in an error.

    ``service`` is the name in the configuration and ``setting`` the key that the sign-in comes
    from, as ``external-services.labblobs.connection-string``. Either ``connection_string`` is
    given, or ``url`` with a credential: a token credential, a SAS, or none for a URL with a SAS.
    A request is given up ``retry_seconds`` after its start, or when an answer that was waited for
    by then has taken ``answer_seconds``.
    """

    service: str
    setting: str
    connection_string: str = field(default="", repr=False)
    url: str = field(default="", repr=False)
    credential: "TokenCredential | AzureSasCredential | str | None" = field(
        default=None, repr=False
    )
    retry_seconds: float = 30.0
    answer_seconds: float = 30.0
    connections: int = 32


class BlobContainer:
    """The container, and the errors of what is done with it. For use from many threads."""

    def __init__(self, account: BlobAccount, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} is not a name of a blob container ({account.service})",
                "use 3 to 63 of a-z, 0-9 and single hyphens within",
            )
        self.account, self.name = account, name
        self.place = f"container {name} of {account.service}"
        self._lock = threading.Lock()
        self._client: ContainerClient | None = None
        self._seen = False

    @property
    def client(self) -> "ContainerClient":
        """The SDK's client; raises ConfigError if the settings give none."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def blob(self, key: str) -> "BlobClient":
        """The client of the blob that holds a key."""
        return self.client.get_blob_client(blob_name(key))

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextlib.contextmanager
    def reporting(self, action: str, key: str = "") -> Iterator[None]:
        """Turn the SDK's errors into user-facing ones that name the place and the setting.

        A blob that is not there raises UnknownNameError; so does a container that nobody has seen.
        """
        from azure.core.exceptions import AzureError

        was_there = self._seen
        try:
            yield
        except AzureError as error:
            code = code_of(error)
            if code == "BlobNotFound" or (code == "ContainerNotFound" and not was_there):
                raise UnknownNameError(
                    f"no artifact {key} in {self.place}", "xt list blobs shows what there is"
                ) from error
            what = f"cannot {action} {key}".rstrip() + f" ({self.place})"
            trouble = BlobTrouble(what, self.account.service, self.account.setting, self.name)
            raise service_error(error, trouble) from error

    def writing(self, write: Callable[[], _T]) -> _T:
        """Do ``write``, making the container if it never was there.

        One that was there and is gone is not made anew: the team's artifacts went with it.
        """
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        was_there = self._seen  # another thread may be making it
        try:
            return write()
        except ResourceNotFoundError as error:
            if code_of(error) != "ContainerNotFound" or was_there:
                raise
        with contextlib.suppress(ResourceExistsError):
            self.client.create_container()
        return write()

    def changed(self, key: str) -> UnavailableError:
        """The error of a reader whose artifact was replaced or deleted meanwhile."""
        return UnavailableError(
            f"{key} was replaced or deleted while it was read ({self.place})", "read it once more"
        )

    def _note(self, response: "PipelineResponse[Any, Any]") -> None:
        """Remember from the service's answers that the container is, or was, there."""
        answer = response.http_response
        if answer.status_code < 300 or answer.headers.get("x-ms-error-code") == "BlobNotFound":
            self._seen = True

    def _connect(self) -> "ContainerClient":
        from azure.storage.blob import ContainerClient

        from xt_core.artifacts.blob_retry import client_options

        account, options = self.account, client_options(self.account, self._note)
        try:
            if account.connection_string:
                return ContainerClient.from_connection_string(
                    account.connection_string, self.name, **options
                )
            return ContainerClient(account.url, self.name, account.credential, **options)
        except (ValueError, TypeError, AttributeError) as error:
            options["transport"].close()
            # Not the SDK's words: they may quote the secret.
            what = "connection string" if account.connection_string else "account URL"
            raise ConfigError(
                f"{account.setting} is not a usable {what} ({account.service})",
                "copy it once more from the storage account's page (Access keys) in the portal"
                if account.connection_string
                else "use https://ACCOUNT.blob.core.windows.net",
            ) from error
