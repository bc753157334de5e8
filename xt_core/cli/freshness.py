"""What is shown of runs on boxes is what those have done by now, if they answer."""

from xt_core.cli.talk import note
from xt_core.session import Session

PATIENCE_SECONDS = 6.0
OWN_PATIENCE_SECONDS = 5.0
"""With a controller of this machine: one that does not answer by then is shown as such."""


def refresh(session: Session, *, working: bool = False) -> None:
    """Have what nodes on boxes did come home before it is shown, once in a session; a note for each
    box that does not answer in time. With `working` also those have their controllers started again
    that report elsewhere."""
    if session.is_fresh or not session.boxes.records.names():
        return
    session.is_fresh = True
    tell_missing(session)
    homecoming = session.homecoming
    names = homecoming.working() if working else homecoming.due()
    for name, error in homecoming.refresh(names, PATIENCE_SECONDS).items():
        tell_absent(session, name, error.message)


def tell_missing(session: Session) -> None:
    """Note which boxes are configured no more that have what is not here yet."""
    for name in session.boxes.missing():
        error = session.boxes.missing_error(name)
        note(f"{error.message}; {error.hint}")


def tell_absent(session: Session, name: str, reason: str) -> None:
    """Note that a box has not told what it did."""
    from xt_core.query.fields import Kind
    from xt_core.query.formats import format_value

    heard = session.boxes.records.get(name).heard
    since = "" if heard is None else f" since {format_value(heard, Kind.TIME)}"
    note(f"{name}: what it did{since} is not shown: {reason}")
