"""The controllers of all nodes of one home.

What is asked of several nodes is asked of all at once, and done on each that can, whatever
becomes of the others; then one error names those that could not.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from xt_core.errors import UnknownNameError, XTError
from xt_core.home import Home, is_own_node, may_be_box, node_index, node_order
from xt_core.model.records import Job, Run
from xt_core.nodes.boxcontroller import BoxController
from xt_core.nodes.boxnodes import BoxNodes
from xt_core.nodes.boxwatch import BoxWatch
from xt_core.nodes.changes import Changes
from xt_core.nodes.client import ControllerClient
from xt_core.nodes.concurrently import Answers, as_they_come, on_each
from xt_core.nodes.homecoming import Homecoming
from xt_core.nodes.homecoming import nobody as unheard
from xt_core.nodes.requests import NodeClient, Told, UnresponsiveError, nobody
from xt_core.nodes.states import MISCONFIGURED, STOPPED, UNRESPONSIVE, silent_node
from xt_core.services.stores import StoreAccess

T = TypeVar("T")
_PATIENCE_WITH_SILENT_SECONDS = 0.2
_PATIENCE_WITH_SILENT_BOX_SECONDS = 1.0
"""Over a connection that is up: less, and a box that is far away would stay silent."""


class Controllers:
    """A client for each node. Thread-safe."""

    def __init__(
        self,
        home: Home,
        environ: Mapping[str, str],
        access: Callable[[], StoreAccess],
        node_access: Callable[[], StoreAccess] | None = None,
        boxes: BoxNodes | None = None,
        homecoming: Homecoming | None = None,
        waiting: Told = nobody,
    ) -> None:
        """See `ControllerClient`; `boxes` are the nodes elsewhere, which `homecoming` brings what
        they need."""
        self._waiting = waiting
        self._home, self._environ = home, environ
        self._access, self._node_access = access, node_access or access
        self._boxes, self._homecoming = boxes, homecoming
        self._clients: dict[str, ControllerClient] = {}
        self._silent: set[str] = set()
        """Nodes whose controllers did not answer when last asked for their status."""

    # Nodes ------------------------------------------------------------------------------

    def of(self, node: str) -> NodeClient:
        """The client of a node. Raises UsageError for what is no node's name, and what
        `BoxNodes.of` raises for a box."""
        if self._boxes is not None and may_be_box(node):
            return self._boxes.of(node)
        if node not in self._clients:
            client = ControllerClient(
                self._home.node(node),
                self._environ,
                self._access,
                self._node_access,
                waiting=self._waiting,
            )
            self._clients.setdefault(node, client)
        return self._clients[node]

    def of_run(self, run: Run) -> NodeClient:
        """The client of the node on which a run is, or was last."""
        return self.of(run.node)

    def known(self) -> list[str]:
        """The nodes of this home, in numeric order: the first, and those that have been used;
        then the boxes that have been."""
        return self._home.node_names() + ([] if self._boxes is None else self._boxes.known())

    def running(self) -> list[str]:
        """Those of this machine's nodes that have a controller, be it one that hangs."""
        return [node for node in self._home.node_names() if self.of(node).is_running()]

    def ensure_running(self, nodes: Iterable[str], *, needs: Sequence[str] = ()) -> None:
        """Start the controllers of these nodes where none answers; boxes are given the layers of
        packages in `needs` too.

        Raises UnavailableError, which names the nodes that cannot be started, and UnresponsiveError
        for those that hang.
        """
        self._ask(nodes, lambda _node: None, needs).raise_failures()

    def ensure_present(self, nodes: Iterable[str], patience: float) -> None:
        """As `ensure_running`, for nodes of this machine, and let be one that hangs: one that does
        not answer within `patience` seconds."""

        def ensure(node: str, gpu_split: int) -> None:
            client = self.of(node)
            assert isinstance(client, ControllerClient)
            try:
                client.ensure_running(gpu_split, patience)
            except UnresponsiveError:
                self._silent.add(node)

        chosen = sorted(set(nodes), key=node_order)
        gpu_split = self._gpu_split(chosen)
        on_each(chosen, lambda node: ensure(node, gpu_split)).raise_failures()

    def replace_hung(self, nodes: Iterable[str]) -> dict[str, int | None]:
        """Have new controllers in the place of those that hang on these nodes of this machine; the
        process that was killed, by node (None: there was none). Runs live on.

        Raises what `ControllerClient.replace_hung` does, for the nodes that it names.
        """
        chosen = sorted(set(nodes), key=node_order)
        gpu_split = self._gpu_split(chosen)

        def replace(node: str) -> int | None:
            client = self.of(node)
            assert isinstance(client, ControllerClient)
            return client.replace_hung(gpu_split)

        answers = on_each(chosen, replace)
        self._silent -= set(answers.results)
        answers.raise_failures()
        return answers.results

    def hung(self, patience: float) -> list[str]:
        """The nodes of this machine whose controllers do not answer within so many seconds."""
        document = self._status_of_all(self._home.node_names(), patience, patience)
        return [node["name"] for node in document["nodes"] if node["state"] == UNRESPONSIVE]

    def stop(self, nodes: Iterable[str]) -> Answers[bool]:
        """Let the controllers of nodes end, whose runs live on; whether there was one, by node."""

        def stop(node: str) -> bool:
            client = self.of(node)
            is_running = client.is_running()
            if is_running:
                client.shut_down()
            return is_running

        return on_each(sorted(set(nodes), key=node_order), stop)

    def start_stopped(self, nodes: Iterable[str]) -> Answers[None]:
        """Start the controllers of those of the nodes of this machine that have none, and let be
        one that hangs; what came of it, by node."""
        own = filter(is_own_node, nodes)
        stopped = [node for node in own if not self.of(node).is_running()]
        return self._ask(stopped, lambda _node: None)

    def _ask(
        self, nodes: Iterable[str], call: Callable[[str], T], needs: Sequence[str] = ()
    ) -> Answers[T]:
        """Call for each of the nodes once its controller runs.

        The machine's GPUs are split over all of its nodes that are asked or running, and over
        those before them: no two of them use the same one.
        """
        chosen = sorted(set(nodes), key=node_order)
        own = [*filter(is_own_node, chosen)]
        gpu_split = self._gpu_split(own) if own else 1

        def start_and_call(node: str) -> T:
            client = self.of(node)
            if isinstance(client, BoxController):
                client.ensure_running(needs=needs)
            else:
                client.ensure_running(gpu_split)
            return call(node)

        return on_each(chosen, start_and_call)

    def _gpu_split(self, own: Iterable[str]) -> int:
        return 1 + max(map(node_index, [*own, *self.running()]), default=0)

    def _bring_stats(self, node: str) -> None:
        """Have in this home's store, if it keeps the team's, what a box did just now."""
        if self._homecoming is not None and not is_own_node(node):
            self._homecoming.bring_stats(node)

    # Requests ---------------------------------------------------------------------------

    def status(
        self, patience: float | None = None, *, own_patience: float | None = None
    ) -> dict[str, Any]:
        """All known nodes and their living runs, with the keys of `xt status --json`.

        A node without a controller is `stopped`; one whose controller does not answer within
        `patience` seconds is `unresponsive`, a box that cannot be reached within them is
        `unreachable`. Until such a one answers again, or is connected, a client that has limited
        its patience has very little, so that the others' news are not late. The `controller` of
        all of these is None. `own_patience` is with the nodes of this machine.
        """
        return self._status_of_all(self.known(), patience, own_patience or patience)

    def statuses(
        self, working: Collection[str] = (), own_patience: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """What `status` gives, in documents of their own for this machine and for each box, as they
        come: a box that is out of reach holds up no other. Those `working` are started first where
        they have stopped. `own_patience` is with this machine's."""

        def ask(node: str) -> dict[str, Any]:
            if is_own_node(node):
                return self._status_of_all(own, None, own_patience)
            if node in working and self._homecoming is not None and self._boxes is not None:
                with contextlib.suppress(XTError):  # its status is no better
                    self._homecoming.ensure_running(self._boxes.of(node))
            return self._status_of(node, None, of_machine=True)

        known = self.known()
        own = [*filter(is_own_node, known)]
        return as_they_come([*own[:1], *known[len(own) :]], ask)

    def _status_of_all(
        self, nodes: Sequence[str], patience: float | None, own_patience: float | None
    ) -> dict[str, Any]:
        def ask(node: str) -> dict[str, Any]:
            least = own_patience if is_own_node(node) else patience
            return self._status_of(node, least, of_machine=patience is None)

        answers = on_each(nodes, ask).results
        return {
            "nodes": [entry for node in nodes for entry in answers[node]["nodes"]],
            "runs": [run for node in nodes for run in answers[node]["runs"]],
        }

    def _status_of(self, node: str, patience: float | None, *, of_machine: bool) -> dict[str, Any]:
        try:
            client = self.of(node)
        except XTError as error:  # the configuration says something wrong of the box
            entry = silent_node(node, node, MISCONFIGURED) | {"reason": error.message}
            return {"nodes": [entry], "runs": []}
        if patience is not None and node in self._silent:
            is_far = isinstance(client, BoxController) and client.box.is_connected
            least = _PATIENCE_WITH_SILENT_BOX_SECONDS if is_far else _PATIENCE_WITH_SILENT_SECONDS
            patience = min(patience, least)
        try:
            answer = client.status(patience, of_machine=of_machine)
            self._silent.discard(node)
            return answer
        except XTError as error:
            if isinstance(client, BoxController):
                self._silent.add(node)
                return {"nodes": [client.silent_node(error)], "runs": []}
            state = UNRESPONSIVE if client.is_running() else STOPPED
            (self._silent.add if state == UNRESPONSIVE else self._silent.discard)(node)
            return {"nodes": [silent_node(node, "local", state)], "runs": []}

    def take_up(
        self, job: Job, *, only_own: bool = False, sent: Callable[[int, int], None] = unheard
    ) -> None:
        """Tell the nodes of a submitted job of it, or only those of this machine; `sent` is told
        how many bytes of how many have gone to a box. Raises UnavailableError."""
        needs = [] if self._homecoming is None else self._homecoming.needs_of([job])
        nodes = [node for node in job.nodes if is_own_node(node) or not only_own]
        self._ask(nodes, lambda node: self._hand_over(job, node, sent), needs).raise_failures()

    def _hand_over(self, job: Job, node: str, sent: Callable[[int, int], None]) -> None:
        client = self.of(node)
        if isinstance(client, BoxController) and self._homecoming is not None:
            self._homecoming.hand_over(client, job, sent)
        else:
            client.take_up(job.name)

    def _hand_over_again(self, client: NodeClient, only: set[str] | None) -> bool:
        """Whether there were jobs that a box did not know, which it does now."""
        if not isinstance(client, BoxController) or self._homecoming is None:
            return False
        return self._homecoming.hand_over_again(client, only)

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

        names = {run.job for run in runs} | {job.name for job in jobs}

        def cancel_on(node: str) -> None:
            client = self.of(node)
            only = None if node in nodes else names

            def cancel() -> None:
                client.cancel(
                    runs=[(run.workspace, run.name) for run in runs if run.node == node],
                    jobs=[job.name for job in jobs if node in job.nodes],
                    everything=node in nodes,
                    grace=grace,
                )
                self._bring_stats(node)

            try:
                cancel()
            except UnknownNameError:
                if not self._hand_over_again(client, only):
                    raise
                cancel()
                return
            if self._hand_over_again(client, only):
                cancel()  # else it would begin later what it had not known of

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

        def restart_on(node: str) -> list[str]:
            restarted = self.of(node).restart(job.name, delay)
            self._bring_stats(node)
            return restarted

        answers = self._ask(nodes, restart_on)
        answers.forgive_unknown_names()
        answers.raise_failures()
        return [name for names in answers.results.values() for name in names]

    def restart_runs(self, runs: Sequence[Run], delay: float) -> list[str]:
        """The service restart of those of the runs that live; their names. Raises
        UnavailableError, which names the nodes that could not be reached."""
        jobs: dict[str, dict[str, list[str]]] = {}
        for run in runs:
            jobs.setdefault(run.node, {}).setdefault(run.job, []).append(run.name)

        def restart_on(node: str) -> list[str]:
            client = self.of(node)
            restarted = [
                name
                for job, names in jobs[node].items()
                for name in client.restart(job, delay, names)
            ]
            self._bring_stats(node)
            return restarted

        answers = self._ask(jobs, restart_on)
        answers.raise_failures()
        return [name for names in answers.results.values() for name in names]

    def changes(self, needed: Iterable[str] = (), told: Told = nobody) -> Changes:
        """A stream of the changes of all nodes, which ends at once unless those `needed` of this
        machine run; `told` of boxes that are lost, of needed controllers that hang, and of either
        when it is there again."""

        def watch(box: str, ring: Callable[[], None]) -> BoxWatch:
            assert self._boxes is not None
            assert self._homecoming is not None
            return BoxWatch(self._boxes.of(box), self._homecoming, ring, told)

        if self._homecoming is None:
            return Changes(self.running, self.of, needed, told=told)
        return Changes(self.running, self.of, needed, self._homecoming.working, watch, told)
