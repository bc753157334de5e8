"""Connections to real sshds: how OpenSSH's configuration is honoured, and what goes wrong."""

import shutil
import socket
import threading
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path

import pytest
from servers.link_proxy import LinkProxy
from servers.process import free_port
from servers.sshd import Network, Sshd, certify, fingerprint, make_key
from ssh_support import box_at, boxes_of, hash_names
from support import wait_until

from xt_core.errors import RefusedError, UnavailableError, UsageError, WorkFailedError
from xt_core.ssh.boxes import Boxes
from xt_core.ssh.troubles import UnknownHostKeyError


@pytest.fixture
def boxes(network: Network) -> Iterator[Boxes]:
    own = boxes_of(network)
    yield own
    own.close()


@pytest.fixture
def gpu1(network: Network) -> Sshd:
    return network.box("gpu1")


def test_a_command_has_its_output_its_input_and_its_exit_code(gpu1: Sshd, boxes: Boxes) -> None:
    box = box_at(boxes, gpu1.place)
    done = box.run('cat; echo "$HOME"; pwd; echo oops >&2; exit 3', b"in\n")
    home = f"{gpu1.home}\n".encode()
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"in\n" + home * 2, b"oops\n")
    words = box.run(["printf", "%s.", "a b", "$HOME", "'"])
    assert (words.exit_code, words.stdout) == (0, b"a b.$HOME.'.")
    assert box.run("kill -9 $$").exit_code == 137


def test_output_is_bounded_and_large_input_arrives_whole(gpu1: Sshd, boxes: Boxes) -> None:
    box = box_at(boxes, gpu1.place)
    data = bytes(range(256)) * 4096
    assert box.run("cat", data).stdout == data
    assert box.run("exit 4", data).exit_code == 4  # which reads none of it
    with pytest.raises(WorkFailedError, match=r"printed more than 1000 bytes"):
        box.run("yes", most_bytes=1000)
    assert box.run("echo well").stdout == b"well\n"


def test_a_command_is_given_up_at_its_deadline(gpu1: Sshd, boxes: Boxes) -> None:
    box = box_at(boxes, gpu1.place)
    box.connect()
    with pytest.raises(UnavailableError, match=r"gpu1 \(.*\): no answer within 0.3 s"):
        box.run("sleep 60", seconds=0.3)
    assert box.run("echo well").stdout == b"well\n"


def test_all_that_is_done_shares_one_connection(gpu1: Sshd, boxes: Boxes) -> None:
    box = box_at(boxes, gpu1.place)
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(box.run(f"echo {n}").stdout))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [f"{n}\n".encode() for n in range(8)]
    assert gpu1.log.count("Accepted publickey") == 1


def test_a_socket_of_the_box_is_an_ordinary_socket(gpu1: Sshd, boxes: Boxes) -> None:
    box = box_at(boxes, gpu1.place)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(gpu1.home / "sock"))
        listener.listen()
        with box.open_socket(gpu1.home / "sock") as client:
            server, _ = listener.accept()
            with server:
                server.sendall(b"hello")
                assert client.recv(5) == b"hello"
                sent = bytes(range(256)) * 40_000  # more than all buffers on the way
                sender = threading.Thread(target=client.sendall, args=(sent,))
                sender.start()
                got = b""
                while len(got) < len(sent):
                    got += server.recv(1 << 20)
                sender.join()
                assert got == sent
            assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError, match=r"nobody listens to"):
        box.open_socket(gpu1.home / "nobody")


def test_a_box_may_forbid_sockets(network: Network, boxes: Boxes) -> None:
    box = network.box("gpu1", "AllowStreamLocalForwarding no")
    with pytest.raises(ConnectionRefusedError, match=r"or its sshd forbids it"):
        box_at(boxes, box.place).open_socket(box.home / "sock")


# Configuration --------------------------------------------------------------------------


@pytest.mark.parametrize("cipher", ["chacha20-poly1305@openssh.com", "aes256-ctr"])
def test_a_box_may_have_none_of_the_ciphers_that_are_liked_best(
    network: Network, boxes: Boxes, cipher: str
) -> None:
    box = box_at(boxes, network.box("gpu1", f"Ciphers {cipher}").place)
    assert box.run("echo done").stdout == b"done\n"


def test_hosts_includes_and_matches_of_opensshs_configuration_count(
    network: Network, gpu1: Sshd, boxes: Boxes
) -> None:
    included = network.folder / "more"
    included.write_text(f"Host lab\n  HostName {gpu1.host}\n")
    before = f"Include {included}\nMatch originalhost lab exec true\n  Port {gpu1.port}"
    network.configure(f"IdentityFile {network.key}", before=before)
    assert box_at(boxes, "lab").run("echo well").stdout == b"well\n"


