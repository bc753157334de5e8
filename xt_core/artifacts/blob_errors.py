"""What blob storage refuses or fails: which service, which setting, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from xt_core import clock
from xt_core.errors import ConfigError, RefusedError, UnavailableError, UsageError, XTError

_MOST_SKEW_SECONDS = 300.0  # the service takes 15 minutes; tokens less

_NO_ROLE = {
    "AuthorizationPermissionMismatch",
    "AuthorizationServiceMismatch",
    "AuthorizationResourceTypeMismatch",
    "InsufficientAccountPermissions",
}
_NOT_KNOWN = {
    "AuthenticationFailed",
    "AuthorizationFailure",
    "InvalidAuthenticationInfo",
    "NoAuthenticationInformation",
}
_FOREIGN_NETWORK = {"AuthorizationSourceIPMismatch", "AuthorizationProtocolMismatch"}
_DISABLED = {"AccountIsDisabled", "ContainerDisabled"}
_DAMAGED = {"InvalidMd5", "Md5Mismatch"}
_REASONS = (
    ("refused", "connection refused"),
    ("timed out", "no answer in time"),
    ("resolve", "there is no such host"),
    ("getaddrinfo", "there is no such host"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
    ("unreachable", "the network is unreachable"),
    ("reset by peer", "connection reset"),
    ("aborted", "it closed the connection"),
    ("non-https", "a sign-in by token needs an https address"),
)
_LEASED = {"LeaseIdMissing", "LeaseLost", "BlobImmutableDueToPolicy"}


@dataclass(frozen=True)
class BlobTrouble:
    """Where something went wrong: what was done, and how the user's configuration calls it."""

    what: str
    service: str
    setting: str
    container: str


def code_of(error: Exception) -> str:
    """The service's code of an error (``BlobNotFound``), or ``""``."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def service_error(error: Exception, trouble: BlobTrouble) -> XTError:
    """The user-facing error for one of the SDK's."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    if type(error).__name__ == "AzureSigningError":  # which the SDK does not export
        return ConfigError(
            f"{trouble.what}: the account key in {trouble.setting} is not base64",
            "copy the connection string once more from the storage account's page (Access keys)",
        )
    response = getattr(error, "response", None)
    if isinstance(error, HttpResponseError) and response is not None:
        return _answered(error, trouble, response.headers)
    if isinstance(error, ClientAuthenticationError):
        return RefusedError(
            f"{trouble.what}: no sign-in for {trouble.service}: {_first_line(error)}",
            f"sign in with `xt login`, or set a connection string or SAS ({trouble.setting})",
        )
    return UnavailableError(
        f"{trouble.what}: the service cannot be reached: {_network_reason(error)}",
        f"check the network, and the address in {trouble.setting}",
    )


def _network_reason(error: Exception) -> str:
    """Not the error's own words: they hold the URL, and with it a SAS."""
    text = str(error)
    return next((reason for mark, reason in _REASONS if mark in text), type(error).__name__)


def _answered(error: Exception, trouble: BlobTrouble, headers: Mapping[str, str]) -> XTError:
    code, status = code_of(error), getattr(error, "status_code", 0)
    what, setting = trouble.what, trouble.setting
    if code == "ContainerNotFound":
        return UnavailableError(
            f"{what}: the container was deleted while in use",
            "restore it (soft delete), or create it anew and submit again what is missing",
        )
    if code == "ContainerBeingDeleted":
        return UnavailableError(
            f"{what}: the container is being deleted",
            "name another container, or wait until it is gone",
        )
    if code in _DISABLED:
        return RefusedError(f"{what}: it is disabled ({code})", "ask who administers the account")
    if code in _FOREIGN_NETWORK:
        return RefusedError(
            f"{what}: not from this network ({code})",
            f"use a network that the account or the SAS in {setting} permits",
        )
    if code in _LEASED or code == "InvalidBlobOrBlock":
        return RefusedError(
            f"{what}: another program holds the blob ({code})",
            "break its lease or lift its policy, or delete the blob",
        )
    if code in _NO_ROLE:
        return RefusedError(
            f"{what}: the sign-in of {setting} lacks the permission ({code})",
            "ask for the role Storage Blob Data Contributor, or for a SAS with rwdlac",
        )
    if code in _NOT_KNOWN or status in (401, 403):
        return _not_signed_in(error, trouble, headers)
    if code in _DAMAGED or "contentMD5" in str(error):
        return UnavailableError(f"{what}: the bytes arrived damaged ({code})", "try again")
    if code == "InvalidResourceName":
        return ConfigError(
            f"{what}: the service takes no such name", "check the name of the container"
        )
    if status in (400, 409, 411, 412, 413, 416):
        return UsageError(f"{what}: refused with {status} {code}: {_first_line(error)}")
    return UnavailableError(
        f"{what}: the service failed with {status} {code}: {_first_line(error)}",
        "try again later; the status page of Azure tells of outages",
    )


def _not_signed_in(error: Exception, trouble: BlobTrouble, headers: Mapping[str, str]) -> XTError:
    detail = str(error)
    skew = _skew(headers)
    if abs(skew) > _MOST_SKEW_SECONDS:
        ahead = "ahead of" if skew > 0 else "behind"
        return RefusedError(
            f"{trouble.what}: this machine's clock is {abs(skew) / 60:.0f} minutes {ahead} the "
            "service's",
            "set the clock (timedatectl set-ntp true) and try again",
        )
    if "specified time frame" in detail or "expired" in detail.lower():
        return RefusedError(
            f"{trouble.what}: the SAS or token of {trouble.setting} has expired",
            "get a new one: sign in again, or make a SAS with a later end",
        )
    return RefusedError(
        f"{trouble.what}: the service does not accept the sign-in of {trouble.setting} "
        f"({code_of(error) or 'no code'})",
        "check the key or SAS there (it may have expired, or been rotated), or sign in again",
    )


def _skew(headers: Mapping[str, str]) -> float:
    """By how many seconds this machine's clock is ahead of the service's; 0 if it is not told."""
    try:
        return clock.now() - parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return 0.0


def _first_line(error: Exception) -> str:
    """What an error says, without the identifiers that the SDK puts on further lines."""
    message = getattr(error, "message", "") or str(error)
    return message.strip().splitlines()[0] if message.strip() else type(error).__name__
