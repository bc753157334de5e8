"""XT's options behind the script."""

from pathlib import Path

import pytest

from xt_core.errors import UsageError
from xt_core.submit.misplaced import misplaced_doubts, misplaced_options, refuse_dry_run


def test_options_of_xt_behind_the_script_are_told(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("parser.add_argument('--lr')")
    command = ["train.py", "--concurrent", "2", "--lr=[.1,.2]", "--max-runs=3", "--seed", "1"]
    assert misplaced_doubts([*command, "--concurrent=1", "--", "--wait"], tmp_path) == [
        "train.py is given --concurrent, --max-runs: XT's options come before the script"
    ]
    assert misplaced_doubts(["train.py", "--lr=1", "runs", "-runs"], tmp_path) == []
    assert misplaced_options(["python", "gone.py", "--json"], tmp_path) == ["json"]


def test_what_the_script_mentions_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def main(max_runs: int): ...\n# --dry-run")
    command = ["python", "train.py", "--max-runs=3", "--dry-run", "--wait"]
    assert misplaced_options(command, tmp_path) == ["wait"]
    refuse_dry_run(command, tmp_path)


def test_what_should_only_be_shown_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    refuse_dry_run(["train.py", "dry-run", "--", "--dry-run"], tmp_path)
    with pytest.raises(UsageError, match=r"--dry-run stands behind train\.py") as caught:
        refuse_dry_run(["train.py", "--lr=1", "--dry-run"], tmp_path)
    assert caught.value.hint == (
        "xt run --dry-run … train.py …; --raw-args if the script is to have it"
    )
