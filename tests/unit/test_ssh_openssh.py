"""What is read from OpenSSH's configuration."""

from getpass import getuser
from pathlib import Path

import pytest

from xt_core.errors import UnavailableError
from xt_core.ssh.address import Address, parse_address
from xt_core.ssh.openssh import OpenSSH


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config"


def openssh(file: Path, text: str, **environ: str) -> OpenSSH:
    file.write_text(text)
    return OpenSSH({"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/ada"} | environ, file)


def test_all_that_matters_is_read(file: Path) -> None:
    text = """
Host lab
  HostName lab.example
  User bob
  Port 2222
  IdentityFile ~/keys/%h
  IdentityFile "/keys/two words"
  CertificateFile %d/certificate
  IdentitiesOnly yes
  IdentityAgent ~/agent
  UserKnownHostsFile /known/one /known/two
  GlobalKnownHostsFile none
  HashKnownHosts yes
  HostKeyAlias alias
  ProxyJump a,b@c:3
  ConnectTimeout 7
  AddressFamily inet
"""
    found = openssh(file, text).destination(Address("lab"))
    assert (found.name, found.host, found.user, found.port) == ("lab", "lab.example", "bob", 2222)
    assert found.identity_files == (
        Path("~/keys/lab.example").expanduser(),
        Path("/keys/two words"),
    )
    assert found.certificate_files == (Path("/home/ada/certificate"),)
    assert found.identities_only
    assert found.agent == str(Path("~/agent").expanduser())
    assert found.known_hosts == (Path("/known/one"), Path("/known/two"))
    assert found.hashes_names
    assert (found.host_key_alias, found.connect_seconds) == ("alias", 7)
    assert found.jumps == ("a", "b@c:3")
    assert found.place == "bob@lab.example:2222"


def test_the_address_goes_before_the_file(file: Path) -> None:
    ssh = openssh(file, "Host lab\n  User bob\n  Port 2222\n")
    found = ssh.destination(parse_address("eve@lab:23"))
    assert (found.user, found.port) == ("eve", 23)
    command = ssh.command(parse_address("eve@lab:23"))
    assert command == ["ssh", "-F", str(file), "-l", "eve", "-p", "23", "--", "lab"]


def test_without_settings_there_are_those_of_openssh(file: Path) -> None:
    found = openssh(file, "").destination(Address("lab"))
    assert (found.host, found.user, found.port) == ("lab", getuser(), 22)
    assert (found.jumps, found.proxy_command, found.connect_seconds) == ((), None, None)
    assert found.identity_files[0].name.startswith("id_")
    assert found.known_hosts[0].name == "known_hosts"


def test_a_proxy_command_has_its_tokens_replaced(file: Path) -> None:
    text = "Host *\n  HostName %h.example\n  Port 23\n  ProxyCommand nc -x 100%% %r@%h:%p %n\n"
    found = openssh(file, text).destination(Address("lab", "bob"))
    assert found.proxy_command == "nc -x 100% bob@lab.example:23 lab"


@pytest.mark.parametrize(
    ("setting", "agent"),
    [
        ("", "/sock"),
        ("IdentityAgent none", None),
        ("IdentityAgent SSH_AUTH_SOCK", "/sock"),
        ("IdentityAgent $OTHER", "/other"),
        ("IdentityAgent $UNSET", None),
        ("IdentityAgent /own/%u", f"/own/{getuser()}"),
    ],
)
def test_the_agent_is_the_one_that_openssh_asks(
    file: Path, setting: str, agent: str | None
) -> None:
    ssh = openssh(file, f"Host *\n  {setting}\n", SSH_AUTH_SOCK="/sock", OTHER="/other")
    assert ssh.destination(Address("lab")).agent == agent


def test_without_the_program_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="the program ssh is missing"):
        OpenSSH({"PATH": str(tmp_path)}).destination(Address("lab"))
