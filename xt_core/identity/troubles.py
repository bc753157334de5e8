"""What goes wrong when signing in, and at the vault: who refuses, why, and what to do."""

from xt_core.errors import RefusedError, UnavailableError, XTError
from xt_core.identity.ways import (
    BROWSER,
    CLI,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
    Way,
    not_signed_in,
)

_WHAT_TO_DO = {
    BROWSER: "try again, or where there is no browser `xt login --authentication device-code`",
    CLI: "run `az login`, or `xt login --authentication device-code`",
    MANAGED_IDENTITY: "give this machine an identity, or choose another general.authentication",
    SERVICE_PRINCIPAL: "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
}
_REASONS = (
    ("refused", "connection refused"),
    ("timed out", "no answer in time"),
    ("resolve", "there is no such host"),
    ("getaddrinfo", "there is no such host"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
    ("unreachable", "the network is unreachable"),
    ("reset by peer", "connection reset"),
    ("aborted", "it closed the connection"),
)


def sign_in_error(error: Exception, way: Way, was_signed_in: bool) -> XTError:
    """The user-facing error for one of the SDK's, of a sign-in."""
    from azure.identity import AuthenticationRequiredError

    if (network := network_error(error)) is not None:
        return UnavailableError(
            f"cannot sign in: {way.authority} cannot be reached: {network_reason(network)}",
            "check the network (AZURE_AUTHORITY_HOST names another authority, "
            "REQUESTS_CA_BUNDLE its certificates)",
        )
    if isinstance(error, AuthenticationRequiredError):
        if not was_signed_in:
            return not_signed_in()
        return RefusedError("the sign-in of this session has expired", "run `xt login`")
    return RefusedError(
        f"the sign-in ({way.kind}) failed: {first_line(error)}",
        _WHAT_TO_DO.get(way.kind, "run `xt login` again"),
    )


def network_error(error: BaseException | None) -> Exception | None:
    """The failure of the network that an error came from; None if a service answered."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    while error is not None:
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return error
        error = error.__cause__ or error.__context__
    return None


def network_reason(error: Exception) -> str:
    """In a few words; the error's own hold URLs."""
    text = str(error)
    return next((reason for mark, reason in _REASONS if mark in text), type(error).__name__)


def first_line(error: Exception) -> str:
    """What an error says, without the identifiers and dumps that follow."""
    message = (getattr(error, "message", "") or str(error)).strip()
    line = message.splitlines()[0] if message else type(error).__name__
    return line.partition(" Trace ID:")[0].removeprefix("Authentication failed: ")[:300].strip()
