"""The engine's side of the launch form: what its fields say becomes a request, a plan, and a job.

Its methods read and write stores: they are called in threads.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import SystemRandom

from xt_core.errors import XTError
from xt_core.reports.plans import brief_command, plan_lines
from xt_core.search.objectives import parse_objectives
from xt_core.session import Session
from xt_core.stats.store import RunQuery
from xt_core.submit.again import Again, noting_origin
from xt_core.submit.doubts import refuse_open_brackets
from xt_core.submit.options import RunRequest, request_from_texts, texts_of
from xt_core.submit.parameters import with_parameters
from xt_core.submit.preparation import prepare
from xt_core.submit.presets import Preset
from xt_core.submit.recent import metrics_of_scripts, recent_commands, unlogged
from xt_core.submit.submission import Submission, submit
from xt_tui.faults import Fault, faults_of

_MOST_ROWS = 8
_MOST_RUNS = 300
"""Of the newest runs, those whose metrics are offered."""
_NO_FIELDS = ("extend",)
"""Options of submissions that the form has no fields for."""
_SEED = "hyperparameter-search.seed"


@dataclass(frozen=True)
class TakenOver:
    """What a command line of `xt run` says, as a form has it."""

    content: Preset
    options: Sequence[str]
    left_out: Sequence[str]
    """Options that the form has no fields for."""


class Launching:
    """One form's launches. What is launched has the sets of the preview, also without a seed."""

    def __init__(self, session: Session, again: Again | None = None) -> None:
        """`again` is what is launched once more."""
        self._session, self._again = session, again
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
            if prefix is not None and not request.raw_args:
                refuse_open_brackets(command)
            preparation = prepare(session, request)
            first, *others = plan_lines(preparation.plan, _MOST_ROWS, brief_command)
            remarks = [*preparation.doubts, self._unlogged(request, content.command)]
            return request, [first, *(f"⚠ {remark}" for remark in remarks if remark), *others]
        finally:
            session.close()

    def faults(self, content: Preset) -> list[Fault]:
        """What is wrong with a content, by its fields."""
        return faults_of(content, self.planned)

    def _unlogged(self, request: RunRequest, command: str) -> str:
        """What to tell of a primary metric that was given and never logged."""
        if not request.primary_metric:
            return ""
        objectives = parse_objectives(request.primary_metric, lambda _: True)
        return unlogged([each.metric for each in objectives], command, self._logged)

    def taken_over(self, words: Sequence[str]) -> TakenOver:
        """What follows `xt run`, read as that reads it. Raises XTError."""
        from xt_core.cli.run import read_command_line

        request, others = read_command_line(self._session, words)
        texts = texts_of(request)
        without = [f"--{name}" for name in _NO_FIELDS if texts.pop(name, "")]
        content = Preset(shlex.join(request.command), texts)
        return TakenOver(content, [f"--{name}" for name in texts], [*without, *others])

    def launch(self, request: RunRequest, warn: Callable[[str], None]) -> Submission:
        """Submit a request. Raises XTError."""
        session = self._for(request)
        try:
            preparation = prepare(session, request)
            if self._again is not None:
                preparation = noting_origin(preparation, self._again, session.workspace)
            return submit(session, preparation, warn)
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

    @cached_property
    def _logged(self) -> dict[str, list[str]]:
        """The metrics of the team's newest runs, by script."""
        session = self._session.beside()
        try:
            query = RunQuery(workspace=session.workspace, last=_MOST_RUNS)
            return metrics_of_scripts(reversed(session.store.find_runs(query)[0]))
        except XTError:
            return {}
        finally:
            session.close()

    def known_metrics(self) -> list[str]:
        """The metrics that were logged lately, those of the newest runs first."""
        return list(dict.fromkeys(name for names in self._logged.values() for name in names))

    def _for(self, request: RunRequest) -> Session:
        config, overrides = self._session.config, request.overrides()
        if config.optional_integer(_SEED) is None:
            overrides.setdefault(_SEED, self._seed)
        return self._session.beside(overrides)
