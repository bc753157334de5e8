"""A search seen as a whole: curves, fronts, slices and tables, from jobs and trials alone."""

import math
import random
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from xt_core.chart import Chart, to_ansi
from xt_core.model.records import Job, Objective, Run, Value, WorkItem
from xt_core.model.states import RunStatus, WorkItemStatus
from xt_core.reports.search import (
    Outcome,
    Progress,
    Slice,
    best_so_far,
    given_sets,
    needs_log_axis,
    objectives_of,
    outcomes,
    parameter_importance,
    parameter_slices,
    pareto_front,
    running,
    search_document,
    slices_document,
)
from xt_core.reports.search_page import (
    CURVE_HEIGHT,
    Page,
    curve,
    front_table,
    importance_lines,
    search_page,
    sets_table,
)
from xt_core.reports.slices import slice_charts

LOSS = Objective("loss", maximize=False)
ACC = Objective("acc", maximize=True)


def a_job(*objectives: Objective, **fields: Any) -> Job:
    job = Job("job7", "ws1", "e", "dynamic", "local", "ada", 1e9, 30, 1, "tpe", **fields)
    job.objectives = list(objectives)
    return job


def ended(
    index: int,
    hparams: Mapping[str, Value],
    status: RunStatus = RunStatus.COMPLETED,
    **metrics: float,
) -> tuple[WorkItem, Run]:
    """A work item and its run, which was given `hparams`."""
    run = Run("ws1", f"run7.{index + 1}", "job7", "e", "node0", status, 1e9, run_index=index)
    run.hparams, run.metrics = dict(hparams), dict(metrics)
    item = WorkItem("job7", index, WorkItemStatus.STARTED, "node0", run.name)
    item.hparams = dict(hparams)
    return item, run


def names(found: list[Outcome]) -> list[str]:
    return [outcome.run.name for outcome in found]


def text(page: Page) -> list[str]:
    """The lines of a page, charts without colour, blanks at the end of lines dropped."""
    parts = (to_ansi(p, color=False) if isinstance(p, Chart) else p for p in page)
    return [line.rstrip() for part in parts for line in part.split("\n")]


def test_objectives_are_the_jobs_own_or_its_primary_metric() -> None:
    assert objectives_of(a_job(LOSS, ACC, primary_metric="loss")) == [LOSS, ACC]
    assert objectives_of(a_job(primary_metric="acc", maximize=True)) == [ACC]
    assert objectives_of(a_job()) == []


def test_the_best_so_far_follows_run_index_however_runs_ended() -> None:
    history = [
        ended(3, {"lr": 4}, loss=0.1),
        ended(0, {"lr": 1}, loss=0.5),
        ended(2, {"lr": 3}, RunStatus.ERROR, loss=0.01),
        ended(1, {"lr": 2}, loss=0.9),
        ended(4, {"lr": 5}, RunStatus.RUNNING, loss=0.02),
        ended(5, {"lr": 6}, loss=math.nan),
    ]
    found = outcomes(a_job(LOSS), history)
    expected = Progress(["run7.1", "run7.2", "run7.4"], [0, 1, 3], [0.5, 0.9, 0.1], [0.5, 0.5, 0.1])
    assert best_so_far(found, maximize=False) == expected
    assert best_so_far(found, maximize=True).best == [0.5, 0.9, 0.9]
    assert outcomes(a_job(), history) == []


def test_the_set_of_a_run_is_the_one_it_was_given() -> None:
    item, run = ended(0, {"lr": 0.1}, loss=1)
    run.hparams = {"lr": 0.2, "extra": 1}
    found = outcomes(a_job(LOSS), [(item, run)])
    assert given_sets(found) == {"ws1/run7.1": {"lr": 0.1}}


def test_the_front_holds_what_nothing_dominates() -> None:
    points = [(0.5, 0.9), (0.2, 0.4), (0.2, 0.5), (0.9, 0.9), (0.1, 0.1), (0.2, 0.5), (0.3, 0.2)]
    history = [ended(n, {"lr": n}, loss=loss, acc=acc) for n, (loss, acc) in enumerate(points)]
    history.append(ended(7, {"lr": 7}, RunStatus.ERROR, loss=0, acc=1))
    found = outcomes(a_job(LOSS, ACC), history)
    assert names(pareto_front(found, [LOSS, ACC])) == ["run7.5", "run7.3", "run7.6", "run7.1"]


