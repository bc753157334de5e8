"""What XT knows of a run as events of TensorBoard, and these as bytes of an event file.

The classes of the events are those of the package tensorboardX, which is an extra.
"""

import math
import struct
from collections.abc import Iterable, Iterator

from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import (
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.summary import text

from xt_core.model.records import MetricRecord, Run, Value
from xt_core.model.states import RunStatus

_LARGEST_STEP = 2**63 - 1
_STATUSES = {
    RunStatus.COMPLETED: "STATUS_SUCCESS",
    RunStatus.ERROR: "STATUS_FAILURE",
    RunStatus.LOST: "STATUS_FAILURE",
}
"""The final states as the HParams plugin has them; it does not know of cancelled runs."""


def framed(events: Iterable[Event]) -> bytes:
    """Events as records of an event file: a length, the data, and a checksum of each."""
    return b"".join(_record(event.SerializeToString()) for event in events)


def opening(time: float) -> Event:
    """What an event file begins with."""
    return Event(wall_time=time, file_version="brain.Event:2")


def session_start(run: Run, time: float) -> Event:
    """The run and its hyperparameters, for the HParams plugin; those that are null are left out.

    TensorBoard takes the first one of a log folder. No list of hyperparameters and metrics goes
    with it: without one TensorBoard makes it from all runs.
    """
    info = SessionStartInfo(group_name=_valid(run.full_name), start_time_secs=run.started or time)
    for name, value in run.hparams.items():
        entry = _valid(name)
        if isinstance(value, bool):
            info.hparams[entry].bool_value = value
        elif isinstance(value, str):
            info.hparams[entry].string_value = _valid(value)
        elif value is not None:
            info.hparams[entry].number_value = _number(value)
    return _plugin_event("session_start_info", HParamsPluginData(session_start_info=info), time)


def session_end(run: Run, time: float) -> Event:
    """How the run ended, for the HParams plugin."""
    status = Status.Value(_STATUSES.get(run.status, "STATUS_UNKNOWN"))
    info = SessionEndInfo(status=status, end_time_secs=run.ended or time)
    return _plugin_event("session_end_info", HParamsPluginData(session_end_info=info), time)


def metric_events(record: MetricRecord, steps: dict[str, float]) -> Iterator[Event]:
    """The values of a record: numbers (NaN and infinities too) and booleans as scalars, texts as
    texts; null is left out. TensorBoard keeps scalars in 32 bits, and whole steps alone: others
    are rounded down.

    `steps`, the last step of each metric, is updated: a record without a step counts on from it,
    from 0.
    """
    for name, value in record.values.items():
        step = record.step
        if step is None or not math.isfinite(step):
            step = steps[name] + 1 if name in steps else 0
        steps[name] = step
        summary = _summary(_valid(name), value)
        if summary is not None:
            whole = max(-_LARGEST_STEP, min(math.floor(step), _LARGEST_STEP))
            yield Event(wall_time=record.time, step=whole, summary=summary)


def _summary(tag: str, value: Value) -> Summary | None:
    if value is None:
        return None
    if isinstance(value, str):
        return text(tag, _valid(value))
    return Summary(value=[Summary.Value(tag=tag, simple_value=_number(value))])


def _number(value: float) -> float:
    """A number as a float; a whole one too large for that is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _plugin_event(name: str, data: HParamsPluginData, time: float) -> Event:
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    value = Summary.Value(tag=f"_hparams_/{name}", metadata=SummaryMetadata(plugin_data=plugin))
    return Event(wall_time=time, summary=Summary(value=[value]))


def _valid(content: str) -> str:
    """The text without lone surrogates, which UTF-8 has not."""
    return content.encode("utf-8", "replace").decode("utf-8")


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    checks = (struct.pack("<I", masked_crc32c(part)) for part in (length, data))
    return length + next(checks) + data + next(checks)
