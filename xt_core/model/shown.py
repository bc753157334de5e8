"""States as users read them: of some runs and jobs more is known than their states tell."""

from xt_core.model.records import Run

CANCELLING = "cancelling"
"""Shown of runs and jobs that were cancelled and have not ended yet; no state of theirs."""
EARLY_STOP = "early stop"
"""Shown of runs that completed since early stopping ended them; no longer than the states are."""


def outcome(run: Run) -> str:
    """The run's state; of those that completed, which were stopped because they were hopeless."""
    return EARLY_STOP if run.stopped_early else str(run.status)


def shown_state(run: Run) -> str:
    """The run's outcome, or that it is being cancelled."""
    return CANCELLING if run.is_cancelling else outcome(run)