def test_the_front_is_that_of_comparing_all_with_all() -> None:
    draw = random.Random(7)
    objectives = [LOSS, ACC, Objective("secs", maximize=False)]
    history = [
        ended(n, {"lr": n}, loss=draw.randrange(9), acc=draw.randrange(9), secs=draw.randrange(9))
        for n in range(200)
    ]
    found = outcomes(a_job(*objectives), history)

    def dominates(a: Outcome, b: Outcome) -> bool:
        (l1, a1, s1), (l2, a2, s2) = a.trial.values, b.trial.values
        return (l1, a1, s1) != (l2, a2, s2) and l1 <= l2 and a1 >= a2 and s1 <= s2

    expected = {b.run.name for b in found if not any(dominates(a, b) for a in found)}
    assert set(names(pareto_front(found, objectives))) == expected


def test_slices_are_of_parameters_that_vary() -> None:
    history = [
        ended(0, {"lr": 0.1, "opt": "adam", "k": 3}, loss=3),
        ended(1, {"lr": 0.2, "opt": "sgd", "k": 3, "momentum": 0.9}, loss=2),
        ended(2, {"lr": 0.3, "opt": "sgd", "k": 3, "momentum": 0.8}, loss=1),
    ]
    found = outcomes(a_job(LOSS), history)
    assert parameter_slices(found) == [
        Slice("lr", [0.1, 0.2, 0.3], [3, 2, 1]),
        Slice("opt", ["adam", "sgd", "sgd"], [3, 2, 1]),
        Slice("momentum", [0.9, 0.8], [2, 1]),
    ]
    assert slices_document(found)["momentum"] == {"value": [0.9, 0.8], "objective": [2, 1]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 100], False),
        ([1, 101], True),
        ([0, 1000], False),
        ([-1, 1000], False),
        ([1, math.inf, math.nan], False),
        ([], False),
        ([5e-324, 1e308], True),
    ],
)
def test_an_axis_is_logarithmic_over_more_than_two_decades(
    values: list[float], expected: bool
) -> None:
    assert needs_log_axis(values) is expected


def test_the_document_has_columns_and_the_front() -> None:
    history = [
        ended(0, {"lr": 0.1}, loss=2, acc=0.1),
        ended(1, {"lr": math.inf}, loss=1, acc=0.2),
    ]
    history[1][1].stopped_early = True
    job = a_job(LOSS, ACC)
    assert search_document(job, outcomes(job, history)) == {
        "best_so_far": {
            "run": ["run7.1", "run7.2"],
            "run_index": [0, 1],
            "value": [2, 1],
            "best": [2, 1],
        },
        "pareto": [
            {
                "run": "run7.2",
                "run_index": 1,
                "stopped_early": True,
                "values": {"loss": 1, "acc": 0.2},
                "set": {"lr": None},
            }
        ],
    }
    assert search_document(a_job(LOSS), [])["pareto"] == []
    assert search_document(a_job(), []) == {"best_so_far": None, "pareto": []}


def test_the_curve_is_a_staircase_over_the_values_of_all_runs() -> None:
    job = a_job(LOSS)
    history = [ended(n, {"lr": n}, loss=loss) for n, loss in enumerate([4, 5, 2, 3, 1])]
    assert text(curve(job, outcomes(job, history), 44)) == [
        "",
        "          best so far (least loss)",
        "5┤          ◆",
        " │",
        "4┤◆⠉⠉B⠉⠉⠉⠉⠉⠉⠉B⠉⠉⠉⠉⠉⠉⠉B⢹",
        " │                    ⢸          ◆",
        " │                    ⢸",
        "2┤                    ⢸◆⣀⣀⣀⣀⣀B⣀⣀⣀⣀⣀⣀⣀B⣀⣀⣀⣀⣀⣀",
        " │                                         ⢸",
        "1┤                                         ◆",
        " └┬─────────┬──────────┬─────────┬ run_index",
        "  0         1          2         3         4",
        "B best so far 1  ◆ completed",
    ]
    assert curve(job, [], 44) == curve(a_job(), outcomes(job, history), 44) == []


