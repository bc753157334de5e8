"""The controllers of all nodes of one home.

What is asked of several nodes is asked of all at once, and done on each that can, whatever
becomes of the others; then one error names those that could not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from xt_core.errors import UnknownNameError, XTError
from xt_core.home import Home, node_index, node_order
from xt_core.model.records import Job, Run
from xt_core.nodes.changes import Changes
from xt_core.nodes.client import ControllerClient
from xt_core.nodes.concurrently import Answers, on_each
from xt_core.services.stores import StoreAccess

T = TypeVar("T")
STOPPED, UNRESPONSIVE = "stopped", "unresponsive"
_PATIENCE_WITH_SILENT_SECONDS = 0.2


class Controllers:
    """A client for each node. Thread-safe."""

    def __init__(
        self,
        home: Home,
        environ: Mapping[str, str],
        access: Callable[[], StoreAccess],
        node_access: Callable[[], StoreAccess] | None = None,
    ) -> None:
        """See `ControllerClient`."""
        self._home, self._environ = home, environ
        self._access, self._node_access = access, node_access or access
        self._clients: dict[str, ControllerClient] = {}
        self._silent: set[str] = set()
        """Nodes whose controllers did not answer when last asked for their status."""

    # Nodes ------------------------------------------------------------------------------

    def of(self, node: str) -> ControllerClient:
        """The client of a node. Raises UsageError for what is no node's name."""
        if node not in self._clients:
            client = ControllerClient(
                self._home.node(node), self._environ, self._access, self._node_access
            )
            self._clients.setdefault(node, client)
        return self._clients[node]

    def of_run(self, run: Run) -> ControllerClient:
        """The client of the node on which a run is, or was last."""
        return self.of(run.node)

    def known(self) -> list[str]:
        """The nodes of this home, in numeric order: the first, and those that have been used."""
        return self._home.node_names()

    def running(self) -> list[str]:
        """Those of the nodes that have a controller, be it one that hangs."""
        return [node for node in self.known() if self.of(node).is_running()]

    def ensure_running(self, nodes: Iterable[str]) -> None:
        """Start the controllers of these nodes where none answers.

        Raises UnavailableError, which names the nodes that cannot be started.
        """
        self._ask(nodes, lambda _node: None).raise_failures()

    def start_stopped(self, nodes: Iterable[str]) -> Answers[None]:
        """Start the controllers of those of the nodes that have none, and let be one that hangs;
        what came of it, by node."""
        stopped = [node for node in nodes if not self.of(node).is_running()]
        return self._ask(stopped, lambda _node: None)

    def _ask(self, nodes: Iterable[str], call: Callable[[str], T]) -> Answers[T]:
        """Call for each of the nodes once its controller runs.

        The machine's GPUs are split over all nodes that are asked or running, and over those
        before them: no two of them use the same one.
        """
        chosen = sorted(set(nodes), key=node_order)
        gpu_split = 1 + max(map(node_index, [*chosen, *self.running()]), default=0)

        def start_and_call(node: str) -> T:
            self.of(node).ensure_running(gpu_split)
            return call(node)

        return on_each(chosen, start_and_call)

    # Requests ---------------------------------------------------------------------------

    def status(self, patience: float | None = None) -> dict[str, Any]:
        """All known nodes and their living runs, with the keys of `xt status --json`.

        A node without a controller is `stopped`; one whose controller does not answer within
        `patience` seconds is `unresponsive`, and until it answers again a client that has limited
        its patience has very little, so that the others' news are not late. The `controller` of
        both is None.
        """
        nodes = self.known()
        answers = on_each(nodes, lambda node: self._status_of(node, patience)).results
        return {
            "nodes": [entry for node in nodes for entry in answers[node]["nodes"]],
            "runs": [run for node in nodes for run in answers[node]["runs"]],
        }

    def _status_of(self, node: str, patience: float | None) -> dict[str, Any]:
        client = self.of(node)
        if patience is not None and node in self._silent:
            patience = min(patience, _PATIENCE_WITH_SILENT_SECONDS)
        try:
            answer = client.status(patience)
            self._silent.discard(node)
            return answer
        except XTError:
            state = UNRESPONSIVE if client.is_running() else STOPPED
            (self._silent.add if state == UNRESPONSIVE else self._silent.discard)(node)
            return {"nodes": [_silent_node(node, state)], "runs": []}

    def take_up(self, job: Job) -> None:
        """Tell the nodes of a submitted job of it. Raises UnavailableError."""
        self._ask(job.nodes, lambda node: self.of(node).take_up(job.name)).raise_failures()

    def cancel(
        self,
        *,
        runs: Sequence[Run] = (),
        jobs: Sequence[Job] = (),
        nodes: Sequence[str] = (),
        grace: float | None = None,
    ) -> None:
        """Cancel runs, jobs, and whatever is on these nodes; returns once all of it has ended.

        `grace` in seconds, None for each job's own. Raises UnavailableError, which names the
        nodes that could not be reached.
        """
        concerned = {run.node for run in runs} | {node for job in jobs for node in job.nodes}

        def cancel_on(node: str) -> None:
            self.of(node).cancel(
                runs=[(run.workspace, run.name) for run in runs if run.node == node],
                jobs=[job.name for job in jobs if node in job.nodes],
                everything=node in nodes,
                grace=grace,
            )

        self._ask({*concerned, *nodes}, cancel_on).raise_failures()

    def restart(self, job: Job, delay: float, index: int | None = None) -> list[str]:
        """The service restart of a job's living runs, on its node of that index or on all; their
        names.

        `delay` in seconds. Raises UnknownNameError where the job has no such node, or no run
        that lives there.
        """
        if index is not None and not 0 <= index < len(job.nodes):
            raise UnknownNameError(
                f"{job.name} has no node {index}", f"its nodes: {', '.join(job.nodes)}"
            )
        nodes = job.nodes if index is None else [job.nodes[index]]
        answers = self._ask(nodes, lambda node: self.of(node).restart(job.name, delay))
        answers.forgive_unknown_names()
        answers.raise_failures()
        return [name for names in answers.results.values() for name in names]

    def changes(self, needed: Iterable[str] = ()) -> Changes:
        """A stream of the changes of all nodes, which ends at once unless those `needed` run."""
        return Changes(self.running, self.of, needed)


def _silent_node(name: str, state: str) -> dict[str, Any]:
    """What can be said of a node that says nothing itself."""
    return {
        "name": name,
        "target": "local",
        "state": state,
        "controller": None,
        "jobs": [],
        "running": 0,
        "queued": 0,
        "concurrent": 0,
        "gpus": 0,
    }
