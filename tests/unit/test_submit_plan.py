"""From a command line to work items: search options, styles, counts, and lists of commands."""

from typing import Any

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.model.states import SearchStyle
from xt_core.submit.command import find_search_options, parse_multi_commands
from xt_core.submit.plan import Plan, make_plan

GRID_30 = ["train.py", "--lr=[.01, .02, .03]", "--opt", "[adam, sgd]", "--n=[1,2,3,4,5]", "--v"]


def plan_of(command: list[str], **options: Any) -> Plan:
    defaults: dict[str, Any] = {
        "runs": None,
        "max_runs": None,
        "search_type": None,
        "multi_commands": None,
        "seed": 0,
    }
    return make_plan(command, **(defaults | options))


class TestSearchOptions:
    @pytest.mark.parametrize(
        ("args", "values", "rendered"),
        [
            (["--lr=[.01, .03]"], {"lr": 0.01}, ["--lr=0.01"]),
            (["--lr", "[.01, .03]"], {"lr": 0.03}, ["--lr", "0.03"]),
            (["a", "--lr=[1]", "b c"], {"lr": 1}, ["a", "--lr=1", "b c"]),
            (["--model.depth=[1,2]"], {"model.depth": 2}, ["--model.depth=2"]),
            (["--weight-decay", "[1,2]"], {"weight-decay": 2}, ["--weight-decay", "2"]),
            (["-x=[1,2]"], {"x": 1}, ["-x=1"]),
            (["--x=[-1, -2]"], {"x": -2}, ["--x=-2"]),
            (["--x", "[-1, -2]"], {"x": -1}, ["--x", "-1"]),
            (["--größe=[1,2]"], {"größe": 2}, ["--größe=2"]),
            (["--amp=[true, False]"], {"amp": False}, ["--amp=false"]),
            (["--amp=['True', 'False']"], {"amp": "True"}, ["--amp=True"]),
            (["--lr=[1e-5, 1e5]"], {"lr": 1e-05}, ["--lr=1e-05"]),
            (["--lr=[1e-5, 1e5]"], {"lr": 1e5}, ["--lr=100000.0"]),
            (["--s=['a b', c]"], {"s": "a b"}, ["--s=a b"]),
            (["--s=['', c]"], {"s": ""}, ["--s="]),
            (["--s=[a\nb, c]"], {"s": "a\nb"}, ["--s=a\nb"]),
            (["--a=[1,2]", "--b", "[3,4]"], {"a": 1, "b": 4}, ["--a=1", "--b", "4"]),
            (["--flag", "--a=[1,2]"], {"a": 1}, ["--flag", "--a=1"]),
            (["--a=[x=1,y=2]"], {"a": "x=1"}, ["--a=x=1"]),
        ],
    )
    def test_a_value_stands_exactly_where_the_brackets_stood(
        self, args: list[str], values: dict[str, Value], rendered: list[str]
    ) -> None:
        template = find_search_options(args, "--")
        assert list(template.space) == list(values)
        assert template.render(values) == rendered

    @pytest.mark.parametrize(
        "args",
        [
            [],
            ["train.py", "--lr=0.01", "--lr", "0.03"],
            ["[1,2]"],
            ["x", "[1,2]"],
            ["--", "[1,2]"],
            ["--", "--lr=[1,2]", "--lr", "[1,2]"],
            ["--lr", "--", "[1,2]"],
            ["--lr=[1,2", "--lr=1,2]", "--lr= [1,2]", "--lr=[1,2] "],
            ["--lr", "[1,2", "--lr", " [1,2]"],
            ["--lr=5", "[1,2]"],
            ["--=[1,2]", "---x=[1,2]", "--a b=[1,2]", "--$x=[1,2]"],
            ["-1", "[1,2]", "-1=[1,2]", "--1=[1]"],
            ["-c", "[print(i) for i in range(3)]", "-e", "[a-z]"],
            ["lr=[1,2]", "x--lr=[1,2]", "my--v2.py", "[1]"],
            ["", " ", "a b", "'q'", '"q"', "a=b", "=", "-", "é", "\udcff", "\n", "\\", "$X", "#"],
            ["--\udcff=[1,2]"],
        ],
    )
    def test_everything_else_reaches_the_script_unchanged(self, args: list[str]) -> None:
        template = find_search_options(args, "--")
        assert not template.space
        assert template.render({}) == args

    def test_odd_arguments_beside_a_search_stay_byte_for_byte(self) -> None:
        odd = [
            "",
            "a b",
            "\udcff\udc80",
            "--x=",
            "--y=[",
            "it's",
            "é",
            "--",
            "--lr=[1]",
            "--z",
            "[2]",
        ]
        template = find_search_options([*odd[:7], "--lr=[\udcfe, b]", *odd[7:]], "--")
        assert template.render({"lr": "\udcfe"}) == [*odd[:7], "--lr=\udcfe", *odd[7:]]

    @pytest.mark.parametrize(
        ("prefix", "args", "names"),
        [
            ("-", ["-lr=[1]", "-x", "[2]", "--y=[3]", "--z", "[4]"], ["lr", "x", "y", "z"]),
            ("--", ["-lr=[1]", "-x", "[2]", "--y=[3]", "--z", "[4]"], ["lr", "y", "z"]),
            ("+", ["+lr=[1]", "--y=[3]", "+z", "[4]"], ["lr", "z"]),
            ("", ["lr=[1]", "--y=[3]", "z", "[4]", "model.d=[1]"], ["lr", "model.d"]),
            (None, ["lr=[1]", "--y=[3]", "-x=[1]", "--z", "[4]"], []),
        ],
    )
    def test_the_prefix_decides_what_an_option_is(
        self, prefix: str | None, args: list[str], names: list[str]
    ) -> None:
        assert list(find_search_options(args, prefix).space) == names

    @pytest.mark.parametrize(
        "args", [["--lr=[1]", "--lr=[2]"], ["--lr", "[1]", "--lr=[2]"], ["-lr=[1]", "--lr", "[2]"]]
    )
    def test_the_same_parameter_twice_is_refused(self, args: list[str]) -> None:
        with pytest.raises(UsageError, match="hyperparameter lr is given twice"):
            find_search_options(args, "--")

    def test_a_parameter_with_a_mistake_is_named(self) -> None:
        with pytest.raises(UsageError, match=r"hyperparameter lr: no values, in '\[\]'"):
            find_search_options(["--lr=[]"], "--")


