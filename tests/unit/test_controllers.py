"""What is asked of several nodes: who is asked, what comes of failures, changes as one stream."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xt_core
from xt_core.errors import UnavailableError, UnknownNameError, UsageError, XTError
from xt_core.home import Home
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.nodes.changes import Changes
from xt_core.nodes.concurrently import as_they_come, on_each
from xt_core.nodes.controllers import Controllers
from xt_core.services.stores import StoreAccess


class FakeClient:
    """Stands for the client of a node: notes what it is asked."""

    def __init__(self, node: str, asked: list[tuple[Any, ...]]) -> None:
        self.node, self._asked = node, asked
        self.alive = False
        self.failure: XTError | None = None
        self.patience: float | None = None
        self.start_failure: XTError | None = None
        self.news: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def is_running(self) -> bool:
        return self.alive

    def ensure_running(self, gpu_split: int) -> None:
        if self.start_failure is not None:
            raise self.start_failure
        self._asked.append((self.node, "ensure", gpu_split))

    def cancel(self, **what: Any) -> None:
        self._asked.append((self.node, "cancel", what))
        self._fail()

    def take_up(self, job: str) -> None:
        self._asked.append((self.node, "take up", job))
        self._fail()

    def restart(self, job: str, delay: float) -> list[str]:
        self._asked.append((self.node, "restart", job, delay))
        self._fail()
        return [f"run of {self.node}"]

    def status(self, patience: float | None = None, *, of_machine: bool = False) -> dict[str, Any]:
        self.patience = patience
        self._fail()
        node = {"name": self.node, "controller": {"version": xt_core.__version__}}
        return {"nodes": [node], "runs": [{"name": f"run of {self.node}"}]}

    def changes(self) -> "FakeStream":
        return FakeStream(self.news)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class FakeStream:
    """Gives an item for each True put into the queue, and ends with a False."""

    def __init__(self, news: "queue.SimpleQueue[bool]") -> None:
        self._news = news

    def __iter__(self) -> Iterator[None]:
        while self._news.get():
            yield

    def close(self) -> None:
        self._news.put(False)


class Fakes(Controllers):
    """Controllers of a home with fake clients."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, {}, StoreAccess)
        self.asked: list[tuple[Any, ...]] = []
        self.fakes = {f"node{index}": FakeClient(f"node{index}", self.asked) for index in range(3)}

    def of(self, node: str) -> Any:
        return self.fakes[node]

    def calls(self) -> list[tuple[Any, ...]]:
        return sorted((call for call in self.asked if call[1] != "ensure"), key=lambda c: c[0])


@pytest.fixture
def controllers(tmp_path: Path) -> Fakes:
    for name in ("node1", "node2"):
        Home(tmp_path).node(name).create()
    return Fakes(Home(tmp_path))


def a_job(name: str, *nodes: str) -> Job:
    return Job(name, "ws1", "e", "static", "local", "ada", 1e9, 6, 1, nodes=list(nodes))


def a_run(name: str, node: str) -> Run:
    return Run("ws1", name, "job1", "e", node, RunStatus.RUNNING, 1e9)


def test_a_cancel_goes_to_the_nodes_concerned(controllers: Fakes) -> None:
    jobs = [a_job("job1", "node0", "node2"), a_job("job2", "node2")]
    controllers.cancel(runs=[a_run("run9", "node2")], jobs=jobs, nodes=["node0"], grace=3)
    ours = {"runs": [], "jobs": ["job1"], "everything": True, "grace": 3}
    theirs = {"runs": [("ws1", "run9")], "jobs": ["job1", "job2"], "everything": False, "grace": 3}
    assert controllers.calls() == [("node0", "cancel", ours), ("node2", "cancel", theirs)]


def test_nothing_to_cancel_asks_nobody(controllers: Fakes) -> None:
    controllers.cancel()
    assert controllers.asked == []


def test_a_node_that_fails_is_named_when_all_others_have_done_it(controllers: Fakes) -> None:
    controllers.fakes["node1"].failure = UnavailableError("it is away", "wait")
    with pytest.raises(UnavailableError) as caught:
        controllers.take_up(a_job("job1", "node0", "node1", "node2"))
    assert (caught.value.message, caught.value.hint) == ("node1: it is away", "wait")
    assert controllers.calls() == [(f"node{n}", "take up", "job1") for n in range(3)]
    controllers.fakes["node2"].failure = UsageError("what?")
    with pytest.raises(UnavailableError, match=r"^node1: it is away; node2: what\?$"):
        controllers.take_up(a_job("job1", "node0", "node1", "node2"))


def test_a_node_asked_alone_speaks_for_itself(controllers: Fakes) -> None:
    controllers.fakes["node1"].failure = UnavailableError("node1 is away", "wait")
    with pytest.raises(UnavailableError, match=r"^node1 is away$"):
        controllers.take_up(a_job("job1", "node1"))


def test_a_restart_is_of_all_nodes_or_of_one(controllers: Fakes) -> None:
    job = a_job("job1", "node1", "node2")
    assert controllers.restart(job, 2.0) == ["run of node1", "run of node2"]
    assert controllers.restart(job, 0.0, 1) == ["run of node2"]
    with pytest.raises(UnknownNameError, match="job1 has no node 2"):
        controllers.restart(job, 0.0, 2)


def test_a_restart_fails_for_want_of_runs_only_where_no_node_has_any(controllers: Fakes) -> None:
    job = a_job("job1", "node1", "node2")
    controllers.fakes["node1"].failure = UnknownNameError("no run here")
    assert controllers.restart(job, 0.0) == ["run of node2"]
    controllers.fakes["node2"].failure = UnknownNameError("none here")
    with pytest.raises(UnknownNameError, match=r"^node1: no run here; node2: none here$"):
        controllers.restart(job, 0.0)


