"""Addresses of boxes."""

import pytest

from xt_core.errors import UsageError
from xt_core.ssh.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("gpu1", Address("gpu1")),
        ("alice@gpu1.example", Address("gpu1.example", "alice")),
        ("alice@gpu1.example:2222", Address("gpu1.example", "alice", 2222)),
        ("10.0.0.7:22", Address("10.0.0.7", None, 22)),
        ("[::1]:2222", Address("::1", None, 2222)),
        ("bob@[fe80::1]", Address("fe80::1", "bob")),
        ("::1", Address("::1")),
    ],
)
def test_an_address_is_a_host_with_or_without_user_and_port(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


def test_a_port_of_its_own_counts_where_the_address_has_none() -> None:
    assert parse_address("gpu1", 2222) == Address("gpu1", None, 2222)
    assert parse_address("gpu1:22", 2222) == Address("gpu1", None, 22)


@pytest.mark.parametrize(
    "text",
    ["", "@gpu1", "alice@", "gpu1:", "gpu1:0", "gpu1:65536", "gpu1:ssh", "a b", "[::1", "[::1]x",
     "-oProxyCommand=true", "-v@gpu1", "ssh://gpu1", "gpu1/x", "a@b@c", "gpu1:²"],
)  # fmt: skip
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="is no address of a box"):
        parse_address(text)