class TestSingleAndRepeat:
    @pytest.mark.parametrize("runs", [None, 1])
    def test_one_run_of_one_command_is_single(self, runs: int | None) -> None:
        plan = plan_of(["train.py", "--x"], runs=runs)
        assert (plan.style, plan.search_type, plan.work_items) == (SearchStyle.SINGLE, None, 1)
        assert plan.commands == [["train.py", "--x"]]
        assert plan.argv(0) == ["train.py", "--x"]
        assert plan.hparams(0) == {}

    def test_several_runs_of_one_command_are_a_repeat(self) -> None:
        plan = plan_of(["train.py"], runs=4)
        assert (plan.style, plan.work_items) == (SearchStyle.REPEAT, 4)
        assert [plan.argv(i) for i in range(4)] == [["train.py"]] * 4

    def test_several_nodes_run_the_command_once_each(self) -> None:
        plan = plan_of(["train.py"], nodes=3)
        assert (plan.style, plan.work_items) == (SearchStyle.REPEAT, 3)

    def test_raw_arguments_hold_no_search(self) -> None:
        for options in ({"raw_args": True}, {"option_prefix": None}):
            plan = plan_of(GRID_30, **options)
            assert plan.style == SearchStyle.SINGLE
            assert plan.argv(0) == GRID_30


