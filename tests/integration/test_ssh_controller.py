"""A controller behind a box's socket: the client of this machine's controllers talks to it."""

import pytest
from servers.sshd import Network
from ssh_support import box_at, boxes_of
from support import Xt

from xt_core.errors import UnavailableError
from xt_core.nodes.client import ControllerClient
from xt_core.services.stores import StoreAccess


def test_a_controller_is_steered_through_the_socket_of_a_box(xt: Xt, network: Network) -> None:
    box = network.box("gpu1")
    boxes = boxes_of(network)
    remote = box_at(boxes, box.place)
    client = ControllerClient(xt.home, {}, StoreAccess, reach=remote.open_socket)
    assert not client.is_running()
    with pytest.raises(UnavailableError, match="does not answer"):
        client.status()
    run = xt.submit(xt.script("wait.sh", "#!/bin/sh\necho begun\nsleep 300\n"))["runs"][0]
    xt.wait_output(run, "begun")
    assert client.is_running()
    assert [each["name"] for each in client.status()["runs"]] == [run]
    rung = client.changes()
    changes = iter(rung)
    next(changes)
    with client.output("ws1", run, "start") as stream:
        chunks = stream.chunks()
        assert next(chunks) == b"begun\n"
        client.cancel(runs=[("ws1", run)], grace=0)
        assert list(chunks) == []
    next(changes)
    assert client.has_ended("ws1", run)
    rung.close()
    list(changes)  # to its end, which lets go of the socket
    boxes.close()


def test_a_stream_of_a_box_that_is_cut_says_so(xt: Xt, network: Network) -> None:
    box = network.box("gpu1")
    boxes = boxes_of(network)
    remote = box_at(boxes, box.place)
    client = ControllerClient(xt.home, {}, StoreAccess, reach=remote.open_socket)
    run = xt.submit(xt.script("wait.sh", "#!/bin/sh\necho begun\nsleep 300\n"))["runs"][0]
    xt.wait_output(run, "begun")
    offsets: list[int] = []

    def follow() -> None:
        with client.output("ws1", run, "start") as stream:
            for _ in stream.chunks():
                offsets.append(stream.offset)
                box.cut()

    with pytest.raises(UnavailableError):
        follow()
    assert offsets == [len(b"begun\n")]
    with client.output("ws1", run, f"@{offsets[0]}") as stream:  # over a new connection
        assert stream.offset == offsets[0]
    boxes.close()


def test_sessions_beside_one_another_use_one_connection(xt: Xt, network: Network) -> None:
    box = network.box("gpu1")
    xt.environ["XT_SSH_CONFIG"] = str(network.config_file)
    xt.configure(f'boxes: {{gpu1: {{address: "{box.place}"}}}}\n')
    other = xt.session.beside()
    other.boxes.of("gpu1").box.connect()
    first = xt.session.boxes.of("gpu1").box
    assert first is other.boxes.of("gpu1").box
    sessions = box.sessions()
    other.close()
    assert first.is_connected
    assert first.run("true").exit_code == 0
    assert box.sessions() == sessions
