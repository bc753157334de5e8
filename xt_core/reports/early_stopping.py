"""Which early stopping a job has, as the user asks for it."""

from xt_core.errors import XTError
from xt_core.model.records import Job
from xt_core.model.states import SearchStyle
from xt_core.session import Session


def early_stopping_of(session: Session, job: Job) -> str:
    """``median,min-runs=2``, as `--early-stopping` takes it; "" if it has none, or its MRC, which
    alone tells, cannot be read."""
    if job.style == SearchStyle.SINGLE:
        return ""
    from xt_core.search.stopping import stopping_option
    from xt_core.submit.again import read_mrc

    try:
        return stopping_option(read_mrc(session, job).stopping)
    except XTError:
        return ""