class TestStatic:
    def test_a_3_by_2_by_5_grid_has_30_work_items(self) -> None:
        plan = plan_of(GRID_30)
        assert (plan.style, plan.search_type, plan.work_items) == (SearchStyle.STATIC, "grid", 30)
        assert plan.commands == [GRID_30]
        assert plan.hparams(0) == {"lr": 0.01, "opt": "adam", "n": 1}
        assert plan.argv(0) == ["train.py", "--lr=0.01", "--opt", "adam", "--n=1", "--v"]
        assert plan.argv(4) == ["train.py", "--lr=0.02", "--opt", "sgd", "--n=1", "--v"]
        assert plan.argv(29) == ["train.py", "--lr=0.03", "--opt", "sgd", "--n=5", "--v"]
        assert len({tuple(plan.argv(i)) for i in range(30)}) == 30

    def test_max_runs_25_makes_25_of_the_grid(self) -> None:
        plan = plan_of(GRID_30, max_runs=25)
        assert (plan.search_type, plan.work_items) == ("grid", 25)

    def test_runs_150_goes_through_the_grid_five_times(self) -> None:
        plan = plan_of(GRID_30, runs=150, search_type="grid")
        assert plan.work_items == 150
        assert [plan.argv(i) for i in range(150)] == [plan.argv(i % 30) for i in range(150)]

    def test_runs_without_a_type_are_random(self) -> None:
        plan = plan_of(GRID_30, runs=10)
        assert (plan.style, plan.search_type, plan.work_items) == (SearchStyle.STATIC, "random", 10)

    def test_a_random_search_has_one_work_item_by_default(self) -> None:
        command = ["train.py", "--lr=[$loguniform(-9, -2)]"]
        assert plan_of(command).work_items == 1
        assert plan_of(command).search_type == "random"
        assert plan_of(command, nodes=4).work_items == 4
        assert plan_of(command, max_runs=7, nodes=4).work_items == 7

    def test_the_command_holds_the_hyperparameters_of_its_index(self) -> None:
        plan = plan_of(["t.py", "--lr=[$uniform(0, 1)]", "--s", "[$randint()]"], runs=50, seed=9)
        for index in range(50):
            values = plan.hparams(index)
            assert values is not None
            assert plan.argv(index) == ["t.py", f"--lr={values['lr']!r}", "--s", f"{values['s']}"]

    def test_the_seed_decides_the_points(self) -> None:
        command = ["t.py", "--lr=[$uniform(0, 1)]"]
        first = plan_of(command, runs=5, seed=1)
        again = plan_of(command, runs=9, seed=1)
        other = plan_of(command, runs=5, seed=2)
        assert [first.hparams(i) for i in range(5)] == [again.hparams(i) for i in range(5)]
        assert all(first.hparams(i) != other.hparams(i) for i in range(5))

    def test_a_huge_grid_needs_an_explicit_number_of_runs(self) -> None:
        huge = ["t.py", "--a=[$linspace(0,1,1001)]", "--b=[$linspace(0,1,1000)]"]
        with pytest.raises(UsageError, match="the grid has 1,001,000 points"):
            plan_of(huge)
        assert plan_of(huge, max_runs=2_000_000).work_items == 1_001_000

    def test_an_index_beyond_the_work_is_an_error(self) -> None:
        plan = plan_of(GRID_30)
        for index in (-1, 30):
            with pytest.raises(IndexError):
                plan.hparams(index)
            with pytest.raises(IndexError):
                plan.argv(index)


COMMANDS = [["a.py"], ["b.py", "x y"], ["c.py"]]


