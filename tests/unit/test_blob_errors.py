"""What blob storage answers, in the user's words. The answers are those that Azure documents."""

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from xt_core import clock
from xt_core.artifacts.blob_errors import BlobTrouble, service_error
from xt_core.errors import ConfigError, RefusedError, UnavailableError, UsageError, XTError

TROUBLE = BlobTrouble(
    "cannot store a (container c of labblobs)",
    "labblobs",
    "external-services.labblobs.account-url",
    "c",
)
NOW = 1_770_000_000.0


class Answer:
    """What the SDK keeps of an answer."""

    def __init__(self, status: int, date: str = "") -> None:
        self.status_code, self.reason = status, "told"
        self.headers = {"Date": date} if date else {}


def answered(status: int, code: str, message: str = "told", date: str = "") -> XTError:
    error = HttpResponseError(f"{message}\nRequestId:1")
    error.status_code, error.response = status, Answer(status, date)  # type: ignore[assignment]
    error.error_code = code  # type: ignore[attr-defined]
    return service_error(error, TROUBLE)


@pytest.mark.parametrize(
    ("status", "code", "kind", "told", "advice"),
    [
        (404, "ContainerNotFound", UnavailableError, "deleted while in use", "soft delete"),
        (409, "ContainerBeingDeleted", UnavailableError, "is being deleted", "another container"),
        (
            403,
            "AuthorizationPermissionMismatch",
            RefusedError,
            "lacks the permission",
            "Contributor",
        ),
        (403, "AuthorizationSourceIPMismatch", RefusedError, "network", "network"),
        (403, "AuthorizationFailure", RefusedError, "does not accept the sign-in", "rotated"),
        (401, "InvalidAuthenticationInfo", RefusedError, "does not accept", "sign in again"),
        (403, "AccountIsDisabled", RefusedError, "disabled", "administers"),
        (412, "LeaseIdMissing", RefusedError, "another program holds the blob", "lease"),
        (409, "BlobImmutableDueToPolicy", RefusedError, "holds the blob", "policy"),
        (400, "Md5Mismatch", UnavailableError, "arrived damaged", "try again"),
        (400, "InvalidResourceName", ConfigError, "takes no such name", "container"),
        (413, "RequestBodyTooLarge", UsageError, "413 RequestBodyTooLarge: told", ""),
        (503, "ServerBusy", UnavailableError, "503 ServerBusy: told", "later"),
        (500, "InternalError", UnavailableError, "500 InternalError: told", "later"),
    ],
)
def test_each_answer_is_one_line_with_advice(
    status: int, code: str, kind: type[XTError], told: str, advice: str
) -> None:
    error = answered(status, code)
    assert type(error) is kind
    assert error.message.startswith("cannot store a (container c of labblobs): ")
    assert told in error.message
    assert advice in error.hint
    assert "\n" not in error.message + error.hint


def test_an_expired_signature_or_token_is_told() -> None:
    for message in (
        "Signature not valid in the specified time frame: Start [x] - Expiry [y]",
        "The access token has Expired.",
    ):
        error = answered(403, "AuthenticationFailed", message)
        assert "of external-services.labblobs.account-url has expired" in error.message
        assert "get a new one" in error.hint


def test_a_clock_is_compared_with_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    date = "Mon, 02 Feb 2026 02:{}:00 GMT"
    for minute, told in (("30", "10 minutes ahead of"), ("50", "10 minutes behind")):
        error = answered(403, "AuthenticationFailed", date=date.format(minute))
        assert f"this machine's clock is {told} the service's" in error.message
    error = answered(403, "AuthenticationFailed", date=date.format("41"))
    assert "clock" not in error.message
    assert "clock" not in answered(403, "AuthenticationFailed", date="no date").message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Failed to resolve 'x' (url: /?sig=SECRET)", "there is no such host"),
        ("[Errno 111] Connection refused (url: /?sig=SECRET)", "connection refused"),
        ("Read timed out. (url: /?sig=SECRET)", "no answer in time"),
        ("SSL: CERTIFICATE_VERIFY_FAILED (url: /?sig=SECRET)", "its certificate is not trusted"),
        ("something else (url: /?sig=SECRET)", "Error"),
    ],
)
def test_a_network_error_is_told_without_the_url(text: str, told: str) -> None:
    for kind in (ServiceRequestError, ServiceResponseError):
        error = service_error(kind(text), TROUBLE)
        assert type(error) is UnavailableError
        assert "the service cannot be reached: " in error.message
        assert error.message.endswith(told)
        assert "SECRET" not in error.message + error.hint


def test_who_is_not_signed_in_is_told_how() -> None:
    error = service_error(ClientAuthenticationError("Please run 'az login'.\nmore"), TROUBLE)
    assert type(error) is RefusedError
    assert error.message.endswith("no sign-in for labblobs: Please run 'az login'.")
    assert "xt login" in error.hint
