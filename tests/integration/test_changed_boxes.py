"""A session whose boxes are changed while it is used, and boxes that do not answer."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.sshd import Network, Sshd

from xt_core.config import write_setting
from xt_core.errors import ConfigError
from xt_core.home import Home
from xt_core.session import Session


@pytest.fixture
def session(network: Network, tmp_path: Path) -> Iterator[Session]:
    own = Session(home=Home(tmp_path / "home"), cwd=tmp_path, environ=dict(os.environ))
    own.home.create()
    yield own
    own.boxes.close()
    own.close()


def place(session: Session, name: str, box: Sshd) -> None:
    """Have a box of that name at the address of another in the configuration."""
    write_setting(session.home.config_file, f"boxes.{name}.address", box.place)


def test_a_box_that_is_added_can_be_used_and_the_others_stay_connected(
    session: Session, network: Network
) -> None:
    gpu1, gpu2 = network.box("gpu1"), network.box("gpu2")
    place(session, "gpu1", gpu1)
    session.boxes.of("gpu1").box.connect()
    before = gpu1.sessions()
    place(session, "gpu2", gpu2)
    session.reload_config()
    session.boxes.of("gpu2").box.connect()
    assert session.boxes.of("gpu1").box.is_connected
    assert gpu1.sessions() == before


def test_a_box_that_moves_is_found_at_its_new_address(session: Session, network: Network) -> None:
    gpu1, gpu2 = network.box("gpu1"), network.box("gpu2")
    place(session, "box", gpu1)
    session.boxes.of("box").box.connect()
    place(session, "box", gpu2)
    session.reload_config()
    moved = session.boxes.of("box").box
    moved.connect()
    assert gpu2.place in moved.label


def test_a_wrong_configuration_leaves_the_session_its_own(
    session: Session, network: Network
) -> None:
    gpu1 = network.box("gpu1")
    place(session, "gpu1", gpu1)
    assert session.config.box("gpu1").address == gpu1.place
    session.home.config_file.write_text("boxes: {gpu1: {max-runs: many}}\n")
    with pytest.raises(ConfigError):
        session.reload_config()
    assert session.config.box("gpu1").address == gpu1.place


def test_a_status_has_no_more_patience_with_a_box_than_it_is_given(
    session: Session, network: Network
) -> None:
    gpu1 = network.box("gpu1")
    place(session, "gpu1", gpu1)
    session.boxes.records.update("gpu1", address=gpu1.place, socket="/nowhere", heard=1e9)
    gpu1.pause()
    for _ in range(2):  # the second time it is known to be silent
        (node,) = [n for n in session.controllers.status(0.5)["nodes"] if n["name"] == "gpu1"]
        assert node["state"] == "unreachable"
        assert node["heard"] == "2001-09-09T01:46:40.000Z"
    gpu1.resume()
    session.boxes.of("gpu1").box.connect()
    (node,) = [n for n in session.controllers.status()["nodes"] if n["name"] == "gpu1"]
    assert node["state"] == "stopped"  # nobody listens there
