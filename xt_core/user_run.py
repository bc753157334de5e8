"""The logging API for user scripts: `Run` appends records to the run's journal.

Invariant: a record is one line of valid JSON, written by one ``write`` on an append-only
descriptor before the call returns. So records of threads, forked and spawned processes never
interleave, and a ``kill -9`` loses nothing that was logged. A journal that cannot be written never
stops the user's training.

Budget: at most 10 µs for ``run.log_metrics({"loss": 0.2}, step=i)``.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
import zlib
from json.encoder import encode_basestring_ascii as _quoted

TYPE_CHECKING = False  # as in typing, whose import this module does without
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import FrameType
    from typing import Any, Self

    from xt_core.model.records import Value

_MOST_CACHED_NAMES = 4096
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_append_lock = threading.RLock()  # reentrant: a signal handler may log while its thread is logging
_encoded_names: dict[str, str] = {}
_stop_requested = False
_sigterm_watch: _SigtermWatch | None = None  # from the first should_stop() of the main thread


def _make_fit_in_child() -> None:
    """A thread of the parent may have held the lock at the fork; it is not here to release it.

    And a forked worker ends on SIGTERM unless it asks itself: a pool's terminate() counts on that.
    """
    global _append_lock, _sigterm_watch
    _append_lock = threading.RLock()
    if _sigterm_watch is not None:
        _sigterm_watch.withdraw()
        _sigterm_watch = None


os.register_at_fork(after_in_child=_make_fit_in_child)


class Run:
    """The run that this process is part of; outside XT, a journal in the working directory.

    Records go to the file that ``XT_JOURNAL`` names, else to ``xt_journal.jsonl`` in the directory
    that was current when the object was made. The file is created by the first record.

    Values are bool, int, float (NaN and infinities too), str, None, or a scalar of numpy, torch
    and the like, which has ``item()``. Names are non-empty strings. Anything else raises TypeError
    at the call and logs nothing. Where the journal cannot be written, the record is counted in
    `dropped` and one warning goes to standard error.

    An object may be shared by threads, used after a fork, and pickled to other processes.
    """

    def __init__(self) -> None:
        self._descriptor = -1  # until the first record
        env = os.environ
        self._journal = os.path.abspath(env.get("XT_JOURNAL") or "xt_journal.jsonl")
        self._output_dir = os.path.abspath(env.get("XT_OUTPUT_DIR") or "output")
        self._torn = False  # the journal's last line is ours and unfinished
        self._warned = False
        self._dropped = 0
        self._draws = 0
        self._seed = zlib.crc32(os.fsencode(env.get("XT_JOB_SEED") or env.get("XT_JOB_ID", "")))
        self.name = env.get("XT_RUN_NAME", "")
        """Such as ``run35.2``; empty outside XT."""
        self.workspace = env.get("XT_WORKSPACE_NAME", "")
        """The run's workspace; empty outside XT."""
        self.job = env.get("XT_JOB_ID", "")
        """Such as ``job12``; empty outside XT."""
        self.run_index = int(env.get("XT_RUN_INDEX") or 0)
        """The run's place in its job, from 0."""
        self.restarts = int(env.get("XT_RESTARTS") or 0)
        """How often this run was started again."""
        self.is_managed = env.get("XT_CONTROLLER") == "1"
        """Whether an XT controller started this process."""

    @property
    def output_dir(self) -> Path:
        """The folder for the run's files, created here; it keeps them over a restart.

        ``XT_OUTPUT_DIR``, else ``output`` in the working directory. Raises OSError where it cannot
        be created.
        """
        from pathlib import Path

        os.makedirs(self._output_dir, exist_ok=True)
        return Path(self._output_dir)

    @property
    def dropped(self) -> int:
        """How many of this object's records could not be written."""
        return self._dropped

    def log_metrics(self, values: Mapping[str, object], step: float | None = None) -> None:
        """Log the values that metrics have now, or at a step (an epoch, a batch, …).

        Raises TypeError for a name, value or step that cannot be logged.
        """
        names = _encoded_names
        members = []
        for name, value in values.items():
            member = names.get(name) or _encode_name("metric", name)
            if type(value) is float and value - value == 0.0:  # finite: the case to be fast for
                members.append(member + repr(value))
            else:
                members.append(member + _encode_value("metric", name, value))
        text = str(step) if type(step) is int else _encode_step(step)
        self._append(
            f'{{"type": "metrics", "time": {time.time():.3f}, "step": {text}, '
            f'"values": {{{", ".join(members)}}}}}\n'
        )

    def log_hparams(self, values: Mapping[str, object]) -> None:
        """Log hyperparameters. Raises TypeError for a name or value that cannot be logged."""
        self._append_values("hparams", _encode_members("hyperparameter", values))

    def log_event(self, name: str, data: Mapping[str, object] | None = None) -> None:
        """Log that something happened. Raises TypeError for what cannot be logged."""
        if not isinstance(name, str) or not name:
            raise TypeError(f"an event's name must be a non-empty str, not {name!r}")
        members = _encode_members("event data", {} if data is None else data)
        self._append(
            f'{{"type": "event", "time": {time.time():.3f}, "event": {_quoted(name)}, '
            f'"data": {members}}}\n'
        )

    def tag(self, *names: str, **values: object) -> None:
        """Tag the run, as in ``tag("best")`` (which stands for True) or ``tag(note="x")``.

        Raises TypeError for a name or value that cannot be logged.
        """
        tags: dict[str, object] = dict.fromkeys(names, True)
        self._append_values("tags", _encode_members("tag", tags | values))

    def next_hparams(self, space: Mapping[str, object]) -> dict[str, Value]:
        """Draw a value for each parameter of a space, and log them as hyperparameters.

        A list holds choices, ``"$loguniform(-9, -2)"`` is a distribution, any other scalar a
        constant; a parameter ``{"values": [0.8, 0.9], "when": {"optimizer": "sgd"}}`` is absent
        where it is not active. A draw depends only on the job's seed (else the job's name), the
        run's index, how many draws this object made before, and the parameter's name: a restarted
        run draws the same again. Raises UsageError for a space that cannot be read.
        """
        from xt_core.search.space import Space
        from xt_core.search.static import uniform

        distributions = Space.from_object(space)
        with _append_lock:
            draw = self._draws
            self._draws += 1
        values = distributions.draw(
            lambda name, distribution: distribution.sample(
                uniform(self._seed, self.run_index, f"draw {draw}: {name}")
            )
        )
        self.log_hparams(values)
        return values

    def should_stop(self) -> bool:
        """Whether the process was asked to end, by SIGTERM; the script then ends by itself.

        XT sends SIGTERM to stop a run (early stopping, a cancel, a time limit) and SIGKILL when the
        grace period is over. The first call from the main thread makes SIGTERM set a flag from then
        on instead of ending the process, and call the script's own handler if there is one; a
        handler that the script installs later takes its place. Without a call, SIGTERM does what
        it always did. Calls from other threads read the flag only.

        A forked process takes over the flag and has SIGTERM as it was before the first call, until
        it calls this itself; a spawned one knows nothing of either.
        """
        global _sigterm_watch
        if _sigterm_watch is None and threading.current_thread() is threading.main_thread():
            _sigterm_watch = _SigtermWatch()
        return _stop_requested

    def close(self) -> None:
        """Release the journal's descriptor; a later record would open it again."""
        with _append_lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self, _close: Callable[[int], None] = os.close) -> None:
        if self._descriptor >= 0:
            _close(self._descriptor)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_descriptor": -1, "_torn": False, "_dropped": 0}

    def _append_values(self, kind: str, members: str) -> None:
        now = time.time()
        self._append(f'{{"type": "{kind}", "time": {now:.3f}, "values": {members}}}\n')

    def _append(self, line: str) -> None:
        """Write one line at once, or count it as dropped. (``os.write`` itself retries EINTR.)"""
        record = line.encode("ascii")
        written = 0
        if not self._torn:
            try:
                written = os.write(self._descriptor, record)
                if written == len(record):
                    return
            except OSError:
                written = 0
        self._append_with_care(record, written)

    def _append_with_care(self, record: bytes, written: int) -> None:
        """Write a record whose first `written` bytes are in the journal: the first one, or trouble.

        A full disk takes a part of a record. Another process may have written behind that part,
        so it stays, as a line that is not JSON, and the record is written again on the next line.
        """
        with _append_lock:
            self._torn = self._torn or written > 0
            if written == len(record) - 1:
                record = b""  # only its newline is missing
            for _ in range(2):
                try:
                    if self._descriptor < 0:
                        self._descriptor = os.open(self._journal, _FLAGS, 0o666)
                    line = b"\n" + record if self._torn else record
                    written = os.write(self._descriptor, line)
                    self._torn = written < len(line)
                    if not self._torn:
                        return
                    failure = errno.ENOSPC
                except OSError as error:
                    failure = error.errno or errno.EIO
                    if failure in (errno.EBADF, errno.ESTALE):
                        self._descriptor = -1  # closed behind our back, or its server restarted
            self._dropped += bool(record)
            self._warn_once(failure)

    def _warn_once(self, failure: int) -> None:
        if self._warned:
            return
        self._warned = True
        try:
            sys.stderr.write(
                f"xt: warning: cannot write to {self._journal}: {os.strerror(failure)}; "
                "records are dropped until it can be written again\n"
            )
        except Exception:  # standard error may be closed, or on the same full disk
            return


