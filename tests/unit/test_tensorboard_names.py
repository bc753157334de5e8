"""Log folders of runs, by template."""

from pathlib import Path

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Run, Value
from xt_core.model.states import RunStatus
from xt_core.tensorboard.names import TEMPLATE, check_is_within, folder_name, lacks_hparams


def run_with(**hparams: Value) -> Run:
    run = Run("ws1", "run2.3", "job2", "first", "node0", RunStatus.RUNNING, 1e9)
    run.hparams = hparams
    return run


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{workspace}/{run}", "ws1/run2.3"),
        ("{experiment}/{job}/a b", "first/job2/a b"),
        ("lr={hparams.lr},opt={hparams.opt}", "lr=0.01,opt=adam"),
        ("{hparams.path}", "a/b"),
        ("./{run}/", "run2.3"),
        ("{hparams.on}-{hparams.none}", "true-null"),
        ("{hparams.opt}{hparams.opt}..", "adamadam.."),
    ],
)
def test_fields_are_filled_in(template: str, name: str) -> None:
    assert TEMPLATE.fullmatch(template)
    run = run_with(lr=0.01, opt="adam", path="a//b", on=True, none=None)
    assert folder_name(template, run) == name


def test_a_value_is_no_template() -> None:
    assert folder_name("{hparams.x}", run_with(x="{run}")) == "{run}"


@pytest.mark.parametrize(
    "template",
    ["", "/logs/{run}", "../{run}", "a/../{run}", "a/..", "{user}", "{}", "{run", "run}", "{{run}}",
     "{hparams.}", "{hparams}", "a\nb"],
)  # fmt: skip
def test_a_template_that_is_none_is_refused(template: str) -> None:
    assert TEMPLATE.fullmatch(template) is None


@pytest.mark.parametrize("value", ["..", "../x", "x/../../y", "/etc", "", ".", "/", "a\0b", "a\nb"])
def test_no_value_leaves_the_log_folder(value: str) -> None:
    with pytest.raises(UsageError, match=r"ws1/run2\.3: its log folder would be "):
        folder_name("{hparams.x}", run_with(x=value))


def test_a_hyperparameter_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match=r"ws1/run2\.3 has no hyperparameter 'lr'"):
        folder_name("{hparams.lr}", run_with(opt="adam"))
    assert lacks_hparams("{hparams.lr}/{hparams.opt}", run_with(opt="adam"))
    assert not lacks_hparams("{hparams.opt}/{run}", run_with(opt="adam"))


def test_no_symbolic_link_leads_out(tmp_path: Path) -> None:
    root = tmp_path / "logs"
    root.mkdir()
    (root / "in").symlink_to(root / "ws1")
    (root / "out").symlink_to(tmp_path)
    check_is_within(root / "in" / "run1", root)
    with pytest.raises(UsageError, match="leads out of"):
        check_is_within(root / "out" / "run1", root)
