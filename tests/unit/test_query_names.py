"""Run lists: what each pattern matches, and what is refused."""

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Run
from xt_core.model.states import RunStatus
from xt_core.query.names import parse_run_list, read_names


def run(name: str, workspace: str = "ws1", job: str = "job1") -> Run:
    return Run(workspace, name, job, "exper1", "node0", RunStatus.RUNNING, 0.0)


RUNS = [
    *(run(f"run{number}", job=f"job{number}") for number in (1, 3, 9, 10, 30, 35, 302, 3020)),
    *(run(f"run35.{child}", job="job35") for child in (1, 2, 6, 10)),
    *(run(f"run3020.{child}", job="job3020") for child in (1, 2)),
    run("run302.1", job="job302"),
    run("run35", "ws2", "job400"),
    run("run35.2", "ws2", "job400"),
]


def matched(text: str, workspace: str = "ws1") -> list[str]:
    patterns = parse_run_list([text])
    return [
        each.name
        for each in RUNS
        if each.workspace == workspace and any(pattern.matches(each) for pattern in patterns)
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("run3", ["run3"]),
        ("run35", ["run35"]),
        ("run35.2", ["run35.2"]),
        ("run3-run10", ["run3", "run9", "run10"]),
        ("run35.2-run35.6", ["run35.2", "run35.6"]),
        ("run35.*", ["run35.1", "run35.2", "run35.6", "run35.10"]),
        ("run302.*", ["run302.1"]),
        ("run35.1?", ["run35.10"]),
        ("run35.1*", ["run35.1", "run35.10"]),
        ("run3?", ["run30", "run35"]),
        ("run30*", ["run30", "run302", "run3020"]),
        ("run30*.1", ["run3020.1", "run302.1"]),
        ("*.10", ["run35.10"]),
        ("job35", ["run35", "run35.1", "run35.2", "run35.6", "run35.10"]),
        ("job3-job10", ["run3", "run9", "run10"]),
        ("job30?", ["run302", "run302.1"]),
        (" run1 , run9 ", ["run1", "run9"]),
        ("run99", []),
    ],
)
def test_a_pattern_matches_exactly_what_it_says(text: str, names: list[str]) -> None:
    assert matched(text) == names


@pytest.mark.parametrize("text", ["*", "run*"])
def test_a_star_without_a_dot_matches_every_top_level_run_and_no_child(text: str) -> None:
    assert matched(text) == [each.name for each in RUNS[:8]]


def test_a_workspace_prefix_confines_a_pattern_and_none_leaves_it_open() -> None:
    assert matched("ws2/run35") == []
    assert matched("ws2/run35", "ws2") == ["run35"]
    assert matched("ws2/run35.*", "ws2") == ["run35.2"]
    assert matched("ws1/job400", "ws2") == []
    assert matched("run35.2", "ws2") == ["run35.2"]


def test_only_a_whole_run_name_is_single_and_only_a_whole_job_name_a_single_job() -> None:
    patterns = parse_run_list(["run3,ws1/run35.2,run3-run5,run35.*,job12", "job1?,job3-job5"])
    assert [pattern.single for pattern in patterns] == [True, True] + [False] * 5
    assert [pattern.single_job for pattern in patterns] == [False] * 4 + [True, False, False]
    assert [pattern.name for pattern in patterns[:2]] == ["run3", "run35.2"]
    assert patterns[1].text == "ws1/run35.2"


@pytest.mark.parametrize(
    "text",
    [
        "35", "runs", "run", "run-3", "run3-", "run3-5", "run3-job5", "run3-run5.2", "run03",
        "run35.0", "run35.1.2", "run35.1-run36.4", "run3*-run5", "run[13]", "x*", "job", "-",
        "job12.1", "run3.", "Run3", "run٣", "run3 run4", "/run3", "a/b/run3", "ws1/", "job*.1",
        "run9999999999999999999999",
    ],
)  # fmt: skip
def test_a_malformed_item_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_run_list([f"run1,{text}"])
    assert repr(text) in caught.value.message
    assert caught.value.hint


def test_a_backward_range_is_refused() -> None:
    with pytest.raises(UsageError, match="'run9-run7' runs backwards"):
        parse_run_list(["run9-run7"])


@pytest.mark.parametrize("texts", [[], [""], ["run1,"], ["run1,,run2"], [" "]])
def test_an_empty_list_or_item_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="empty"):
        parse_run_list(texts)


def test_names_are_read_from_lines_without_the_blank_ones() -> None:
    assert read_names(["run1\n", "\n", "  ws1/run2 \r\n", "run3"]) == ["run1", "ws1/run2", "run3"]
