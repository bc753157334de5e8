"""Builds of environments that are given up, and wanted again before they have ended."""

import asyncio
import fcntl
import threading
from pathlib import Path

import pytest

from controller import environments
from controller.environments import Environments
from xt_core.submit.environments import EnvironmentSpec

PIP = """#!/bin/sh
# Stands in for a Python: `-m venv FOLDER` makes an environment, once there is a file `go`.
[ "$1" = -c ] && exit 0
trap 'sleep 0.2; exit 1' TERM
echo begun >> "$STATE/begun"
while [ ! -e "$STATE/go" ]; do sleep 0.01; done
mkdir -p "$3/bin" && ln -s "$0" "$3/bin/python"
"""


class Place:
    """Environments that are built by a stand-in, and how many builds have begun."""

    def __init__(self, root: Path) -> None:
        self.root = root
        python = root / "bin" / "python"
        python.parent.mkdir()
        python.write_text(PIP)
        python.chmod(0o755)
        self.environments = Environments(
            root / "environments",
            {"PATH": "/usr/bin:/bin", "HOME": str(root), "STATE": str(root)},
        )
        self.spec = EnvironmentSpec("mine", python=str(python))

    @property
    def begun(self) -> int:
        path = self.root / "begun"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def ask(self, cancelled: asyncio.Event) -> "asyncio.Task[environments.Environment | None]":
        return asyncio.create_task(self.environments.ready(self.spec, {}, cancelled))

    async def until_begun(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.begun < count:
                await asyncio.sleep(0.005)

    async def until_given_up(self) -> None:
        build = self.environments._builds[self.environments.locate(self.spec).name]
        async with asyncio.timeout(60):
            while not build.task.cancelling():
                await asyncio.sleep(0)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_who_comes_while_a_build_is_given_up_gets_one_of_his_own(place: Place) -> None:
    given_up = asyncio.Event()
    first = place.ask(given_up)
    await place.until_begun(1)
    given_up.set()
    await place.until_given_up()
    second = place.ask(asyncio.Event())
    await place.until_begun(2)
    (place.root / "go").touch()
    assert await first is None
    environment = await second
    assert environment is not None
    assert environment.is_complete()
    assert place.begun == 2


@pytest.mark.parametrize("step", ["_clear", "_commit"])
async def test_a_build_that_is_given_up_has_its_lock_as_long_as_it_writes(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Else it would remove, or call complete, what the next builder makes there."""
    reached, may_go_on, held = asyncio.Event(), threading.Event(), list[bool]()
    loop = asyncio.get_running_loop()
    owner = environments._Build if step == "_clear" else environments
    act = getattr(owner, step)
    folder = place.environments.locate(place.spec).folder

    def slow(*args: object) -> None:
        loop.call_soon_threadsafe(reached.set)
        assert may_go_on.wait(60)
        held.append(is_locked(folder.with_suffix(".lock")))
        act(*args)

    monkeypatch.setattr(owner, step, slow)
    (place.root / "go").touch()
    given_up = asyncio.Event()
    first = place.ask(given_up)
    await reached.wait()
    given_up.set()
    await place.until_given_up()
    for _ in range(10):  # so that whatever the cancelling ends has ended
        await asyncio.sleep(0)
    may_go_on.set()
    assert await first is None
    assert held == [True]
    assert not is_locked(folder.with_suffix(".lock"))
    found = await place.ask(asyncio.Event())
    assert found is not None
    assert found.is_complete()


def is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
