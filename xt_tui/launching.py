"""The engine's side of the launch form: what its fields say becomes a request, a plan, and a job.

Its methods read and write stores: they are called in threads.
"""

from collections.abc import Callable
from dataclasses import replace
from random import SystemRandom

from xt_core.errors import XTError
from xt_core.reports.plans import plan_lines
from xt_core.session import Session
from xt_core.submit.options import RunRequest, request_from_texts
from xt_core.submit.parameters import with_parameters
from xt_core.submit.preparation import prepare
from xt_core.submit.presets import Preset
from xt_core.submit.recent import recent_commands
from xt_core.submit.submission import Submission, submit

_MOST_ROWS = 8
_SEED = "hyperparameter-search.seed"


class Launching:
    """One form's launches. What is launched has the sets of the preview, also without a seed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seed = SystemRandom().randrange(2**31)
        """Where the user gives none."""

    def planned(self, content: Preset) -> tuple[RunRequest, list[str]]:
        """The request that a form's content means, and what would be run, in lines. Raises
        XTError."""
        request = request_from_texts(content.command, content.options)
        session = self._for(request)
        try:
            prefix = session.config.optional_string("hyperparameter-search.option-prefix")
            command = with_parameters(request.command, content.parameters, prefix)
            request = replace(request, command=command)
            return request, plan_lines(prepare(session, request).plan, _MOST_ROWS)
        finally:
            session.close()

    def launch(self, request: RunRequest, warn: Callable[[str], None]) -> Submission:
        """Submit a request. Raises XTError."""
        session = self._for(request)
        try:
            return submit(session, prepare(session, request), warn)
        finally:
            session.close()

    def recent_commands(self) -> list[str]:
        """What was launched lately, the newest first; nothing where that cannot be read: the form
        serves without."""
        session = self._session.beside()
        try:
            return recent_commands(session.store.jobs(workspace=session.workspace))
        except XTError:
            return []
        finally:
            session.close()

    def _for(self, request: RunRequest) -> Session:
        config, overrides = self._session.config, request.overrides()
        if config.optional_integer(_SEED) is None:
            overrides.setdefault(_SEED, self._seed)
        return self._session.beside(overrides)
