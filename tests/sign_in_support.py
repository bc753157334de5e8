"""What tests of sign-in share: a user's credential in process, and whole commands of a team whose
vault is the fake one."""

import json
import os
import sys
from pathlib import Path

from servers.azurite import Azurite
from servers.vault import CLIENT, TENANT, FakeCloud

from xt_core.identity.cache import SessionCache
from xt_core.identity.signin import SignIn
from xt_core.identity.vault import Vault

SETTING = "external-services.labmongo.mongo-connection-string"

_BROWSER = """\
#!{python}
import json, sys, urllib.parse, urllib.request, ssl
context = ssl.create_default_context(cafile="{bundle}")
page = json.load(urllib.request.urlopen(sys.argv[1], context=context))
urllib.request.urlopen(page["post"], urllib.parse.urlencode(page["form"]).encode())
"""
_AZ = """\
#!/bin/sh
echo "$@" >> {log}
cat {answer}
"""


class Prompts:
    """Collects what the user is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        self.lines.append(text)


def sign_in(kind: str, *, may_ask: bool = False, say: Prompts | None = None) -> SignIn:
    """A user of this session, as a process of its own has one."""
    cache = SessionCache.of(os.environ)
    return SignIn(kind, os.environ, cache, may_ask=may_ask, say=say or Prompts())


def vault(cloud: FakeCloud, credential: SignIn) -> Vault:
    return Vault("labvault", cloud.url, credential)


def services(cloud: FakeCloud, *entries: str, roles: str) -> str:
    """A configuration with a vault, and these entries of `external-services` besides."""
    own = f'labvault: {{type: vault, url: "{cloud.url}"}}'
    lines = "".join(f"  {entry}\n" for entry in (own, *entries))
    return f"external-services:\n{lines}xt-services: {{vault: labvault, {roles}}}\n"


def blob_entry(azurite: Azurite, container: str) -> str:
    return (
        f'labblobs: {{type: storage, provider: azure-blob, account-url: "{azurite.account_url}", '
        f'container: "{container}"}}'
    )


def browser(folder: Path, cloud: FakeCloud) -> str:
    """A browser whose user signs in; the value of BROWSER."""
    program = folder / "browser"
    program.write_text(_BROWSER.format(python=sys.executable, bundle=cloud.certificate.file))
    program.chmod(0o755)
    return f"{program} %s &"


def azure_cli(folder: Path, cloud: FakeCloud) -> dict[str, str]:
    """A signed-in `az`, and the variables by which it is found; it notes its arguments in `log`."""
    folder.mkdir()
    answer, program = folder / "answer.json", folder / "az"
    token = cloud.token(cloud.resource, "bob@lab.example")
    answer.write_text(
        json.dumps(
            {
                "accessToken": token,
                "expires_on": 4_000_000_000,
                "expiresOn": "2096-10-02 07:06:40.000000",
                "tenant": TENANT,
                "subscription": CLIENT,
                "tokenType": "Bearer",
            }
        )
    )
    program.write_text(_AZ.format(log=folder / "log", answer=answer))
    program.chmod(0o755)
    (folder / "azureProfile.json").write_text(json.dumps({"subscriptions": [{"id": CLIENT}]}))
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "AZURE_CONFIG_DIR": str(folder),
    }