class _SigtermWatch:
    """SIGTERM sets the flag, then the script's own handler is called if it had one."""

    def __init__(self) -> None:
        import signal

        self._previous: Any = signal.getsignal(signal.SIGTERM)
        if self._previous is not None:  # None: a handler in C, which could not be called
            signal.signal(signal.SIGTERM, self._note)

    def withdraw(self) -> None:
        """Put the previous handler back, unless the script has installed another since."""
        import signal

        if signal.getsignal(signal.SIGTERM) == self._note:
            signal.signal(signal.SIGTERM, self._previous)

    def _note(self, number: int, frame: FrameType | None) -> None:
        global _stop_requested
        _stop_requested = True
        if callable(self._previous):
            self._previous(number, frame)


def _encode_members(kind: str, values: Mapping[str, object]) -> str:
    members = (
        (_encoded_names.get(name) or _encode_name(kind, name)) + _encode_value(kind, name, value)
        for name, value in values.items()
    )
    return f"{{{', '.join(members)}}}"


def _encode_name(kind: str, name: object) -> str:
    """``"name": `` as JSON text, remembered: scripts log the same few names over and over."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"the name of a {kind} must be a non-empty str, not {name!r}")
    if len(_encoded_names) >= _MOST_CACHED_NAMES:
        _encoded_names.clear()
    text = _encoded_names[name] = f"{_quoted(name)}: "
    return text


def _encode_value(kind: str, name: str, value: object) -> str:
    text = _encode(value)
    if text is None:
        raise TypeError(
            f"{kind} {name!r} is a {type(value).__name__}, "
            "not a bool, int, float, str, None or one-element array"
        )
    return text


def _encode_step(step: object) -> str:
    text = None if isinstance(step, str) else _encode(step)
    if text is None or text[0] in '"{tf':  # text, an infinity or NaN, a truth value
        raise TypeError(f"step must be a finite number or None, not {step!r}")
    return text


def _encode(value: object) -> str | None:
    """A scalar, or what ``item()`` makes one, as JSON text; None for anything else."""
    text = _encode_scalar(value)
    if text is None:
        try:
            text = _encode_scalar(value.item())  # type: ignore[attr-defined]
        except Exception:  # no item(), or more than one element: whatever the library raises
            return None
    return text


def _encode_scalar(value: object) -> str | None:
    """JSON text, or None for what is no plain scalar. Subclasses (enums, numpy) count as base."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value - value == 0.0:
            return float.__repr__(value)
        special = "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
        return f'{{"$float": "{special}"}}'
    return _quoted(value) if isinstance(value, str) else None
