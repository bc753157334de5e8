"""What a job needs on this node before its work begins: its MRC and its code.

So it can go on, and a later controller take it up, while the team's services are away.
"""

import contextlib

from controller.node import NodeServices
from xt_core.errors import UnknownNameError, XTError
from xt_core.model.records import Job
from xt_core.submit.mrc import MultiRunConfig, mrc_key


class JobInputs:
    """Keeps copies of what is in the team's artifact store. All of it is called in threads."""

    def __init__(self, node: NodeServices) -> None:
        self._node = node

    def mrc(self, job: Job) -> MultiRunConfig:
        """What was submitted. Raises XTError."""
        path = self._node.artifacts.local_path(mrc_key(job.workspace, job.name))
        assert path is not None
        return MultiRunConfig.from_json(path.read_bytes())

    def keep(self, job: Job) -> None:
        """Bring what the job needs to this node. Raises XTError."""
        team = self._node.team
        if team is not None:
            team.keep(mrc_key(job.workspace, job.name))
            with contextlib.suppress(UnknownNameError):  # it is read again, and missed there
                team.keep(*self._code_of(job))

    def are_kept(self, job: Job) -> bool:
        """Whether all of it is here."""
        team = self._node.team
        if team is None:
            return True
        return team.has_kept(mrc_key(job.workspace, job.name)) and team.has_kept(
            *self._code_of(job)
        )

    def release(self, job: Job) -> None:
        """The copies are not needed any more; an extension fetches them again."""
        team = self._node.team
        if team is not None and team.outbox is not None:
            with contextlib.suppress(XTError):
                team.outbox.release(f"{job.workspace}/jobs/{job.name}")

    def _code_of(self, job: Job) -> list[str]:
        code = self.mrc(job).nodes[self._node.name].code
        return [] if code is None else [code]
