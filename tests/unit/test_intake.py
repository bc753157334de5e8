"""Jobs that wait for their team's services: one that cannot begin holds up no other."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller import backoff
from controller.intake import Intake
from controller.node import NodeServices
from xt_core.errors import RefusedError, UnavailableError


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "_FIRST_SECONDS", 0.001)
    monkeypatch.setattr(backoff, "_LONGEST_SECONDS", 0.001)


class Node:
    """Takes jobs, but for those that are to fail, as often as they are to."""

    def __init__(self, failures: dict[str, list[Exception]]) -> None:
        self._failures = failures
        self.begun: list[str] = []
        self.intake = Intake(cast(NodeServices, SimpleNamespace(team=None)), self._hand_over, set)

    async def _hand_over(self, name: str) -> None:
        await asyncio.sleep(0)
        if self._failures.get(name):
            raise self._failures[name].pop(0)
        self.begun.append(name)

    async def serve(self, *names: str) -> None:
        for name in names:
            self.intake.later(name)
        self.intake.start()
        async with asyncio.timeout(60):
            while not self.intake.is_empty():
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("error", [UnavailableError, RefusedError])
async def test_a_job_whose_services_are_away_holds_up_no_other(error: Any) -> None:
    node = Node({"job1": [error("it is away")] * 3})
    await node.serve("job1", "job2", "job3")
    assert node.begun == ["job2", "job3", "job1"]


@pytest.mark.parametrize("error", [OSError, KeyError])
async def test_a_defect_ends_neither_the_wait_nor_the_other_jobs(error: Any) -> None:
    node = Node({"job1": [error("a defect")] * 2})
    await node.serve("job1", "job2")
    assert node.begun == ["job2", "job1"]


async def test_what_is_handed_over_again_meanwhile_is_not_forgotten() -> None:
    """A job may be extended while it is taken up as it was."""
    node = Node({})
    taken = node._hand_over

    async def extended_meanwhile(name: str) -> None:
        if not node.begun:
            node.intake.later(name)
        await taken(name)

    node.intake = Intake(cast(NodeServices, SimpleNamespace(team=None)), extended_meanwhile, set)
    await node.serve("job1")
    assert node.begun == ["job1", "job1"]
