"""Start positions of a console."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from xt_core.nodes.positions import is_start, of_descriptor, start_offset


@pytest.fixture
def console(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "output.txt"
    path.write_bytes(b"one\ntwo\nthree\n")
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(
    ("start", "offset"),
    [
        ("start", 0),
        ("end", 14),
        ("-0", 14),
        ("-1", 8),
        ("-2", 4),
        ("-3", 0),
        ("-99", 0),
        ("@0", 0),
        ("@5", 5),
        ("@99", 99),
    ],
)
def test_a_position_is_a_byte_of_the_file(console: int, start: str, offset: int) -> None:
    assert start_offset(of_descriptor(console), 14, start) == offset


def test_a_last_line_without_a_newline_counts_as_a_line(console: int) -> None:
    assert start_offset(of_descriptor(console), 13, "-1") == 8


def test_the_last_lines_of_a_large_file_are_found_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * 700_000 + b"\n" + b"y" * 600_000 + b"\nz\n")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = path.stat().st_size
        assert start_offset(of_descriptor(descriptor), size, "-1") == size - 2
        assert start_offset(of_descriptor(descriptor), size, "-2") == 700_001
        assert start_offset(of_descriptor(descriptor), size, "-3") == 0
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("text", ["start", "end", "-1", "@7"])
def test_positions_are_recognised(text: str) -> None:
    assert is_start(text)


@pytest.mark.parametrize("text", ["", "-", "@", "1", "-x", "@-1", "START", "-１"])
def test_anything_else_is_no_position(text: str) -> None:
    assert not is_start(text)
