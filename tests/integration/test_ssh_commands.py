"""`xt box`, `xt list boxes`, `xt ssh` and `xt scp`, with real boxes."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import Commands
from servers.link_proxy import LinkProxy
from servers.process import free_port
from servers.sshd import Network, Sshd, fingerprint

from xt_core.cli import scp
from xt_core.home import Home
from xt_core.ssh.transfer import CHUNK_BYTES, Transfer


class Terminal(io.StringIO):
    """What a user types."""

    def isatty(self) -> bool:
        return True


def with_boxes(home: Home, *boxes: Sshd, more: str = "") -> None:
    """Write a configuration that has these boxes."""
    lines = [f"  {box.name}: {{address: '{box.place}'}}\n" for box in boxes]
    home.root.mkdir(parents=True, exist_ok=True)
    home.config_file.write_text("boxes:\n" + "".join(lines) + more)


# Add and remove -------------------------------------------------------------------------


def test_a_box_is_added_once_its_key_is_accepted(
    network: Network, home: Home, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu1 = network.box("gpu1", is_known=False)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    home.root.mkdir()
    home.config_file.write_text("# mine\nboxes:\n  # the old one\n  gpu0: {address: old}\n")
    answer = commands("box", "add", "gpu1", gpu1.place, "--max-runs", "2", "--gpus", "0,1")
    assert answer.out == f"box gpu1 ({gpu1.place}) added to {home.config_file}\n"
    name = f"[{gpu1.host}]:{gpu1.port}"
    assert f"the key of {name} is not known: ED25519 {fingerprint(gpu1.host_key)}" in answer.err
    assert home.config_file.read_text() == (
        f"# mine\nboxes:\n  gpu1:\n    address: '{gpu1.place}'\n    max-runs: 2\n    gpus: '0,1'\n"
        "  # the old one\n  gpu0: {address: old}\n"
    )
    key = Path(f"{gpu1.host_key}.pub").read_text().split()[1]
    assert network.known_hosts.read_text() == f"{name} ssh-ed25519 {key}\n"
    again = commands("box", "add", "gpu1", gpu1.place, "--json").json
    assert again == {"box": "gpu1", "address": gpu1.place, "config": str(home.config_file)}


@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_a_key_that_is_not_accepted_changes_nothing(
    network: Network, home: Home, commands: Commands, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    gpu1 = network.box("gpu1", is_known=False)
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    answer = commands("box", "add", "gpu1", gpu1.place, code=5)
    assert "was not accepted" in answer.err
    assert not network.known_hosts.exists()
    assert not home.config_file.exists()


def test_a_script_names_the_fingerprint(network: Network, home: Home, commands: Commands) -> None:
    gpu1 = network.box("gpu1", is_known=False)
    right = fingerprint(gpu1.host_key)
    error = commands("box", "add", "gpu1", gpu1.place, "--json", code=5).json["error"]
    assert right in error["message"]
    assert error["hint"].endswith(f"--fingerprint {right}")
    wrong = f"SHA256:{'x' * 43}"
    answer = commands("box", "add", "gpu1", gpu1.place, "--fingerprint", wrong, code=5)
    assert f"is not the expected one: its fingerprint is {right}" in answer.err
    assert not network.known_hosts.exists()
    commands("box", "add", "gpu1", gpu1.place, "--fingerprint", right)
    assert home.config_file.exists()


def test_the_keys_of_jump_hosts_are_accepted_on_the_way(
    network: Network, home: Home, commands: Commands
) -> None:
    jump, inner = network.box("jump", is_known=False), network.box("inner", is_known=False)
    before = f"Host in\n  HostName {inner.host}\n  Port {inner.port}\n  ProxyJump {jump.place}"
    network.configure(f"IdentityFile {network.key}", before=before)
    answer = commands("box", "add", "inner", "in", "--yes")
    assert answer.err.count("is kept in") == 2
    assert len(network.known_hosts.read_text().splitlines()) == 2
    assert "address: in\n" in home.config_file.read_text()


def test_a_changed_key_is_never_accepted(network: Network, home: Home, commands: Commands) -> None:
    gpu1 = network.box("gpu1")
    gpu1.change_host_key()
    answer = commands("box", "add", "gpu1", gpu1.place, "--yes", code=5)
    assert f"has changed: it shows ED25519 {fingerprint(gpu1.host_key)}" in answer.err
    assert not home.config_file.exists()


def test_a_box_that_lets_nobody_in_is_not_added(
    network: Network, home: Home, commands: Commands
) -> None:
    gpu1 = network.box("gpu1")
    gpu1.authorized_keys.write_text("")
    answer = commands("box", "add", "gpu1", gpu1.place, code=5)
    assert "none of your keys was accepted" in answer.err
    assert not home.config_file.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gpu 1", "host"], 2, "'gpu 1' is no name for a box"),
        (["a:b", "host"], 2, "'a:b' is no name for a box"),
        (["node1", "host"], 2, "'node1' is no name for a box"),
        (["Node07", "host"], 2, "'Node07' is no name for a box"),
        (["local", "host"], 5, "box local is this machine"),
        (["old", "host"], 5, "there is a box old already: there"),
        (["gpu1", "-oProxyCommand=x"], 2, "is no address of a box"),
        (["gpu1", "host:no"], 2, "'host:no' is no address of a box"),
        (["gpu1", "host", "--setup", "nope"], 3, "there is no setup 'nope'"),
    ],
)
def test_what_cannot_be_added_is_told_before_anything_is_connected_to(
    network: Network, home: Home, commands: Commands, arguments: list[str], code: int, message: str
) -> None:
    with_boxes(home, more="  old: {address: there}\n")
    first, *rest = arguments
    words = [first, "--", *rest] if rest[0].startswith("-") else arguments
    assert message in commands("box", "add", *words, code=code).err


def test_a_removed_box_is_no_more(network: Network, home: Home, commands: Commands) -> None:
    with_boxes(home, more="  # one\n  gpu1: {address: a}\n  gpu2: {address: b}  # two\n")
    Path("xt_config.yaml").write_text("boxes: {gpu1: {max-runs: 1}}\n")
    answer = commands("box", "remove", "gpu1", "--json").json
    files = [str(home.config_file), str(Path.cwd() / "xt_config.yaml")]
    assert answer == {"box": "gpu1", "removed_from": files}
    assert home.config_file.read_text() == "boxes:\n  # one\n  gpu2: {address: b}  # two\n"
    assert "there is no box 'gpu1'" in commands("box", "remove", "gpu1", code=3).err
    assert "is this machine" in commands("box", "remove", "local", code=5).err


# Check and list -------------------------------------------------------------------------


def script(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_box_that_has_all_is_ready(network: Network, home: Home, commands: Commands) -> None:
    with_boxes(home, network.box("gpu1"))
    (report,) = commands("box", "check", "--json").json["boxes"]
    assert (report["name"], report["state"], report["problems"]) == ("gpu1", "ready", [])
    assert report["latency_ms"] > 0
    assert report["system"].startswith("Linux ")
    version = [int(part) for part in report["python"]["version"].split(".")]
    assert version >= [3, 11]
    assert Path(report["python"]["path"]).exists()
    assert report["disk_free_bytes"] > 0
    assert abs(report["clock_skew_seconds"]) < 5
    lines = commands("box", "check", "gpu1").lines
    assert lines[0].endswith(": ready")
    assert [line.split()[1] for line in lines[1:]] == ["latency", "clock", "Python", "disk", "GPUs"]
    assert not list(network.boxes[0].home.glob(".xt-probe*"))


def test_a_box_gets_xt_once(network: Network, home: Home, commands: Commands) -> None:
    own = network.folder / "xthome"
    gpu1 = network.box("gpu1", environ={"XT_HOME": str(own), "PATH": os.environ["PATH"]})
    with_boxes(home, gpu1)
    first = commands("box", "prepare", "--json").json["boxes"][0]
    assert (first["name"], first["root"], first["ways"].keys()) == (
        "gpu1", str(own), {"xt", "base"},
    )  # fmt: skip
    assert first["sent_bytes"] > 1_000_000
    program = own / "versions" / first["version"] / "bin" / "python"
    command = [program, "-I", "-m", "controller", "--help"]
    assert b"serve a node" in subprocess.run(command, capture_output=True, check=True).stdout
    again = commands("box", "prepare", "gpu1", "--json").json["boxes"][0]
    assert again == first | {"ways": {}, "sent_bytes": 0}
    told = commands("box", "prepare", "gpu1").out
    assert told.startswith(f"gpu1: XT {first['version']} for CPython 3.")
    assert told.endswith(f" in {own}; it was there\n")


def test_a_box_that_is_not_there_hides_nothing_of_the_others(
    network: Network, home: Home, commands: Commands
) -> None:
    own = network.folder / "xthome"
    gpu1 = network.box("gpu1", environ={"XT_HOME": str(own), "PATH": os.environ["PATH"]})
    with_boxes(home, gpu1, more=f"  gpu2: {{address: '127.0.0.9:{free_port()}'}}\n")
    answer = commands("box", "prepare", code=4)
    assert answer.out.startswith("gpu1: XT ")
    assert "xt: error: gpu2 (" in answer.err


def test_what_a_box_lacks_is_told_with_what_to_do(
    network: Network, home: Home, commands: Commands
) -> None:
    programs = network.folder / "programs"
    gpu1 = network.box("gpu1", environ={"PATH": str(programs), "XT_HOME": "/proc/xt"})
    for name in ("sh", "uname", "awk", "dirname", "cat", "tail", "rm"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True)
        script(programs, name, f'exec {found.stdout.strip()} "$@"')
    (programs / "sh").unlink()
    (programs / "sh").symlink_to("/bin/sh")
    script(programs, "python3", "echo 3.9.2")
    script(programs, "date", "echo $(($(/bin/date +%s) + 3600))")
    script(programs, "df", "printf 'x\\n/dev/x 9 9 1000 1%% /\\n'")
    script(programs, "nvidia-smi", "echo NVIDIA-SMI has failed; exit 9")
    with_boxes(home, gpu1)
    (report,) = commands("box", "check", "--json", code=1).json["boxes"]
    assert report["state"] == "incomplete"
    problems = {problem["what"]: problem["message"] for problem in report["problems"]}
    assert re.fullmatch(  # by whole seconds, of which one may pass meanwhile
        "the box's clock is (3599|3600|3601) s ahead of this machine's", problems.pop("clock")
    )
    assert problems == {
        "Python": f"too old: 3.9.2 at {programs}/python3",
        "disk": "/proc cannot be written to",
        "GPUs": "nvidia-smi fails: NVIDIA-SMI has failed",
    }
    assert all(problem["hint"] for problem in report["problems"])
    (programs / "python3").unlink()
    answer = commands("box", "check", code=1)
    assert "  ✗ Python    there is none\n    install Python 3.11 or later there" in answer.out
    assert answer.err == "1 of 1 boxes cannot be used as they are\n"


def test_gpus_and_scarce_space_are_found(network: Network, home: Home, commands: Commands) -> None:
    programs = network.folder / "programs"
    gpu1 = network.box("gpu1", environ={"PATH": f"{programs}:{os.environ['PATH']}"})
    script(programs, "nvidia-smi", "echo '0, NVIDIA A100, 81920, 550.1'; echo '1, T4, x, 550.1'")
    script(programs, "df", "printf 'x\\n/dev/x 9 9 1000 1%% /\\n'")
    with_boxes(home, gpu1)
    (report,) = commands("box", "check", "--json", code=1).json["boxes"]
    assert report["gpus"] == [
        {"index": 0, "name": "NVIDIA A100", "memory_mb": 81920, "driver": "550.1"},
        {"index": 1, "name": "T4", "memory_mb": None, "driver": "550.1"},
    ]
    assert [each["message"] for each in report["problems"]] == [f"only 0.0 GB free in {gpu1.home}"]


def test_the_system_is_compared_with_the_configuration(
    network: Network, home: Home, commands: Commands
) -> None:
    programs = network.folder / "programs"
    gpu1 = network.box("gpu1", environ={"PATH": f"{programs}:{os.environ['PATH']}"})
    script(programs, "uname", "echo Darwin")
    with_boxes(home, gpu1)
    answer = commands("box", "check")
    assert "  ✓ system    Darwin Darwin, and boxes.gpu1.os is linux" in answer.out
    assert "    xt config set --user boxes.gpu1.os macos" in answer.out
    script(programs, "uname", "echo Plan9")
    answer = commands("box", "check", code=1)
    assert "  ✗ system    Plan9 Plan9\n    XT works on Linux and macOS" in answer.out


def test_boxes_are_checked_each_for_itself(
    network: Network, home: Home, commands: Commands
) -> None:
    gpu1, gpu2 = network.box("gpu1"), network.box("gpu2", is_known=False)
    dead = f"127.0.0.1:{free_port()}"
    with_boxes(home, gpu1, gpu2, more=f"  dead: {{address: '{dead}'}}\n")
    document = commands("box", "check", "--json", code=5).json
    assert document["total"] == 3
    states = {report["name"]: report["state"] for report in document["boxes"]}
    assert states == {"gpu1": "ready", "gpu2": "refused", "dead": "unreachable"}
    assert document["boxes"][2]["error"]["kind"] == "unavailable"
    assert commands("box", "check", "dead", "gpu1", "dead", code=4).err == (
        "1 of 2 boxes cannot be used as they are\n"
    )
    assert "there is no box 'gpu9'" in commands("box", "check", "gpu9", code=3).err
    assert "box local is this machine" in commands("box", "check", "local", code=2).err


def test_boxes_are_listed_with_their_states(
    network: Network, home: Home, commands: Commands
) -> None:
    gpu1 = network.box("gpu1")
    dead = f"127.0.0.1:{free_port()}"
    more = f"  dead: {{address: '{dead}', max-runs: 3}}\n  idle: {{}}\n  odd: {{address: 'a b'}}\n"
    with_boxes(home, gpu1, more=more)
    document = commands("list", "boxes", "--json").json
    assert document["total"] == 5
    assert {row["name"]: row["state"] for row in document["boxes"]} == {
        "local": "here", "gpu1": "reachable", "dead": "unreachable", "idle": "no address",
        "odd": "misconfigured",
    }  # fmt: skip
    lines = commands("list", "boxes").lines
    assert lines[0].split() == ["name", "address", "state", "max-runs", "setup", "gpus"]
    assert ["dead", dead, "unreachable", "3"] in [line.split() for line in lines]


def test_without_boxes_there_is_nothing_to_check(home: Home, commands: Commands) -> None:
    assert "no boxes; xt box add" in commands("box", "check").err
    assert commands("box", "check", "--json").json == {"boxes": [], "total": 0}


# ssh and scp ----------------------------------------------------------------------------


def xt(home: Home, *args: str, code: int, stdin: str = "") -> str:
    """`xt ARGS` as a process of its own: `xt ssh` becomes another program."""
    done = subprocess.run(
        [sys.executable, "-m", "xt_core", *args],
        env=os.environ | {"XT_HOME": str(home.root)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_ssh_is_the_users_ssh(network: Network, home: Home) -> None:
    gpu1 = network.box("gpu1")
    with_boxes(home, gpu1)
    assert xt(home, "ssh", "gpu1", "pwd; exit 7", code=7) == f"{gpu1.home}\n"
    assert xt(home, "ssh", "gpu1", "echo", "-n", "$((1+1))", code=0) == "2"
    assert xt(home, "ssh", "gpu1", code=3, stdin="echo shell; exit 3\n") == "shell\n"


def test_a_command_on_a_box_as_a_document(network: Network, home: Home, commands: Commands) -> None:
    with_boxes(home, network.box("gpu1"))
    answer = commands("ssh", "--json", "gpu1", "echo out; echo err >&2; exit 7", code=7)
    assert answer.json == {
        "box": "gpu1", "command": "echo out; echo err >&2; exit 7", "exit_code": 7,
        "stdout": "out\n", "stderr": "err\n",
    }  # fmt: skip
    assert commands("ssh", "--json", "gpu1", code=2).json["error"]["kind"] == "usage"
    assert commands("ssh", "gpu9", "x", "--json", code=3).out == ""  # its --json is the command's
    assert "there is no box 'gpu9'" in commands("ssh", "gpu9", code=3).err
    assert "is this machine" in commands("ssh", "local", code=2).err


def test_files_are_copied_to_and_from_a_box(
    network: Network, home: Home, commands: Commands
) -> None:
    gpu1 = network.box("gpu1")
    with_boxes(home, gpu1)
    Path("data").mkdir()
    Path("data/one").write_text("1")
    Path("data/two").write_text("22")
    document = commands("scp", "data", "gpu1:~/in", "--json").json
    assert document.pop("seconds") >= 0
    assert document == {
        "box": "gpu1", "files": 2, "copied": 2, "kept": 0, "bytes": 3, "resumed_bytes": 0,
        "left_out": [],
    }  # fmt: skip
    assert (gpu1.home / "in" / "data" / "two").read_text() == "22"
    answer = commands("scp", "data", "gpu1:in")
    assert answer.out == "0 files copied, 0.0 MB in all; 2 were there already\n"
    commands("scp", "gpu1:in/data/*", "./got:here")
    assert sorted(os.listdir("got:here")) == ["one", "two"]


def test_a_copy_goes_on_by_itself_when_the_link_is_cut(
    network: Network, home: Home, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu1 = network.box("gpu1")
    link = LinkProxy(gpu1.host, gpu1.port)
    network.know(gpu1, f"[127.0.0.1]:{link.port}")
    with_boxes(home, more=f"  gpu1: {{address: '127.0.0.1:{link.port}'}}\n")
    Path("large").write_bytes(os.urandom(4 * CHUNK_BYTES + 1))

    class CutOnce(scp._Shown):
        def __call__(self, transfer: Transfer) -> None:
            super().__call__(transfer)
            if transfer.done_bytes >= 3 * CHUNK_BYTES and link.connections == 1:
                link.cut()

    monkeypatch.setattr(scp, "_Shown", CutOnce)
    answer = commands("scp", "large", "gpu1:", "--json")
    assert answer.json["resumed_bytes"] >= CHUNK_BYTES
    assert answer.err.count("; going on") == 1
    assert (gpu1.home / "large").read_bytes() == Path("large").read_bytes()
    link.close()


@pytest.mark.parametrize(
    ("paths", "code", "message"),
    [
        (["a"], 2, "a source and a destination are needed"),
        (["a", "b"], 2, "none of these paths is of a box"),
        (["gpu1:a", "gpu1:b"], 2, "boxes do not copy to each other"),
        (["gpu1:a", "b", "."], 2, "all sources must be of one place"),
        (["nope", "gpu1:"], 3, "there is no nope"),
        (["gpu1:nope", "."], 3, "there is no nope on gpu1"),
        (["gpu9:nope", "."], 3, "there is no box 'gpu9'"),
    ],
)
def test_what_cannot_be_copied_is_told(
    network: Network, home: Home, commands: Commands, paths: list[str], code: int, message: str
) -> None:
    if code == 3:
        with_boxes(home, network.box("gpu1"))
    assert message in commands("scp", *paths, code=code).err


def test_a_mistake_in_an_address_is_told_with_its_line(home: Home, commands: Commands) -> None:
    with_boxes(home, more="  gpu1: {address: 'a b'}\n")
    error = json.loads(commands("ssh", "--json", "gpu1", "x", code=2).out)["error"]
    place = f"boxes.gpu1.address ({home.config_file}:2)"
    assert error["message"] == f"{place}: 'a b' is no address of a box"