def test_an_error_in_opensshs_configuration_is_told(network: Network, boxes: Boxes) -> None:
    network.config_file.write_text("Host *\n  Prot 22\n")
    with pytest.raises(UsageError, match=r"ssh_config.*line 2: Bad configuration option: prot"):
        box_at(boxes, "lab").connect()


def test_a_box_is_reached_by_way_of_jump_hosts(network: Network, boxes: Boxes) -> None:
    jump, second, inner = network.box("jump"), network.box("second"), network.box("inner")
    way = f"ProxyJump {jump.place},{second.place}"
    network.configure(f"IdentityFile {network.key}", before=f"Host {inner.host}\n  {way}")
    assert box_at(boxes, inner.place).run("echo well").stdout == b"well\n"
    assert [box.log.count("Accepted publickey") for box in network.boxes] == [1, 1, 1]
    assert f"from {inner.host}" in inner.log or "from 127.0.0.1" in inner.log


def test_two_boxes_share_their_jump_host(network: Network, boxes: Boxes) -> None:
    jump, one, two = network.box("jump"), network.box("one"), network.box("two")
    before = f"Host {one.host} {two.host}\n  ProxyJump {jump.place}"
    network.configure(f"IdentityFile {network.key}", before=before)
    for box in (one, two):
        assert box_at(boxes, box.place, box.name).run("true").exit_code == 0
    assert jump.log.count("Accepted publickey") == 1


def test_what_fails_at_a_jump_host_names_both(network: Network, boxes: Boxes) -> None:
    inner = network.box("inner")
    dead = f"127.0.0.9:{free_port('127.0.0.9')}"
    network.configure(f"IdentityFile {network.key}", before=f"Host in\n  ProxyJump {dead}")
    with pytest.raises(UnavailableError) as caught:
        box_at(boxes, "in").connect()
    assert f"gpu1 ({getuser()}@in:22): by way of jump host" in caught.value.message
    assert caught.value.message.endswith("it refuses connections")
    before = f"Host unreached\n  HostName 127.0.0.9\n  Port 1\n  ProxyJump {inner.place}"
    network.configure(f"IdentityFile {network.key}", before=before)
    with pytest.raises(UnavailableError, match=r"the jump host cannot reach it"):
        box_at(boxes, "unreached", "gpu2").connect()


def test_a_jump_host_of_itself_is_told(network: Network, boxes: Boxes) -> None:
    network.configure(before="Host *\n  ProxyJump bastion")
    with pytest.raises(UsageError, match=r"configuration is wrong: jumphost loop via bastion"):
        box_at(boxes, "lab").connect()


def test_a_proxy_command_is_the_way(network: Network, gpu1: Sshd, boxes: Boxes) -> None:
    program = network.folder / "proxy.py"
    program.write_text(
        "import os, socket, sys, threading\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def back():\n"
        "    while d := s.recv(65536): os.write(1, d)\n"
        "threading.Thread(target=back, daemon=True).start()\n"
        "while d := os.read(0, 65536): s.sendall(d)\n"
    )
    before = f"Host {gpu1.host}\n  ProxyCommand python3 {program} %h %p"
    network.configure(f"IdentityFile {network.key}", before=before)
    assert box_at(boxes, gpu1.place).run("echo well").stdout == b"well\n"


# Host keys ------------------------------------------------------------------------------


def test_an_unknown_host_key_is_refused_with_its_fingerprint(
    network: Network, boxes: Boxes
) -> None:
    box = network.box("gpu1", is_known=False)
    with pytest.raises(UnknownHostKeyError) as caught:
        box_at(boxes, box.place).connect()
    assert f"is not known (ED25519 {fingerprint(box.host_key)})" in caught.value.message
    assert "xt box add" in caught.value.hint
    assert caught.value.exit_code == 5


def test_a_configuration_that_checks_no_keys_is_not_followed(
    network: Network, boxes: Boxes
) -> None:
    box = network.box("gpu1", is_known=False)
    before = "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null"
    network.configure(f"IdentityFile {network.key}", before=before)
    with pytest.raises(UnknownHostKeyError):
        box_at(boxes, box.place).connect()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_changed_host_key_is_refused_with_the_line_that_has_the_old_one(
    network: Network, gpu1: Sshd, boxes: Boxes, kind: str
) -> None:
    network.known_hosts.write_text("# mine\n" + network.known_hosts.read_text())
    gpu1.change_host_key(kind)
    with pytest.raises(RefusedError) as caught:
        box_at(boxes, gpu1.place).connect()
    message = caught.value.message
    assert f"but {network.known_hosts}:2 has ED25519" in message
    assert f"it shows {kind.upper()} {fingerprint(gpu1.host_key)}" in message
    assert f"ssh-keygen -f {network.known_hosts} -R '[{gpu1.host}]:{gpu1.port}'" in (
        caught.value.hint
    )


