"""A fake of Microsoft Entra ID and of Azure Key Vault: there is no emulator of either.

One HTTPS server on loopback speaks the documented REST messages that the real SDKs send: OAuth 2.0
(client credentials, device code, authorization code with a browser, refresh tokens), the managed
identity endpoint, and a vault's `GET /secrets/NAME`. It checks what a client must get right; what
the real services do besides is not tested by it.
"""

import base64
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

from servers.certificate import Certificate

TENANT = "11111111-2222-3333-4444-555555555555"
USER = "alice@lab.example"
CLIENT, CLIENT_SECRET = "99999999-8888-7777-6666-555555555555", "client-secret-kq7"
IDENTITY_HEADER = "identity-header-w3"
_DEVICE_CODE, _CODE = "device-code-1", "authorization-code-1"


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that hang up, as they do who do not trust its certificate."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class FakeCloud:
    """The authority and the vault; what they hold and refuse is set by tests."""

    def __init__(self, certificate: Certificate) -> None:
        self.certificate = certificate
        self.secrets: dict[str, str] = {}
        self.token_seconds = 3600
        self.refuses: dict[str, tuple[int, str]] = {}
        """By secret: the status and the code that the vault answers with."""
        self.takes_tokens = True
        """Whether the vault accepts any token."""
        self.takes_refresh_tokens = True
        self.grants: list[str] = []
        """The grants by which tokens were got, in order."""
        self.reads: list[str] = []
        """The secrets that were given out, in order."""
        self.given: list[str] = []
        """All tokens that were given out."""
        self.nonce = ""
        """Of the browser's request: the identity token must have it."""
        self.device_scope = ""
        """What the device code was asked for."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file, certificate.key)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The vault's, and the authority's."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def resource(self) -> str:
        """What the vault wants tokens for: its own domain without the first part, as the real one
        at `lab.vault.azure.net` wants them for `vault.azure.net`, which the SDK insists on."""
        return f"https://0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which the SDKs find it."""
        bundle = str(self.certificate.file)
        return {"AZURE_AUTHORITY_HOST": self.url, "REQUESTS_CA_BUNDLE": bundle}

    @property
    def principal(self) -> dict[str, str]:
        """The variables of a service principal."""
        return {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": CLIENT_SECRET,
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # The authority ----------------------------------------------------------------------

    def token(self, audience: str, name: str) -> str:
        """A token as the authority gives it; the signature is none."""
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "iat": now,
            "nbf": now,
            "exp": now + self.token_seconds,
            "tid": TENANT,
            "oid": "22222222-0000-0000-0000-000000000001",
            "upn": name,
            "number": len(self.given),
        }
        token = _jwt(claims)
        self.given.append(token)
        return token

    def openid_configuration(self) -> dict[str, Any]:
        base = f"{self.url}/{TENANT}/oauth2/v2.0"
        return {
            "issuer": f"{self.url}/{TENANT}/v2.0",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "device_authorization_endpoint": f"{base}/devicecode",
        }

    def device_code(self, form: dict[str, str]) -> dict[str, Any]:
        self.device_scope = form["scope"]
        return {
            "device_code": _DEVICE_CODE,
            "user_code": "ABC-DEF",
            "verification_uri": f"{self.url}/device",
            "expires_in": 900,
            "interval": 0,
            "message": "unused",
        }

    def grant(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The answer to a request for a token."""
        kind = form["grant_type"].rpartition(":")[2]
        wanted = {
            "client_credentials": ("client_secret", CLIENT_SECRET),
            "device_code": ("device_code", _DEVICE_CODE),
            "authorization_code": ("code", _CODE),
            "refresh_token": ("refresh_token", "refresh-token-of-alice"),
        }
        field, value = wanted[kind]
        if form.get(field) != value:
            text = "AADSTS7000215: Invalid client secret provided. Trace ID: 0 Timestamp: 0"
            return 401, {"error": "invalid_client", "error_description": text}
        if kind == "refresh_token" and not self.takes_refresh_tokens:
            text = "AADSTS700082: The refresh token has expired due to inactivity."
            return 400, {"error": "invalid_grant", "error_description": text}
        self.grants.append(kind)
        asked = form.get("scope", self.device_scope)
        scopes = [scope for scope in asked.split() if scope.endswith("/.default")]
        audience = scopes[0].removesuffix("/.default")
        is_user = kind != "client_credentials"
        answer = {
            "access_token": self.token(audience, USER if is_user else CLIENT),
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "scope": asked,
        }
        return 200, answer | (self._of_user(form) if is_user else {})

    def _of_user(self, form: dict[str, str]) -> dict[str, Any]:
        now = int(time.time())
        identity = {
            "aud": form["client_id"],
            "iss": f"{self.url}/{TENANT}/v2.0",
            "iat": now,
            "exp": now + 3600,
            "sub": "alice",
            "tid": TENANT,
            "preferred_username": USER,
            "nonce": self.nonce,
        }
        return {
            "refresh_token": "refresh-token-of-alice",
            "id_token": _jwt(identity),
            "client_info": _encoded({"uid": "alice", "utid": TENANT}),
        }

    # The vault --------------------------------------------------------------------------

    def secret(self, name: str, authorization: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        """(status, headers, body) of the answer to a request for a secret."""
        token = authorization.removeprefix("Bearer ")
        if not token or not self._accepts(token):
            challenge = f'authorization="{self.url}/{TENANT}", resource="{self.resource}"'
            return 401, {"WWW-Authenticate": f"Bearer {challenge}"}, _error("Unauthorized")
        if name in self.refuses:
            status, code = self.refuses[name]
            return status, {}, _error("Forbidden", code)
        if name not in self.secrets:
            return 404, {}, _error("SecretNotFound")
        self.reads.append(name)
        identifier = f"{self.url}/secrets/{name}/0123456789abcdef0123456789abcdef"
        return 200, {}, {"value": self.secrets[name], "id": identifier, "attributes": {}}

    def _accepts(self, token: str) -> bool:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        is_for_it = claims["aud"] == self.resource and claims["exp"] > time.time()
        return self.takes_tokens and token in self.given and is_for_it


def _handler(cloud: FakeCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            place = urlparse(self.path)
            query = {name: values[0] for name, values in parse_qs(place.query).items()}
            if place.path.endswith("/.well-known/openid-configuration"):
                self._answer(200, cloud.openid_configuration())
            elif place.path.endswith("/authorize"):
                cloud.nonce = query.get("nonce", "")
                form = {"code": _CODE, "state": query["state"]}
                self._answer(200, {"post": query["redirect_uri"], "form": form})
            elif place.path == "/msi/token":
                self._managed_identity(query["resource"])
            elif place.path.startswith("/secrets/"):
                name = place.path.split("/")[2]
                status, headers, body = cloud.secret(name, self.headers.get("Authorization", ""))
                self._answer(status, body, headers)
            else:
                self._answer(404, {"error": "not_found"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if self.path.endswith("/devicecode"):
                self._answer(200, cloud.device_code(form))
            else:
                self._answer(*cloud.grant(form))

        def _managed_identity(self, resource: str) -> None:
            if self.headers.get("X-IDENTITY-HEADER") != IDENTITY_HEADER:
                self._answer(400, {"statusCode": 400, "message": "bad header"})
                return
            cloud.grants.append("managed_identity")
            token = cloud.token(resource, "identity-of-the-machine")
            expires = int(time.time()) + cloud.token_seconds
            self._answer(
                200,
                {"access_token": token, "expires_on": str(expires), "resource": resource,
                 "token_type": "Bearer"},
            )  # fmt: skip

        def _answer(
            self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
        ) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests look at what the cloud has noted."""

    return Handler


def _error(code: str, inner: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": f"{code} {inner}".strip()}
    return {"error": error | ({"innererror": {"code": inner}} if inner else {})}


def _jwt(claims: dict[str, Any]) -> str:
    return f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}.c2lnbmF0dXJl"


def _encoded(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
