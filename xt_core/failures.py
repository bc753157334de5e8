"""Why a run failed: the signal that ended it, and the first error in its output; why it was stopped
early."""

import re
import signal

from xt_core.console import stored_console
from xt_core.errors import UnavailableError
from xt_core.model.records import Run
from xt_core.model.states import RunStatus
from xt_core.query.formats import byte_text
from xt_core.session import Session
from xt_core.tracebacks import first_error

_TAIL_BYTES = 1 << 18
_MOST_CHARACTERS = 300
_SIGNALLED = 128
"""What a shell adds to the signal that ended its command, to have an exit code."""
_KILLED = re.compile(r"(?:parent script: )?killed by signal (\d+)")
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_REASONS = {
    signal.SIGKILL: "often the system's, when memory is full (dmesg tells)",
    signal.SIGSEGV: "compiled code went to memory that is not its own",
    signal.SIGBUS: "often for want of room in /dev/shm, which data loaders share",
    signal.SIGABRT: "compiled code gave up; its last lines say why",
    signal.SIGFPE: "compiled code divided by zero",
    signal.SIGILL: "compiled for another kind of processor",
    signal.SIGTERM: "it was asked to end, not by XT",
}


def failure_facts(session: Session, run: Run) -> dict[str, str]:
    """What is known of why a run failed, by name: `signal`, `first_error`; of one that was stopped
    early `early_stop`; else nothing. Only what is stored of its output is looked at: no node is
    asked."""
    if run.stopped_early:
        return {"early_stop": _early_stop(session, run)}
    if run.status is not RunStatus.ERROR:
        return {}
    facts = {"signal": _signal_text(session, run), "first_error": _first_error(session, run)}
    return {name: text for name, text in facts.items() if text}


def _early_stop(session: Session, run: Run) -> str:
    """Why, as the policy told it."""
    events = session.store.events(run.workspace, run.name)
    told = [event.data.get("reason") for event in events if event.event == "stopping_early"]
    return str(told[-1]) if told and told[-1] else "early stopping ended it"


def _signal_text(session: Session, run: Run) -> str:
    """The signal by its name, and what it usually means."""
    number = signal_of(run)
    if number is None:
        return ""
    reason = _REASONS.get(number, "")
    if number == signal.SIGKILL and (peak := _peak_memory(session, run)):
        reason += f"; it used {byte_text(peak)} at most"
    return ": ".join(filter(None, (number.name, reason)))


def signal_of(run: Run) -> signal.Signals | None:
    """The signal that ended a run's process, or its shell's command."""
    killed = _KILLED.fullmatch(run.error)
    number = int(killed[1]) if killed else (run.exit_code or 0) - _SIGNALLED
    try:
        return signal.Signals(number)
    except ValueError:
        return None


def _peak_memory(session: Session, run: Run) -> int:
    """Bytes of its largest process; 0 where that is not known."""
    events = session.store.events(run.workspace, run.name)
    ends = [event.data for event in events if event.event == "ended"]
    return int(ends[-1].get("peak_memory_bytes") or 0) if ends else 0


def _first_error(session: Session, run: Run) -> str:
    """The first error in the last part of what is stored of a run's output, if that is there."""
    try:
        size = next((offset for offset, _ in stored_console(session, run, "end")), 0)
        start = max(0, size - _TAIL_BYTES)
        data = b"".join(data for _, data in stored_console(session, run, f"@{start}"))
    except UnavailableError:
        return ""
    text = _SEQUENCE.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
    return first_error(text)[:_MOST_CHARACTERS]
