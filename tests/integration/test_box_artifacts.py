"""A controller on a box: its job's inputs and its artifacts go over SSH, whatever breaks."""

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from homebound_support import ACCESS, NODE, Laptop, nobody
from servers.sshd import Network, Sshd
from ssh_support import box_at, boxes_of
from support import wait_until

from controller.spool import Spool
from xt_core.errors import UnavailableError, UnknownNameError, WorkFailedError
from xt_core.home import Home, NodeHome
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.nodes.client import ControllerClient
from xt_core.nodes.homebound import Brought, bring_artifacts_home
from xt_core.nodes.inputs import send_inputs
from xt_core.shares.cache import ShareCache
from xt_core.shares.names import content_key
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.submit.mrc import MultiRunConfig

CHANCE = random.Random(13)
LARGE = CHANCE.randbytes(50_000_000)


class Place:
    """A laptop and a box with a controller, which is reached over SSH."""

    def __init__(self, network: Network, home: NodeHome, laptop: Laptop) -> None:
        self.network, self.server = network, network.boxes[0]
        self.home, self.laptop = home, laptop
        self._boxes = boxes_of(network)
        self.client = self._client()

    def _client(self) -> ControllerClient:
        reach = box_at(self._boxes, self.server.place).open_socket
        return ControllerClient(self.home, {}, lambda: ACCESS, reach=reach)

    def reconnect(self) -> None:
        """As another process would."""
        self.close()
        self._boxes = boxes_of(self.network)
        self.client = self._client()

    def close(self) -> None:
        self._boxes.close()

    def send(self, mrc: MultiRunConfig, told: object = nobody) -> int:
        return send_inputs(self.client, self.laptop.artifacts, mrc, NODE, told)  # type: ignore[arg-type]

    def fetch(self, told: object = nobody) -> Brought:
        laptop = self.laptop
        return bring_artifacts_home(self.client, laptop.artifacts, laptop.arriving, told)  # type: ignore[arg-type]

    @property
    def here(self) -> ControllerClient:
        """A client on the box itself."""
        return ControllerClient(self.home, dict(os.environ), lambda: ACCESS)

    def has_kept(self, mrc: MultiRunConfig) -> bool:
        return (self.home.copies_dir / "ws1/jobs" / mrc.job / "mrc.json").exists()


@pytest.fixture
def place(network: Network, tmp_path: Path) -> Iterator[Place]:
    server = network.box(NODE)
    home = Home(server.home / ".xt").node(NODE)
    home.create()
    place = Place(network, home, Laptop(tmp_path / "laptop"))
    yield place
    if place.here.is_running():
        place.here.shut_down()
    place.close()


def cut_once(server: Sshd, at: int) -> object:
    """Told of a transfer: its connection breaks once, in its midst."""
    left = [at]

    def told(done: int, _total: int) -> None:
        if left and done >= left[0]:
            left.clear()
            server.cut()

    return told


def test_an_upload_that_is_cut_goes_on(place: Place) -> None:
    place.here.ensure_running()
    laptop = place.laptop
    laptop.write(laptop.code, {"code.bin": LARGE, "run.sh": b"true"})
    laptop.write(laptop.data, {"data.bin": LARGE[::-1]})
    mrc = laptop.submission()
    sent = place.send(mrc, cut_once(place.server, 25_000_000))
    assert place.has_kept(mrc)
    assert sent < 2 * len(LARGE) + 10_000_000  # what was in the air is sent again
    tree = ShareCache(place.home.share_cache_dir).make(mrc.nodes[NODE].shares["data"]).path
    assert (tree / "data.bin").read_bytes() == LARGE[::-1]
    second = laptop.submission()
    assert place.send(second) == 0


def test_a_node_that_refuses_says_why_in_the_midst_of_an_upload(place: Place) -> None:
    place.here.ensure_running()
    laptop = place.laptop
    laptop.write(laptop.data, {"a.bin": b"content", "large.bin": LARGE})
    mrc = laptop.submission()
    digest = hashlib.sha256(b"content").hexdigest()
    path = laptop.artifacts.local_path(content_key("_data/mnist", digest))
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    with pytest.raises(WorkFailedError, match=f"not {digest}"):
        place.send(mrc)
    assert not place.has_kept(mrc)