def test_runs_that_go_on_are_told_apart_and_named_the_best_first() -> None:
    job = a_job(LOSS)
    live = [ended(n, {"lr": n}, RunStatus.RUNNING, loss=loss) for n, loss in ((5, 3), (6, 0.5))]
    silent = ended(7, {"lr": 7}, RunStatus.RUNNING)
    found = outcomes(job, [*live, silent])
    assert [(one.run.name, value) for one, value in running(job, found)] == [
        ("run7.7", 0.5),
        ("run7.6", 3),
    ]
    alone = text(curve(job, found, 60))
    assert alone[1] == "still running, best first: run7.7 0.5, run7.6 3"
    assert (len(alone), alone[-1]) == (1 + CURVE_HEIGHT, "◇ running")
    assert "".join(alone).count("◇") == 3
    assert text(curve(job, found, 44))[1] == "still running, best first: run7.7 0.5"
    both = text(curve(job, [*outcomes(job, [ended(0, {"lr": 1}, loss=1)]), *found], 60))
    assert both[-1] == "B best so far 1  ◆ completed  ◇ running"
    assert text(curve(job, found, 60, ascii_only=True))[-1] == "? running"


def test_the_tables_show_all_of_the_given_sets() -> None:
    job = a_job(LOSS, ACC, space={"opt": "[adam, sgd]", "lr": "[$uniform(0, 1)]", "unused": "[1]"})
    history = [
        ended(0, {"lr": 0.1, "opt": "adam"}, loss=2, acc=0.1),
        ended(1, {"lr": 0.25, "opt": "sgd", "momentum": 0.9}, loss=1, acc=0.2),
        ended(2, {"lr": 0.5, "opt": "sgd"}, RunStatus.ERROR, loss=3),
    ]
    history[1][1].stopped_early = True
    runs = [run for _, run in history]
    found = outcomes(job, history)
    runs[0].hparams = {"lr": 77}
    assert sets_table(job, [runs[1], runs[0], runs[2]], given_sets(found)) == [
        "",
        "  run     status      loss  acc   opt    lr  momentum",
        "  ------  ----------  ----  ---  ----  ----  --------",
        "  run7.2  early stop     1  0.2   sgd  0.25       0.9",
        "  run7.1  completed      2  0.1  adam   0.1",
        "  run7.3  error          3        sgd   0.5",
    ]
    assert front_table(job, found) == [
        "",
        "Pareto front: 1 of 2 completed runs",
        "  run     status      loss  acc  opt    lr  momentum",
        "  ------  ----------  ----  ---  ---  ----  --------",
        "  run7.2  early stop     1  0.2  sgd  0.25       0.9",
    ]
    assert front_table(a_job(LOSS), found) == []
    narrow = search_page(job, found, runs, 40, table_width=40)
    assert all(len(line) <= 40 for line in text(narrow))


def test_importance_is_shown_as_bars_or_told_to_need_more_runs() -> None:
    assert importance_lines({"lr": 0.75, "width": 0.25}, 20, ascii_only=True) == [
        "",
        "importance of the parameters",
        "  lr     ######################........ 0.75",
        "  width  ########...................... 0.25",
    ]
    assert importance_lines(None, 9) == [
        "",
        "importance of the parameters: it takes 10 completed runs, there are 9",
    ]
    assert importance_lines({}, 10) == [
        "",
        "importance of the parameters: none has more than one value",
    ]


def test_importance_takes_ten_completed_runs() -> None:
    job = a_job(LOSS)
    history = [ended(n, {"lr": n, "k": n % 2}, loss=(n - 4) ** 2) for n in range(10)]
    found = outcomes(job, history)
    shares = parameter_importance(job, found)
    assert shares is not None
    assert list(shares) == ["lr", "k"]
    assert sum(shares.values()) == pytest.approx(1)
    assert parameter_importance(job, found[:9]) is None


def test_of_many_runs_it_is_shown_where_they_lie_and_their_median() -> None:
    job, dice = a_job(LOSS), random.Random(1)
    history = [
        ended(n, {"lr": dice.random(), "opt": dice.choice(["adam", "sgd"])}, loss=dice.gauss(5, 1))
        for n in range(2000)
    ]
    found = outcomes(job, history)
    lines = text(curve(job, found, 60))
    assert lines[-1].startswith("F median ")
    assert "▓ completed" in lines[-1]
    assert {"░", "▒", "▓", "█"} <= set("".join(lines))
    assert "◆" not in "".join(lines)
    lines = text(slice_charts(job, found, 80))
    assert lines[1] == "loss by parameter: ░ few runs to █ many, and their median"
    assert {"░", "▒", "▓", "█"} <= set("".join(lines[2:]))
    assert "".join(lines[2:]).count("◆") == 2, "the medians of adam and sgd"
    assert slice_charts(job, found, 80, ascii_only=True)[1] == (
        "loss by parameter: . few runs to @ many, and their median"
    )


