"""What is told of boxes, one of which is out of reach, over real sshd."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from servers.link_proxy import LinkProxy
from servers.sshd import Network
from support import Xt, wait_until


@dataclass
class Pair:
    """Two boxes that have done a job; the first is behind a link."""

    xt: Xt
    link: LinkProxy

    def states(self, patience: float | None) -> dict[str, str]:
        """Of the boxes, as a session tells them."""
        nodes = self.xt.session.controllers.status(patience)["nodes"]
        return {node["name"]: node["state"] for node in nodes if node["name"] != "node0"}


@pytest.fixture
def pair(xt: Xt, network: Network) -> Iterator[Pair]:
    network.configure(f"IdentityFile {network.key}", "ConnectTimeout 2")
    away, there = network.box("gpu1"), network.box("gpu2")
    link = LinkProxy(away.host, away.port)
    network.know(away, f"[127.0.0.1]:{link.port}")
    xt.environ["XT_SSH_CONFIG"] = str(network.config_file)
    xt.environ.pop("SSH_AUTH_SOCK", None)
    xt.configure(
        "boxes:\n"
        f'  gpu1: {{address: "127.0.0.1:{link.port}"}}\n'
        f'  gpu2: {{address: "{there.place}"}}\n'
        "compute-targets:\n"
        "  lab: {service: pool, boxes: [gpu1, gpu2]}\n"
    )
    xt("run", "--wait", "--target", "lab", "--runs", "2", "--schedule", "static",
       xt.script("work.py", "print('done')"))  # fmt: skip
    yield Pair(xt, link)
    link.close()


def test_who_answers_is_shown_before_a_box_that_does_not(pair: Pair) -> None:
    pair.link.silence()
    done = pair.xt("status")
    names = [line.split(" (")[0] for line in done.stdout.splitlines()]
    assert names == ["node0", "gpu2", "gpu1"]
    assert done.stdout.splitlines()[-1] == "gpu1 (gpu1) unreachable"
    assert done.stderr == ""  # it was due nothing


def test_a_session_waits_little_for_a_box_that_is_away_until_it_is_back(pair: Pair) -> None:
    assert pair.states(30.0) == {"gpu1": "running", "gpu2": "running"}
    pair.xt.session.boxes.of("gpu1").box.close()
    pair.link.silence()
    assert pair.states(1.0) == {"gpu1": "unreachable", "gpu2": "running"}
    assert pair.states(30.0) == {"gpu1": "unreachable", "gpu2": "running"}
    pair.link.resume()
    wait_until(lambda: pair.states(2.0)["gpu1"] == "running", "the box to be back")


def test_a_controller_that_was_killed_is_told_as_stopped(pair: Pair, network: Network) -> None:
    assert pair.states(30.0) == {"gpu1": "running", "gpu2": "running"}
    box = pair.xt.session.boxes.of("gpu2").box
    box.run("kill -9 $(cat ~/.xt/teams/*/nodes/gpu2/controller.lock)")
    wait_until(lambda: pair.states(2.0)["gpu2"] == "stopped", "its controller to be gone")
