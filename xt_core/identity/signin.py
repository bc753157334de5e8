"""The user's sign-in: the credential that the SDK's clients ask for tokens.

Tokens are taken from the session's cache, else got silently, else, where the user can be asked, by
asking. Errors are user-facing ones.
"""

import base64
import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xt_core.identity.cache import SessionCache
from xt_core.identity.ways import AUTO, BROWSER, Way, automatic_kind, way_of

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

    from xt_core.identity.credentials import Credential, Interactive

STORAGE_SCOPE = "https://storage.azure.com/.default"
"""What a token for blob storage is asked for, in every cloud."""
_MARGIN_SECONDS = 300.0
"""A kept token is used until so long before its end."""
logging.getLogger("azure").addHandler(logging.NullHandler())
"""Errors are told by XT in one line; without a handler Python would print the SDK's own, too."""
_CHOICE = "sign-in"


@dataclass(frozen=True)
class Account:
    """Whom a token is for, as it says itself; `expires` in seconds since 1970."""

    name: str
    tenant: str
    expires: float


class SignIn:
    """One user's credential. Implements the SDK's `TokenCredential`. Thread-safe."""

    def __init__(
        self,
        setting: str,
        environ: Mapping[str, str],
        cache: SessionCache,
        *,
        say: Callable[[str], None] | None = None,
        may_ask: bool | None = None,
    ) -> None:
        """`setting` is a kind of `ways`. Without `may_ask` the user is asked where there is a
        terminal to read and to answer."""
        self._setting, self._environ, self.cache = setting, environ, cache
        self._say = say or _say
        self.may_ask = _has_terminal() if may_ask is None else may_ask
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"SignIn({self._setting})"

    @cached_property
    def way(self) -> Way:
        """Raises ConfigError, and RefusedError where `auto` finds no way."""
        kind = self._setting
        if kind == AUTO:
            choice = self.cache.get(_CHOICE)
            kind = choice["kind"] if choice else automatic_kind(self._environ, self.may_ask)
        return way_of(kind, self._environ)

    def choose(self) -> None:
        """From now on `auto` means this way, until the session ends."""
        self.cache.put(_CHOICE, {"kind": self.way.kind})

    # The SDK's protocol -----------------------------------------------------------------

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """A token for the scopes, as older clients ask for it."""
        from azure.core.credentials import AccessToken

        asked: TokenRequestOptions = {}
        if options.get("claims"):
            asked["claims"] = options["claims"]
        if options.get("tenant_id"):
            asked["tenant_id"] = options["tenant_id"]
        info = self.get_token_info(*scopes, options=asked)
        return AccessToken(info.token, info.expires_on)

    def get_token_info(
        self, *scopes: str, options: "TokenRequestOptions | None" = None
    ) -> "AccessTokenInfo":
        """A token for the scopes. Raises RefusedError, UnavailableError, ConfigError.

        With claims, by which a service says that a token will not do any more, it is a new one.
        """
        claims, tenant = (options or {}).get("claims"), (options or {}).get("tenant_id") or ""
        name = f"token {self.way.name} {tenant} {' '.join(scopes)}"
        with self._lock:
            kept = None if claims else self._kept(name)
            if kept is not None:
                return kept
            info = self._acquire(scopes, claims, tenant or None)
            entry = {"token": info.token, "expires_on": info.expires_on}
            self.cache.put(name, entry, info.expires_on - _MARGIN_SECONDS)
            return info

    def close(self) -> None:
        """The SDK's clients may close what they use; this one has nothing open."""

    def _kept(self, name: str) -> "AccessTokenInfo | None":
        from azure.core.credentials import AccessTokenInfo

        entry = self.cache.get(name)
        return None if entry is None else AccessTokenInfo(entry["token"], entry["expires_on"])

    # Getting tokens ---------------------------------------------------------------------

    def _acquire(
        self, scopes: tuple[str, ...], claims: str | None, tenant: str | None
    ) -> "AccessTokenInfo":
        from azure.core.exceptions import AzureError

        from xt_core.identity.troubles import sign_in_error

        options: TokenRequestOptions = {}
        if claims:
            options["claims"] = claims
        if tenant:
            options["tenant_id"] = tenant
        was_signed_in = self.cache.get(self._record_name) is not None
        try:
            if self.way.is_interactive:
                return self._interactively(scopes, options)
            with self._silent as credential:
                return credential.get_token_info(*scopes, options=options)
        except (AzureError, ValueError) as error:
            raise sign_in_error(error, self.way, was_signed_in) from error

    @property
    def _silent(self) -> "Credential":
        from xt_core.identity.credentials import credential_of

        return credential_of(self.way)

    @property
    def _record_name(self) -> str:
        return f"record {self.way.name}"

    def _interactively(
        self, scopes: tuple[str, ...], options: "TokenRequestOptions"
    ) -> "AccessTokenInfo":
        from azure.identity import AuthenticationRequiredError
        from msal import SerializableTokenCache

        from xt_core.identity.credentials import interactive_credential

        kept = self.cache.get(self._record_name) or {}
        tokens = SerializableTokenCache()
        tokens.deserialize(kept.get("tokens"))
        record: str | None = kept.get("record")
        with interactive_credential(self.way, record, tokens, self._say) as credential:
            try:
                info = credential.get_token_info(*scopes, options=options)
            except AuthenticationRequiredError:
                if not self.may_ask:
                    raise
                if self.way.kind == BROWSER:
                    self._say("sign in in the browser window that opens …")
                record = _ask(credential, scopes, options)
                self.choose()
                info = credential.get_token_info(*scopes, options=options)
        if tokens.has_state_changed:
            self.cache.put(self._record_name, {"record": record, "tokens": tokens.serialize()})
        return info

    # Whom it is -------------------------------------------------------------------------

    def account(self, scope: str) -> Account:
        """Sign in for a scope, and say as whom. Raises as `get_token_info`."""
        info = self.get_token_info(scope)
        claims = _claims(info.token)
        names = ("upn", "preferred_username", "unique_name", "appid", "azp", "oid", "sub")
        name = next((str(claims[key]) for key in names if claims.get(key)), self.way.client)
        return Account(name, str(claims.get("tid", self.way.tenant)), float(info.expires_on))


def _ask(credential: "Interactive", scopes: tuple[str, ...], options: "TokenRequestOptions") -> str:
    record = credential.authenticate(scopes=scopes, tenant_id=options.get("tenant_id"))
    return str(record.serialize())


def _claims(token: str) -> dict[str, Any]:
    """What a token says of itself; {} for one that only its service can read.

    It is shown, not relied upon: nobody checks the signature here.
    """
    try:
        body = token.split(".")[1]
        return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    except (IndexError, ValueError):
        return {}


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