def test_slices_are_charts_side_by_side() -> None:
    job = a_job(LOSS)
    rows = [(1e-4, "adam", 4), (1e-3, "sgd", 3), (1e-2, "adam", 1), (1e-1, None, 2)]
    history = [ended(n, {"lr": lr, "opt": opt}, loss=y) for n, (lr, opt, y) in enumerate(rows)]
    assert text(slice_charts(job, outcomes(job, history), 77)) == [
        "",
        "loss by parameter: ◆ a run, █ several",
        "                  lr                                    opt",
        "4┤◆                                    4┤      ◆",
        " │                                      │",
        " │            ◆                         │                  ◆",
        "2┤                                   ◆ 2┤                             ◆",
        " │                                      │",
        "1┤                       ◆             1┤      ◆",
        " └┬───────────┬──────────┬───────────┬  └──────┬───────────┬──────────┬──────",
        "1e-4        0.001      0.01        0.1       adam         sgd       none",
    ]
    assert slice_charts(job, [], 77) == slice_charts(a_job(), outcomes(job, history), 77) == []


def test_the_axes_of_slices_are_those_that_the_space_declares() -> None:
    space = {"lr": "[$loguniform(-9, -2)]", "hidden": "[64, 16, 32, 128]",
             "steps": "[$linspace(1, 3, 5)]", "opt": "[sgd, adam]"}  # fmt: skip
    job = a_job(LOSS, space=space)
    sets = [(0.001, 16, 1.0, "adam"), (0.002, 64, 1.5, "adam"), (0.004, 32, 3.0, "sgd")]
    history = [
        ended(n, dict(zip(space, each, strict=True)), status, loss=n)
        for n, (each, status) in enumerate(
            zip(sets, [RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.RUNNING], strict=True)
        )
    ]
    page = slice_charts(job, outcomes(job, history), 60)
    assert page[1] == "loss by parameter: ◆ a run, █ several, ◇ still running"
    charts = [part for part in page if isinstance(part, Chart)]
    assert [to_ansi(chart, color=False).split("\n")[-1].split() for chart in charts] == [
        ["0.001", "0.002"],
        ["16", "32", "64", "128"],
        ["1", "1.5", "2", "2.5", "3"],
        ["sgd", "adam"],
    ]
    marks = ["".join(text([chart])) for chart in charts]
    assert [(drawn.count("◆"), drawn.count("◇")) for drawn in marks] == [(2, 1)] * 4


def test_where_the_declaration_does_not_fit_the_values_decide() -> None:
    job = a_job(
        LOSS, space={"q": "[$qloguniform(-3, 3, 1)]", "n": f"[{', '.join(map(str, range(9)))}]"}
    )
    history = [ended(n, {"q": q, "n": 2 * n, "x": x}, loss=n)
               for n, (q, x) in enumerate([(0, 1), (1, 7), (9, 1000)])]  # fmt: skip
    found = outcomes(job, history)
    charts = [part for part in slice_charts(job, found, 60) if isinstance(part, Chart)]
    assert [to_ansi(chart, color=False).split("\n")[-1].split() for chart in charts] == [
        ["0", "2", "4", "6", "8"],
        ["0", "1", "2", "3", "4"],
        ["1", "10", "100", "1k"],
    ], "zero has no place on a logarithmic axis"
    tried = [ended(n, {"hidden": width}, loss=n) for n, width in enumerate([16, 64, 32, 16])]
    undeclared = text(slice_charts(a_job(LOSS), outcomes(job, tried), 60))
    assert undeclared[-1].split() == ["16", "32", "64"]
    unknown = a_job(LOSS, space={"q": {"odd": 1}})
    assert text(slice_charts(unknown, found, 60)) == text(slice_charts(a_job(LOSS), found, 60))


def test_a_parameter_that_no_float_holds_is_drawn_by_name() -> None:
    job = a_job(LOSS)
    history = [ended(n, {"n": 10**400 + n, "flag": n == 0}, loss=n) for n in range(2)]
    lines = text(slice_charts(job, outcomes(job, history), 40))
    assert len(lines) == 2 + 9 + 9
    assert "true" in lines[-1]
    assert "false" in lines[-1]


def test_a_search_is_shown_without_optuna() -> None:
    program = (
        "import sys, xt_core.reports.search, xt_core.reports.search_page\n"
        "print({'numpy', 'optuna'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
