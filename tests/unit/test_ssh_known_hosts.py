"""Files of known host keys: what they say of a host, and what is added to them."""

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from xt_core.errors import RefusedError
from xt_core.ssh.known_hosts import add_known_key, host_name, known_keys
from xt_core.ssh.openssh import Destination

_KEY = asyncssh.generate_private_key("ssh-ed25519")
_PUBLIC = _KEY.export_public_key().decode().strip()


def destination(*files: Path, host: str = "gpu1.example", port: int = 22) -> Destination:
    return Destination(
        name="gpu1", host=host, port=port, user="alice", identity_files=(), certificate_files=(),
        agent=None, identities_only=False, known_hosts=files, hashes_names=False,
        host_key_alias=None, jumps=(), proxy_command=None, connect_seconds=None, family=0,
    )  # fmt: skip


def test_an_added_key_is_found_by_xt_and_by_openssh(tmp_path: Path) -> None:
    file = tmp_path / "ssh" / "known_hosts"
    place = destination(file, port=2222)
    assert add_known_key(place, _KEY.convert_to_public()) == file
    assert file.read_text() == f"[gpu1.example]:2222 {_PUBLIC}\n"
    assert [known.place for known in known_keys(place).found] == [f"{file}:1"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    command = ["ssh-keygen", "-F", "[gpu1.example]:2222", "-f", str(file)]
    assert subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_an_added_name_is_hashed_where_openssh_would(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    place = replace(destination(file), hashes_names=True)
    add_known_key(place, _KEY.convert_to_public())
    assert file.read_text().startswith("|1|")
    assert len(known_keys(place).found) == 1
    command = ["ssh-keygen", "-F", "gpu1.example", "-f", str(file)]
    assert subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_a_file_without_a_last_line_end_keeps_its_last_line(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"other {_PUBLIC}")
    add_known_key(destination(file), _KEY.convert_to_public())
    assert file.read_text() == f"other {_PUBLIC}\ngpu1.example {_PUBLIC}\n"


def test_without_a_file_or_permission_nothing_is_added(tmp_path: Path) -> None:
    for files in ((), (Path(os.devnull),)):
        with pytest.raises(RefusedError, match=r"names no file to keep the key of gpu1\.example"):
            add_known_key(destination(*files), _KEY.convert_to_public())
    with pytest.raises(RefusedError, match="cannot write"):
        add_known_key(destination(tmp_path), _KEY.convert_to_public())


@pytest.mark.parametrize(
    ("names", "is_known"),
    [
        ("gpu1.example", True),
        ("GPU1.Example", True),
        ("other,gpu1.example", True),
        ("*.example", True),
        ("gpu?.example", True),
        ("*.example,!gpu1.*", False),
        ("gpu[1].example", False),
        ("gpu1", False),
        ("|1|AAAA|BBBB", False),
        ("|2|nonsense", False),
    ],
)
def test_lines_name_hosts_as_openssh_has_it(tmp_path: Path, names: str, is_known: bool) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"# comment\n\n@cert-authority\nshort\nx ssh-ed25519 AA=\n{names} {_PUBLIC}\n")
    found = known_keys(destination(file, tmp_path / "missing")).found
    assert [known.place for known in found] == ([f"{file}:6"] if is_known else [])


def test_markers_are_kept_apart(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"@revoked * {_PUBLIC}\n@cert-authority *.example {_PUBLIC}\n")
    found = known_keys(destination(file))
    assert [len(found.of(marker)) for marker in ("", "cert-authority", "revoked")] == [0, 1, 1]
    assert found.contradicting is None


def test_an_alias_stands_for_host_and_port(tmp_path: Path) -> None:
    assert host_name(replace(destination(port=2222), host_key_alias="lab")) == "lab"
    assert host_name(destination(host="GPU1", port=2222)) == "[gpu1]:2222"