def test_hashed_names_are_known(network: Network, gpu1: Sshd, boxes: Boxes) -> None:
    hash_names(network.known_hosts)
    assert gpu1.host not in network.known_hosts.read_text()
    box_at(boxes, gpu1.place).connect()


def test_a_key_alias_and_patterns_are_known(network: Network, gpu1: Sshd, boxes: Boxes) -> None:
    network.known_hosts.write_text("not a line\n")
    network.know(gpu1, "lab-*,!lab-old")
    for alias, is_known in (("lab-1", True), ("lab-old", False)):
        network.configure(f"IdentityFile {network.key}", f"HostKeyAlias {alias}")
        box = box_at(boxes, gpu1.place, alias)
        if is_known:
            box.connect()
        else:
            with pytest.raises(UnknownHostKeyError):
                box.connect()


def test_a_key_of_the_host_counts_for_its_other_ports(
    network: Network, gpu1: Sshd, boxes: Boxes
) -> None:
    network.known_hosts.write_text("")
    network.know(gpu1, gpu1.host)
    box_at(boxes, gpu1.place).connect()


def test_another_key_for_another_port_is_no_contradiction(
    network: Network, gpu1: Sshd, boxes: Boxes
) -> None:
    network.known_hosts.write_text("")
    network.know(gpu1, gpu1.host)
    gpu1.change_host_key()
    with pytest.raises(UnknownHostKeyError):
        box_at(boxes, gpu1.place).connect()


def test_a_revoked_host_key_is_refused(network: Network, gpu1: Sshd, boxes: Boxes) -> None:
    with network.known_hosts.open("a") as file:
        file.write(f"@revoked * {Path(f'{gpu1.host_key}.pub').read_text()}")
    with pytest.raises(RefusedError, match=r"is revoked by .*known_hosts:2"):
        box_at(boxes, gpu1.place).connect()


def test_a_host_certificate_is_trusted_by_its_authority(network: Network, boxes: Boxes) -> None:
    authority = make_key(network.folder / "authority")
    network.known_hosts.write_text(
        f"@cert-authority *.example {Path(f'{authority}.pub').read_text()}"
    )
    folder = network.folder / "gpu1"
    box = network.box("gpu1", f"HostCertificate {folder}/host_key-cert.pub", is_known=False)
    network.configure(f"IdentityFile {network.key}", "HostKeyAlias gpu1.example")
    box.stop()
    certify(authority, box.host_key, "-h", "-n", "gpu2.example")
    box.start()
    with pytest.raises(RefusedError, match=r"its host certificate is not valid"):
        box_at(boxes, box.place).connect()
    box.stop()
    certify(authority, box.host_key, "-h", "-n", "gpu1.example")
    box.start()
    box_at(boxes, box.place, "again").connect()


# Signing in -----------------------------------------------------------------------------


def test_a_key_of_the_agent_opens_a_box(network: Network, gpu1: Sshd, boxes: Boxes) -> None:
    agent = network.agent(network.key)
    network.key.unlink()
    network.configure(f"IdentityFile {network.key}", before=f"Host *\n  IdentityAgent {agent}")
    box_at(boxes, gpu1.place).connect()


def test_a_key_with_a_passphrase_needs_the_agent(
    network: Network, gpu1: Sshd, boxes: Boxes
) -> None:
    locked = make_key(network.folder / "locked", passphrase="secret words")
    shutil.copy(f"{locked}.pub", gpu1.authorized_keys)
    network.configure(f"IdentityFile {locked}")
    with pytest.raises(RefusedError) as caught:
        box_at(boxes, gpu1.place).connect()
    assert f"{locked} has a passphrase, and no agent holds it" in caught.value.message
    assert caught.value.hint == f"give it to the agent: ssh-add {locked}"


def test_with_identities_only_no_other_key_of_the_agent_is_shown(
    network: Network, gpu1: Sshd, boxes: Boxes
) -> None:
    others = [make_key(network.folder / f"other{n}") for n in range(7)]
    agent = network.agent(*others)
    before = f"Host *\n  IdentityAgent {agent}"
    network.configure(f"IdentityFile {network.key}", before=before)
    with pytest.raises(RefusedError, match=r"offered too many keys"):
        box_at(boxes, gpu1.place).connect()
    network.configure(f"IdentityFile {network.key}", "IdentitiesOnly yes", before=before)
    box_at(boxes, gpu1.place, "again").connect()