def test_gpus_are_split_over_all_nodes_asked_or_running(controllers: Fakes) -> None:
    controllers.ensure_running(["node0"])
    controllers.ensure_running(["node1"])
    controllers.fakes["node2"].alive = True
    controllers.ensure_running(["node0"])
    assert controllers.asked == [
        ("node0", "ensure", 1), ("node1", "ensure", 2), ("node0", "ensure", 3),
    ]  # fmt: skip


def test_the_status_of_all_tells_stopped_from_hanging(controllers: Fakes) -> None:
    for name in ("node1", "node2"):
        controllers.fakes[name].failure = UnavailableError("no answer")
    controllers.fakes["node2"].alive = True
    document = controllers.status()
    assert [(node["name"], node.get("state")) for node in document["nodes"]] == [
        ("node0", None), ("node1", "stopped"), ("node2", "unresponsive"),
    ]  # fmt: skip
    assert [node["controller"] for node in document["nodes"][1:]] == [None, None]
    assert document["runs"] == [{"name": "run of node0"}]


def test_answers_come_as_they_are_given() -> None:
    gates = {node: threading.Event() for node in ("a", "b", "c")}

    def answer(node: str) -> str:
        assert gates[node].wait(60)
        return f"answer of {node}"

    answers = as_they_come(["a", "b", "c"], answer)
    gates["b"].set()
    assert next(answers) == "answer of b"
    gates["c"].set()
    assert next(answers) == "answer of c"
    gates["a"].set()
    assert list(answers) == ["answer of a"]


def test_a_mistake_among_answers_is_raised() -> None:
    def answer(node: str) -> str:
        raise ValueError(node)

    with pytest.raises(ValueError, match="a"):
        list(as_they_come(["a"], answer))


def test_the_nodes_of_this_machine_are_one_document(controllers: Fakes) -> None:
    controllers.fakes["node1"].failure = UnavailableError("no answer")
    (document,) = controllers.statuses()
    assert [(node["name"], node.get("state")) for node in document["nodes"]] == [
        ("node0", None), ("node1", "stopped"), ("node2", None),
    ]  # fmt: skip
    assert document["runs"] == [{"name": "run of node0"}, {"name": "run of node2"}]


def test_a_node_that_hangs_is_waited_for_once_and_then_little(controllers: Fakes) -> None:
    hanging = controllers.fakes["node2"]
    hanging.failure, hanging.alive = UnavailableError("no answer"), True
    waited = []
    for _ in range(2):
        controllers.status(2.0)
        waited.append((hanging.patience, controllers.fakes["node0"].patience))
    assert waited == [(2.0, 2.0), (0.2, 2.0)]
    controllers.status()
    assert hanging.patience is None
    hanging.failure = None
    for _ in range(2):
        controllers.status(2.0)
    assert hanging.patience == 2.0


def test_only_stopped_controllers_are_started_and_a_failure_is_told(controllers: Fakes) -> None:
    controllers.fakes["node1"].alive = True
    controllers.fakes["node2"].start_failure = UnavailableError("no memory")
    answers = controllers.start_stopped(["node0", "node1", "node2"])
    assert controllers.asked == [("node0", "ensure", 3)]
    assert list(answers.results) == ["node0"]
    assert {node: e.message for node, e in answers.failures.items()} == {"node2": "no memory"}


def test_calls_are_made_at_once() -> None:
    barrier = threading.Barrier(3, timeout=60)
    answers = on_each(["a", "b", "c"], lambda node: barrier.wait() >= 0 and node)
    assert answers.results == {"a": "a", "b": "b", "c": "c"}


def test_an_error_of_the_system_is_the_nodes_and_a_mistake_is_raised() -> None:
    def fail(node: str) -> None:
        raise OSError("disk full") if node == "a" else KeyError("oops")

    assert on_each(["a"], fail).failures["a"].message == "disk full"
    with pytest.raises(KeyError):
        on_each(["a", "b"], fail)


def test_changes_of_all_nodes_are_one_stream_that_ends_with_one_of_them(
    controllers: Fakes,
) -> None:
    first, second, _ = controllers.fakes.values()
    first.alive = second.alive = True
    stream = iter(controllers.changes())
    next(stream)  # at once
    for news in (first.news, second.news, first.news):
        news.put(True)
        next(stream)
    second.news.put(False)
    assert list(stream) == []


def test_a_node_that_comes_later_is_heard(controllers: Fakes) -> None:
    first, second, _ = controllers.fakes.values()
    first.alive = True
    stream = iter(controllers.changes())
    next(stream)
    second.alive = True
    second.news.put(True)
    next(stream)
    second.news.put(True)
    next(stream)


def test_where_no_controller_runs_the_stream_is_empty(controllers: Fakes) -> None:
    assert list(controllers.changes()) == []


def test_a_stream_that_needs_a_node_ends_at_once_where_it_is_gone(controllers: Fakes) -> None:
    controllers.fakes["node0"].alive = True
    assert list(controllers.changes(["node0", "node1"])) == []
    assert next(iter(controllers.changes(["node0"]))) is None


def test_another_thread_may_close_the_stream(controllers: Fakes) -> None:
    controllers.fakes["node0"].alive = True
    changes = controllers.changes()
    stream = iter(changes)
    next(stream)
    closer = threading.Timer(0, changes.close)
    closer.start()
    assert list(stream) == []
    closer.join()


def test_a_stream_closed_before_it_began_is_empty(controllers: Fakes) -> None:
    controllers.fakes["node0"].alive = True
    changes = Changes(controllers.running, controllers.of)
    changes.close()
    assert list(changes) == []