def test_a_download_that_is_cut_goes_on(place: Place) -> None:
    spool = Spool(place.home.outbox_dir)
    for number in range(300):
        spool.put_bytes(f"ws1/runs/run1/f{number}", b"%d" % number)
    spool.put_bytes("ws1/runs/run1/model", LARGE)
    place.here.ensure_running()
    moved: list[int] = []
    cut = cut_once(place.server, 25_000_000)

    def told(done: int, total: int) -> None:
        moved.append(done)
        cut(done, total)  # type: ignore[operator]

    brought = place.fetch(told)
    assert brought.artifacts == 301
    assert place.laptop.contents() == {
        "run1/model": LARGE,
        **{f"run1/f{number}": b"%d" % number for number in range(300)},
    }
    assert moved[-1] < len(LARGE) + 1_000_000
    assert Spool(place.home.outbox_dir).pending == {}


def test_a_box_that_stays_away_is_told_and_nothing_is_lost(place: Place) -> None:
    Spool(place.home.outbox_dir).put_bytes("ws1/runs/run1/model", LARGE)
    place.here.ensure_running()
    stopped: list[int] = []

    def stop(done: int, _total: int) -> None:
        if done >= 25_000_000 and not stopped:
            stopped.append(done)
            place.server.crash()

    with pytest.raises(UnavailableError):
        place.fetch(stop)
    assert place.laptop.contents() == {}
    assert list(Spool(place.home.outbox_dir).pending) == ["ws1/runs/run1/model"]
    place.server.start()
    moved: list[int] = []
    place.reconnect()
    place.fetch(lambda done, total: moved.append(done))
    assert moved[-1] <= len(LARGE) - 20_000_000
    assert place.laptop.contents() == {"run1/model": LARGE}


def test_a_controller_that_is_killed_goes_on_where_it_was(place: Place) -> None:
    place.here.ensure_running()
    laptop = place.laptop
    laptop.write(laptop.code, {"code.bin": LARGE})
    mrc = laptop.submission()
    told: list[int] = []

    def kill(done: int, _total: int) -> None:
        if done >= 25_000_000 and not told:
            told.append(done)
            os.kill(int(place.home.controller_lock.read_text()), 9)

    with pytest.raises(UnavailableError):
        place.send(mrc, kill)
    assert not place.has_kept(mrc)
    place.here.ensure_running()
    assert place.send(mrc) < len(LARGE) - 15_000_000
    assert place.has_kept(mrc)


def test_a_job_is_done_with_what_was_brought_and_its_artifacts_come_home(place: Place) -> None:
    laptop = place.laptop
    script = b'echo code; cat "$XT_DATA_DIR"/sub/data.txt; mkdir out; echo made > out/made.txt\n'
    laptop.write(laptop.code, {"run.sh": script})
    laptop.write(laptop.data, {"sub/data.txt": b"data\n"})
    mrc = laptop.submission()
    mrc.nodes[NODE].after_dirs = ["out/**"]
    place.here.ensure_running()
    place.send(mrc)
    with_job(place.home, mrc)
    place.client.take_up(mrc.job)
    wait_until(lambda: place.client.has_ended("ws1", "run1"), "the run's end")
    with place.client.output("ws1", "run1", "start") as stream:
        assert b"".join(stream.chunks()) == b"code\ndata\n"
    wait_until(lambda: not place.client.status()["nodes"][0]["jobs"], "the job's end")
    place.fetch()
    came = laptop.contents()
    assert came["run1/logs/output.txt"] == b"code\ndata\n"
    assert came["run1/after/out/made.txt"] == b"made\n"
    assert {"run1/logs/run.json", "run1/logs/events.jsonl"} < set(came)
    assert laptop.artifacts.exists(f"ws1/jobs/{mrc.job}/job.json")
    assert not place.has_kept(mrc)  # the job has ended
    assert place.fetch().artifacts == 0
    with (
        pytest.raises(UnknownNameError),  # it is at home now
        place.client.output("ws1", "run1", "start"),
    ):
        raise AssertionError


def with_job(home: NodeHome, mrc: MultiRunConfig) -> None:
    """Have the node know of a job with a single run."""
    now = 1_700_000_000.0
    job = Job(
        name=mrc.job,
        workspace="ws1",
        experiment="exper1",
        style="single",
        target="lab",
        username="alice",
        created=now,
        work_items=1,
        concurrent=1,
        nodes=[NODE],
        hosts={NODE: home.place},
    )
    run = Run(
        workspace="ws1",
        name="run1",
        job=mrc.job,
        experiment="exper1",
        node=NODE,
        status=RunStatus.QUEUED,
        created=now,
        queued=now,
        run_index=0,
        target="lab",
        username="alice",
    )
    store = SqliteStatsStore(home.stats_file)
    store.add_job(job, [run], iter(()))
    store.close()