@pytest.mark.parametrize("is_in_agent", [False, True])
def test_a_users_certificate_opens_a_box(network: Network, boxes: Boxes, is_in_agent: bool) -> None:
    authority = make_key(network.folder / "authority")
    box = network.box("gpu1", f"TrustedUserCAKeys {authority}.pub")
    box.authorized_keys.write_text("")
    certificate = certify(authority, network.key, "-n", getuser())
    moved = certificate.rename(network.folder / "certificate")
    lines = [f"IdentityFile {network.key}", f"CertificateFile {moved}"]
    before = f"Host *\n  IdentityAgent {network.agent(network.key)}" if is_in_agent else ""
    network.configure(*lines, before=before)
    box_at(boxes, box.place).connect()


def test_a_box_that_takes_passwords_only_is_told(network: Network, boxes: Boxes) -> None:
    box = network.box("gpu1", "PubkeyAuthentication no", "PasswordAuthentication yes")
    with pytest.raises(RefusedError) as caught:
        box_at(boxes, box.place).connect()
    place = f"{getuser()}@{box.place}"
    assert caught.value.message == f"gpu1 ({place}): it takes passwords only, no keys"
    assert "ssh-copy-id" in caught.value.hint


def test_a_key_that_the_box_does_not_know_is_refused(
    network: Network, gpu1: Sshd, boxes: Boxes
) -> None:
    gpu1.authorized_keys.write_text("")
    with pytest.raises(RefusedError, match=r"none of your keys was accepted .*\(1 tried\)"):
        box_at(boxes, gpu1.place).connect()
    network.configure(f"IdentityFile {network.folder}/nothing")
    with pytest.raises(
        RefusedError, match=r"there is no key to sign in with; looked for .*nothing"
    ):
        box_at(boxes, gpu1.place, "keyless").connect()


# Out of reach ---------------------------------------------------------------------------


def test_a_host_that_is_not_there_is_told(network: Network, boxes: Boxes) -> None:
    with pytest.raises(
        UnavailableError, match=r"gpu1 \(.*@no-such-host\.invalid:22\): there is no"
    ):
        box_at(boxes, "no-such-host.invalid").connect()


def test_a_name_that_no_host_can_have_is_told(network: Network, boxes: Boxes) -> None:
    with pytest.raises(UnavailableError, match=r"cannot be reached"):
        box_at(boxes, "a..b").connect()


def test_a_box_that_is_closed_while_it_connects_can_be_used_again(
    network: Network, gpu1: Sshd, boxes: Boxes
) -> None:
    link = LinkProxy(gpu1.host, gpu1.port)
    network.know(gpu1, f"[127.0.0.1]:{link.port}")
    link.silence()
    box = box_at(boxes, f"127.0.0.1:{link.port}")
    errors: list[UnavailableError] = []

    def connect() -> None:
        with pytest.raises(UnavailableError) as caught:
            box.connect()
        errors.append(caught.value)

    connecting = threading.Thread(target=connect)
    connecting.start()
    wait_until(lambda: link.connections == 1, "the connection to begin")
    box.close()
    connecting.join()
    assert "was closed meanwhile" in errors[0].message
    link.resume()
    assert box.run("echo well").stdout == b"well\n"
    link.close()


def test_a_port_without_a_server_is_told(network: Network, boxes: Boxes) -> None:
    port = free_port()
    with pytest.raises(UnavailableError) as caught:
        box_at(boxes, f"127.0.0.1:{port}").connect()
    assert caught.value.message == f"gpu1 ({getuser()}@127.0.0.1:{port}): it refuses connections"
    assert caught.value.hint == "is sshd running there, on that port?"


