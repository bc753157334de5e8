"""A team with several machines: XT homes of their own, with one node called as its box each, a
MongoDB server and a folder that all of them see; and jobs that they share."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from altered_controllers import alter_controllers
from servers.mongod import Mongod
from support import Xt, lose_power, wait_until

from xt_core import clock
from xt_core.model.records import Job, Objective, Run
from xt_core.model.states import RunStatus, Schedule, SearchStyle
from xt_core.nodes.controllers import Controllers
from xt_core.stats.store import RunQuery, new_items
from xt_core.submit.mrc import MultiRunConfig, NodeContext, mrc_key

_SERVICES = """
external-services:
  stats: {{type: mongo, mongo-connection-string: "{url}"}}
  files: {{type: storage, provider: directory, path: "{folder}"}}
xt-services: {{storage: files, mongo: stats}}
"""
_IMPATIENT = """
from controller import backoff
from xt_core.stats.mongo.store import MongoStatsStore
backoff._LONGEST_SECONDS = 1.0
MongoStatsStore.__init__.__kwdefaults__["deadline_seconds"] = 3.0
"""
GATED = """
import json, os, sys, time
folder, index = sys.argv[1], os.environ["XT_RUN_INDEX"]
with open(os.path.join(folder, "log"), "a") as log:
    log.write(index + " " + os.environ["XT_NODE_ID"] + "\\n")
while not any(os.path.exists(os.path.join(folder, name)) for name in (index, "all")):
    time.sleep(0.02)
with open(os.environ["XT_JOURNAL"], "a") as journal:
    journal.write(json.dumps({"type": "metrics", "step": 0, "values": {"a": int(index)}}) + "\\n")
"""
"""A script that tells where it is, and ends once a file of its index, or "all", is there."""


@dataclass
class Machines:
    """The team, each of whose machines is known by its node."""

    mongod: Mongod
    folder: Path
    of: dict[str, Xt] = field(default_factory=dict)

    @property
    def any(self) -> Xt:
        return next(iter(self.of.values()))

    def submit(self, runs: int, *arguments: str, search_type: str | None = None,
               lease_seconds: float = 60.0) -> Job:  # fmt: skip
        """A job of so many runs of `GATED`, which the machines share; they are told of it."""
        path = self.folder / "work.py"
        path.write_text(GATED)
        session, nodes = self.any.session, list(self.of)
        job_name = session.store.next_job_name()
        names = [session.store.next_run_name("ws1") for _ in nodes]
        style = SearchStyle.REPEAT if search_type is None else SearchStyle.DYNAMIC
        command = [sys.executable, str(path), str(self.folder), *arguments]
        plan = {"runs": runs, "max_runs": None, "search_type": search_type, "seed": 1}
        context = {"shell_env": {"PATH": os.environ["PATH"]}, "grace_seconds": 1.0}
        mrc = MultiRunConfig(
            job_name, "ws1", "exper1", style, "me", "lab", 1, [command], plan,
            {node: NodeContext.from_dict({"run": name, **context})
             for node, name in zip(nodes, names, strict=True)},
            schedule=Schedule.DYNAMIC, lease_seconds=lease_seconds,
        )  # fmt: skip
        session.artifacts.put_bytes(mrc_key("ws1", job_name), mrc.to_json().encode())
        job = Job(
            job_name, "ws1", "exper1", style, "lab", "me", clock.now(), runs, 1,
            schedule=Schedule.DYNAMIC, nodes=nodes, primary_metric="a", seed=1,
            objectives=[Objective("a", True)],
            search_type=search_type,
            hosts={node: xt.home.place for node, xt in self.of.items()},
        )  # fmt: skip
        parents = [
            Run("ws1", name, job_name, "exper1", node, RunStatus.QUEUED, job.created,
                is_parent=True, queued=job.created)
            for node, name in zip(nodes, names, strict=True)
        ]  # fmt: skip
        session.store.add_job(job, parents, new_items(job, 0, runs))
        for node in nodes:
            self.tell(node, job_name)
        return job

    def tell(self, node: str, job: str) -> None:
        """Have the machine's controller serve a job."""
        controllers = self.of[node].session.controllers
        controllers.ensure_running([node])
        controllers.of(node).take_up(job)

    def runs(self, node: str | None = None) -> list[Run]:
        """All children in the team's store, lost ones too, on a node or on all."""
        runs = self.any.session.store.find_runs(RunQuery())[0]
        return [run for run in runs if node in (None, run.node)]

    def begun(self) -> list[str]:
        """What scripts have told, in order: index and node."""
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def open_gates(self, *names: object) -> None:
        for name in names:
            (self.folder / str(name)).touch()

    def crash(self, node: str) -> None:
        """The machine loses its power: its controller and all that runs there are gone at once."""
        xt = self.of[node]
        xt.kill_controller(node)
        lose_power(xt.processes())
        wait_until(lambda: not xt.processes(), "all of the machine to be gone")

    def start(self, node: str) -> None:
        self.of[node].session.controllers.ensure_running([node])

    def assert_done_once(self, job: str, count: int) -> dict[int, Run]:
        """Each item completed, by the run that it names, which is the only one that completed."""
        assert self.any.wait_job(job) == "completed"
        runs = [run for run in self.runs() if run.job == job]
        done = {run.run_index or 0: run for run in runs if run.status == "completed"}
        assert sorted(done) == list(range(count))
        assert len([run for run in runs if run.status == "completed"]) == count
        assert {run.status for run in runs} <= {"completed", "lost"}
        items = self.any.session.store.work_items(job)
        assert [(item.status, item.run) for item in items] == [
            ("completed", done[index].name) for index in range(count)
        ]
        for xt in self.of.values():
            for node in self.of:
                log = xt.home.node(node).controller_log
                assert not log.exists() or "internal error" not in log.read_text()
        return done


@contextmanager
def machines(folder: Path, *nodes: str) -> Iterator[Machines]:
    """Machines with these nodes, and their services; all ends with the block."""
    shared = folder / "shared"
    shared.mkdir(parents=True)
    mongod = Mongod(folder / "mongod")
    text = _SERVICES.format(url=mongod.url, folder=shared)
    team = Machines(mongod, folder)
    try:
        for node in nodes:
            xt = Xt(folder / node, folder / "code" / node, text)
            alter_controllers(xt, folder / f"impatient-{node}", _IMPATIENT)
            xt.configure("")  # a new session, which has the environment
            be_the_machine(xt)
            team.of[node] = xt
        yield team
    finally:
        mongod.resume()
        for node, xt in team.of.items():
            _end(xt, node)
        mongod.stop()


def be_the_machine(xt: Xt) -> None:
    """Let its session take a node that is called as a box for one of this machine."""
    session = xt.session
    session.controllers = Controllers(session.team_home, xt.environ, lambda: session.access)


def _end(xt: Xt, node: str) -> None:
    """End a machine, whatever it does."""
    controller = xt.session.controllers.of(node)
    if controller.is_running():
        controller.cancel(everything=True, grace=0)
        controller.shut_down()
    xt.close()
