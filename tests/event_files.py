"""Event files of TensorBoard, read back: every checksum is checked, and no byte is left over."""

import struct
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData
from tensorboardX.record_writer import masked_crc32c

from xt_core.tensorboard.runlog import EVENT_FILE

Point = tuple[float, int, float | str]
"""Wall time, step, value."""


def events_of(folder: Path) -> list[Any]:
    """The events of a run's log folder."""
    return parsed((folder / EVENT_FILE).read_bytes())


def parsed(data: bytes) -> list[Any]:
    """The events in the bytes of an event file."""
    events, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        (check,) = struct.unpack_from("<I", data, at + 8)
        assert check == masked_crc32c(data[at : at + 8])
        body = data[at + 12 : at + 12 + length]
        (check,) = struct.unpack_from("<I", data, at + 12 + length)
        assert check == masked_crc32c(body)
        events.append(Event.FromString(body))
        at += 16 + length
    assert at == len(data)
    return events


def points_of(events: list[Any]) -> dict[str, list[Point]]:
    """The points of each tag; hyperparameters left out."""
    points: dict[str, list[Point]] = {}
    for event in events:
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            if kind == "simple_value":
                content: float | str = value.simple_value
            elif kind == "tensor":
                assert value.metadata.plugin_data.plugin_name == "text"
                content = value.tensor.string_val[0].decode()
            else:
                continue
            points.setdefault(value.tag, []).append((event.wall_time, event.step, content))
    return points


def sessions_of(events: list[Any]) -> list[Any]:
    """What is told to the HParams plugin, in order."""
    found = []
    for event in events:
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "hparams":
                data = HParamsPluginData.FromString(value.metadata.plugin_data.content)
                assert value.tag == f"_hparams_/{data.WhichOneof('data')}"
                found.append(getattr(data, data.WhichOneof("data")))
    return found


def hparams_of(session: Any) -> dict[str, Any]:
    """The hyperparameters of a session's start."""
    return {
        name: getattr(value, value.WhichOneof("kind")) for name, value in session.hparams.items()
    }
