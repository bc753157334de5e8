"""Plain-text tables, delimited text, and groups."""

import csv

import pytest

from xt_core.model.records import Run, Value
from xt_core.model.states import RunStatus
from xt_core.query.columns import Column
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.table import (
    display_width,
    group_rows,
    printable,
    render_table,
    to_csv,
    truncate,
)


def test_text_is_aligned_left_and_numbers_right_without_trailing_spaces() -> None:
    rows = [["run1", "0.5", "done"], ["run10", "12.25", ""]]
    assert render_table(["run", "loss", "status"], rows, ["left", "right", "left"], 30) == [
        "run     loss  status",
        "-----  -----  ------",
        "run1     0.5  done",
        "run10  12.25",
    ]


def test_a_table_without_rows_is_its_headers() -> None:
    assert render_table(["run", "status"], [], ["left", "left"], 30) == [
        "run  status",
        "---  ------",
    ]


def test_long_cells_end_in_an_ellipsis() -> None:
    assert render_table(["note"], [["abcdefghij"], ["abcde"]], ["left"], 5) == [
        "note",
        "-----",
        "abcd…",
        "abcde",
    ]


def test_wide_and_combining_characters_keep_columns_straight() -> None:
    rows = [["学習率", "1"], ["cafe\u0301", "2"], ["ab", "3"]]
    assert render_table(["a", "b"], rows, ["left", "right"], 30) == [
        "a       b",
        "------  -",
        "学習率  1",
        "cafe\u0301    2",
        "ab      3",
    ]


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("学", 2),
        ("e\u0301", 1),
        ("\uff21", 2),
        ("😀", 2),
        ("한", 2),
        ("a\u200db", 2),
        ("é", 1),
    ],
)
def test_the_width_of_a_text_is_in_terminal_cells(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize(
    ("text", "width", "kept"),
    [
        ("学習率", 6, "学習率"),
        ("学習率", 5, "学習…"),
        ("学習率", 4, "学…"),
        ("e\u0301xyz", 3, "e\u0301x…"),
        ("abc", 1, "…"),
    ],
)
def test_truncation_never_exceeds_the_width(text: str, width: int, kept: str) -> None:
    assert truncate(text, width) == kept
    assert display_width(kept) <= width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b1m\x00\x7f", r"\x9b1m\x00\x7f"),
        ("\u202eevil", r"\u202eevil"),
        ("\u2028", r"\u2028"),
        ("\udcff", r"\udcff"),
        ("né 学", "né 学"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert render_table(["a\nb"], [[text]], ["left"], 40)[2] == shown
    assert render_table(["a\nb"], [[text]], ["left"], 40)[0] == r"a\nb"


def test_text_columns_give_way_to_a_narrow_terminal_and_numbers_do_not() -> None:
    rows = [["a" * 20, "1234567890", "b" * 12]]
    assert render_table(["left", "number", "other"], rows, ["left", "right", "left"], 30, 36) == [
        "left             number  other",
        "-----------  ----------  -----------",
        "aaaaaaaaaa…  1234567890  bbbbbbbbbb…",
    ]
    alignments = ["left", "right", "left"]
    assert render_table(["a", "b", "c"], rows, alignments, 30, 36, whole=[2])[2] == (
        "aaaaaaaaa…  1234567890  bbbbbbbbbbbb"
    )


def test_columns_that_cannot_fit_are_left_out_and_marked() -> None:
    rows = [["run1", "11111111", "22222222", "33333333"]]
    headers, right = ["run", "a", "b", "c"], ["left", "right", "right", "right"]
    assert render_table(headers, rows, right, 30, 28) == [
        "run          a         b  …",
        "----  --------  --------",
        "run1  11111111  22222222",
    ]
    assert render_table(headers, rows, right, 30, 34)[2] == "run1  11111111  22222222  33333333"
    assert render_table(headers, rows, right, 30, 3)[2] == "run1"


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_delimited_text_reads_back_as_it_was(delimiter: str) -> None:
    rows: list[list[object]] = [["run1", 0.1, 'say "a,b"'], ["run2", None, "two\nlines\tand a tab"]]
    text = to_csv(["run", "loss", "note"], rows, delimiter)
    assert list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter)) == [
        ["run", "loss", "note"],
        ["run1", "0.1", 'say "a,b"'],
        ["run2", "", "two\nlines\tand a tab"],
    ]


def test_rows_group_by_what_a_column_shows_in_order_of_appearance() -> None:
    def run(name: str, status: RunStatus) -> Run:
        return Run("ws1", name, "job1", "exper1", "node0", status, 0.0)

    runs = [run("run3", RunStatus.ERROR), run("run1", RunStatus.LOST), run("run2", RunStatus.ERROR)]
    groups = group_rows(runs, Column(RUN_FIELDS.find("status"), "status"), 0.0)
    assert {label: [each.name for each in members] for label, members in groups.items()} == {
        "error": ["run3", "run2"],
        "lost": ["run1"],
    }
    assert list(groups) == ["error", "lost"]


def test_numbers_that_only_look_alike_are_groups_of_their_own() -> None:
    def run(number: int, lr: Value) -> Run:
        return Run("ws1", f"run{number}", "job1", "e", "node0", RunStatus.COMPLETED, 0.0,
                   hparams={"lr": lr})  # fmt: skip

    values: list[Value] = [0.10001, 0.1000149, 0.3, 0.1 + 0.2, 2, 2.0, True, "0.3"]
    runs = [run(number, value) for number, value in enumerate(values)]
    lr = Column(RUN_FIELDS.find("hparams.lr"), "lr")
    assert {text: len(group) for text, group in group_rows(runs, lr, 0.0).items()} == {
        "0.10001": 1, "0.1000149": 1, "0.3": 3, "2": 2, "true": 1,
    }  # fmt: skip
    rounded = Column(RUN_FIELDS.find("hparams.lr"), "lr", ".1f")
    assert list(group_rows(runs, rounded, 0.0))[:3] == ["0.1", "0.3", "2.0"]