class TestMulti:
    @pytest.mark.parametrize(
        ("options", "count"),
        [({}, 3), ({"max_runs": 2}, 2), ({"max_runs": 9}, 3), ({"runs": 7, "max_runs": 2}, 7)],
    )
    def test_the_count_is_runs_or_the_commands_up_to_max_runs(
        self, options: dict[str, int], count: int
    ) -> None:
        plan = plan_of([], multi_commands=COMMANDS, **options)
        assert (plan.style, plan.search_type, plan.work_items) == (SearchStyle.MULTI, None, count)
        assert plan.commands == COMMANDS

    def test_the_index_modulo_the_commands_selects_one(self) -> None:
        plan = plan_of([], multi_commands=COMMANDS, runs=7)
        assert [plan.argv(i)[0] for i in range(7)] == [
            *("a.py", "b.py", "c.py", "a.py", "b.py", "c.py", "a.py")
        ]
        assert plan.argv(4) == ["b.py", "x y"]
        assert plan.hparams(4) == {}

    def test_one_command_in_a_list_is_still_multi(self) -> None:
        assert plan_of([], multi_commands=[["a.py"]]).style == SearchStyle.MULTI

    @pytest.mark.parametrize(
        ("command", "multi_commands"),
        [(["t.py", "--lr=[1,2]"], [["a.py"]]), ([], [["a.py"], ["b.py", "--lr", "[1,2]"]])],
    )
    def test_a_list_of_commands_excludes_a_search(
        self, command: list[str], multi_commands: list[list[str]]
    ) -> None:
        with pytest.raises(UsageError, match="a list of commands and a search of lr together"):
            plan_of(command, multi_commands=multi_commands)
        assert plan_of(command, multi_commands=multi_commands, raw_args=True).work_items in {1, 2}

    @pytest.mark.parametrize("multi_commands", [[], [[]], [["a.py"], []]])
    def test_an_empty_list_is_refused(self, multi_commands: list[list[str]]) -> None:
        with pytest.raises(UsageError, match="the list of commands is empty"):
            plan_of([], multi_commands=multi_commands)


class TestBadCombinations:
    @pytest.mark.parametrize("option", ["runs", "max_runs", "nodes"])
    @pytest.mark.parametrize("count", [0, -1])
    def test_a_count_below_one_is_refused(self, option: str, count: int) -> None:
        with pytest.raises(UsageError) as caught:
            plan_of(["t.py"], **{option: count})
        assert caught.value.message == f"--{option.replace('_', '-')} is {count}"

    @pytest.mark.parametrize("options", [{}, {"runs": 3}, {"multi_commands": [["a.py"]]}])
    def test_a_search_type_needs_a_search(self, options: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="search type 'grid' with nothing to search"):
            plan_of(["t.py"], search_type="grid", **options)

    def test_an_unknown_search_type_is_refused(self) -> None:
        with pytest.raises(UsageError, match="unknown search type 'gird'"):
            plan_of(GRID_30, search_type="gird")

    def test_no_command_is_refused(self) -> None:
        with pytest.raises(UsageError, match="there is no command to run"):
            plan_of([])


class TestMultiCommandFiles:
    def test_each_line_is_a_command_in_shell_quoting(self) -> None:
        text = (
            "python a.py --x 1\n\n  # a comment, don't read\n\t\nb.py 'a b' \"c\\\"d\" e\\ f ''\n"
        )
        assert parse_multi_commands(text, "runs.txt") == [
            ["python", "a.py", "--x", "1"],
            ["b.py", "a b", 'c"d', "e f", ""],
        ]

    def test_a_hash_begins_a_comment_only_at_the_start_of_a_word(self) -> None:
        text = "a --c=#fff x#y '#q' \"a #b\" \\#z # it's a comment\nb#\n"
        assert parse_multi_commands(text, "runs.txt") == [
            ["a", "--c=#fff", "x#y", "#q", "a #b", "#z"],
            ["b#"],
        ]

    def test_other_systems_line_ends_and_byte_order_marks_are_no_part_of_a_command(self) -> None:
        assert parse_multi_commands("\ufeffa.py x\r\nb.py\u2028y\r\n", "runs.txt") == [
            ["a.py", "x"],
            ["b.py\u2028y"],
        ]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a\n\nb 'c\n", "runs.txt, line 3: no closing quotation"),
            ("a \\\nb\n", "runs.txt, line 1: no escaped character"),
            ("", "runs.txt: no commands"),
            ("# only\n \n", "runs.txt: no commands"),
        ],
    )
    def test_a_mistake_is_named_with_its_line(self, text: str, message: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_multi_commands(text, "runs.txt")
        assert caught.value.message == message