def test_a_server_that_says_nothing_is_given_up(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        boxes = boxes_of(network, connect_seconds=0.5)
        with pytest.raises(UnavailableError, match=r"no answer within 0.5 s"):
            box_at(boxes, f"127.0.0.1:{silent.getsockname()[1]}").connect()
        boxes.close()


def test_a_server_of_another_kind_is_told(network: Network, boxes: Boxes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)

        server = threading.Thread(target=serve)
        server.start()
        with pytest.raises(
            UnavailableError, match=r"it ended the connection|cannot be reached|lost"
        ):
            box_at(boxes, f"127.0.0.1:{listener.getsockname()[1]}").connect()
        server.join()


class Clock:
    """The time that connections go by, which stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_failure_is_not_repeated_before_a_pause_which_grows(
    gpu1: Sshd, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("xt_core.ssh.link.time", clock)
    gpu1.stop()
    box = box_at(boxes, gpu1.place)
    pauses = []
    for _ in range(8):
        with pytest.raises(UnavailableError):
            box.connect()
        pauses.append(box.retry_seconds)
        clock.now += box.retry_seconds
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]
    gpu1.start()
    assert box.run("echo back").stdout == b"back\n"
    assert box.retry_seconds == 0


def test_within_the_pause_the_same_error_comes_at_once(
    gpu1: Sshd, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("xt_core.ssh.link.time", clock)
    gpu1.stop()
    box = box_at(boxes, gpu1.place)
    messages = []
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            box.connect()
        messages.append(caught.value.message)
        if len(messages) == 1:
            gpu1.start()
    assert messages[0] == messages[1]
    clock.now += 0.5
    box.connect()


# Links that drop ------------------------------------------------------------------------


def test_a_connection_that_was_cut_is_made_anew(gpu1: Sshd, boxes: Boxes) -> None:
    box = box_at(boxes, gpu1.place)
    for number in range(3):
        assert box.run(f"echo {number}").stdout == f"{number}\n".encode()
        gpu1.cut()
    assert box.run("echo back").stdout == b"back\n"


def test_a_cut_ends_what_was_under_way(network: Network, gpu1: Sshd, boxes: Boxes) -> None:
    link = LinkProxy(gpu1.host, gpu1.port)
    network.know(gpu1, f"[127.0.0.1]:{link.port}")
    box = box_at(boxes, f"127.0.0.1:{link.port}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(gpu1.home / "sock"))
        listener.listen()
        client = box.open_socket(gpu1.home / "sock")
        errors: list[UnavailableError] = []

        def wait() -> None:
            with pytest.raises(UnavailableError) as caught:
                box.run("echo begun > begun; sleep 60")
            errors.append(caught.value)

        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_until((gpu1.home / "begun").exists, "the command")
        link.cut()
        waiting.join()
        assert client.recv(1) == b""
        client.close()
    assert "the connection was lost" in errors[0].message
    assert box.run("echo back").stdout == b"back\n"
    assert link.connections == 2
    link.close()


def test_a_link_that_falls_silent_is_noticed_and_delays_no_other_box(
    network: Network, gpu1: Sshd, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = network.box("gpu2")
    link = LinkProxy(gpu1.host, gpu1.port)
    network.know(gpu1, f"[127.0.0.1]:{link.port}")
    silent, lively = box_at(boxes, f"127.0.0.1:{link.port}"), box_at(boxes, other.place, "gpu2")
    lively.connect()
    with monkeypatch.context() as patch:
        patch.setattr("xt_core.ssh.link.KEEPALIVE_SECONDS", 0.5)
        silent.connect()
    link.silence()
    errors: list[UnavailableError] = []

    def wait() -> None:
        with pytest.raises(UnavailableError) as caught:
            silent.run("echo unheard", seconds=None)
        errors.append(caught.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert lively.run("echo well").stdout == b"well\n"
    waiting.join()
    assert "the connection was lost" in errors[0].message
    assert not silent.is_connected
    link.resume()
    assert silent.run("echo back").stdout == b"back\n"
    link.close()


def test_a_silent_box_does_not_hold_up_the_end(network: Network, gpu1: Sshd, boxes: Boxes) -> None:
    link = LinkProxy(gpu1.host, gpu1.port)
    network.know(gpu1, f"[127.0.0.1]:{link.port}")
    box = box_at(boxes, f"127.0.0.1:{link.port}")
    box.connect()
    link.silence()
    boxes.close()
    assert not box.is_connected
    link.close()


def test_many_commands_wait_for_their_turn(gpu1: Sshd, network: Network) -> None:
    strict = network.box("strict", "MaxSessions 8")
    boxes = boxes_of(network)
    box = box_at(boxes, strict.place)
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: codes.append(box.run(f"sleep 0.1; exit {n}").exit_code))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == list(range(20))
    boxes.close()


def test_a_dead_link_is_noticed_within_15_seconds() -> None:
    from xt_core.ssh.link import KEEPALIVE_SECONDS, MOST_KEEPALIVES

    assert (MOST_KEEPALIVES + 1) * KEEPALIVE_SECONDS < 15


def test_a_box_that_is_rebooted_is_reached_again(gpu1: Sshd, boxes: Boxes) -> None:
    box = box_at(boxes, gpu1.place)
    box.run("sleep 300 > /dev/null 2>&1 & echo $! > pid")
    assert len(gpu1.processes()) == 1
    gpu1.crash()
    assert gpu1.processes() == []
    gpu1.start()
    assert box.run("echo up").stdout == b"up\n"
