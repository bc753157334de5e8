"""`Run`, the logging API: where it logs, who it says it is, what it draws."""

import copy
import math
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from journal_support import contents, records, run_script

from xt_core import Run
from xt_core.errors import UsageError

SPACE = {"lr": "$loguniform(-9, -2)", "hidden": [16, 32], "epochs": 3, "opt": "adam"}


class TestJournal:
    def test_outside_xt_it_is_a_file_in_the_working_directory(
        self, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("XT_JOURNAL")
        run = Run()
        assert os.listdir(tmp_path) == []
        run.log_metrics({"loss": 1.0})
        assert len(records(tmp_path / "xt_journal.jsonl")) == 1

    def test_it_is_found_at_construction_and_kept_over_chdir(
        self, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XT_JOURNAL", "relative.jsonl")
        run = Run()
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        run.log_metrics({"loss": 1.0})
        assert len(records(tmp_path / "relative.jsonl")) == 1
        assert os.listdir(elsewhere) == []

    def test_records_are_appended_to_what_is_there(self, journal: Path) -> None:
        journal.write_text('{"type": "tags", "values": {"a": 1}}\n')
        Run().tag(b=2)
        assert contents(journal) == [
            {"type": "tags", "values": {"a": 1}},
            {"type": "tags", "values": {"b": 2}},
        ]

    def test_a_closed_run_opens_it_again_when_something_is_logged(self, journal: Path) -> None:
        with Run() as run:
            run.log_metrics({"loss": 1.0})
        run.close()
        run.log_metrics({"loss": 2.0})
        assert [record["values"]["loss"] for record in records(journal)] == [1.0, 2.0]

    def test_closing_and_deleting_leave_no_descriptor_open(self, journal: Path) -> None:
        descriptors = Path("/proc/self/fd") if os.path.exists("/proc/self/fd") else Path("/dev/fd")
        before = len(os.listdir(descriptors))
        with Run() as run:
            run.tag("x")
        Run().tag("x")
        assert len(os.listdir(descriptors)) == before

    def test_the_context_manager_lets_exceptions_through(self, journal: Path) -> None:
        def fail() -> None:
            with Run() as run:
                run.log_metrics({"loss": 1.0})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert len(records(journal)) == 1

    def test_copies_and_pickles_log_to_the_same_journal(self, journal: Path) -> None:
        run = Run()
        for number, other in enumerate([run, copy.copy(run), pickle.loads(pickle.dumps(run))]):
            other.log_metrics({"number": number})
            other.close()
        assert [record["values"]["number"] for record in records(journal)] == [0, 1, 2]


class TestEnvironment:
    def test_outside_xt_there_is_no_name_and_output_goes_to_a_local_folder(
        self, journal: Path, tmp_path: Path
    ) -> None:
        run = Run()
        assert (run.name, run.workspace, run.job) == ("", "", "")
        assert (run.run_index, run.restarts, run.is_managed) == (0, 0, False)
        assert not (tmp_path / "output").exists()
        assert run.output_dir == tmp_path / "output"
        assert (tmp_path / "output").is_dir()

    def test_in_xt_the_controller_says_who_the_run_is(
        self, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        env = {
            "XT_CONTROLLER": "1",
            "XT_RUN_NAME": "run35.2",
            "XT_WORKSPACE_NAME": "ws1",
            "XT_JOB_ID": "job12",
            "XT_RUN_INDEX": "4",
            "XT_RESTARTS": "2",
            "XT_OUTPUT_DIR": str(tmp_path / "deep" / "out"),
        }
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        run = Run()
        assert (run.name, run.workspace, run.job) == ("run35.2", "ws1", "job12")
        assert (run.run_index, run.restarts, run.is_managed) == (4, 2, True)
        assert run.output_dir == tmp_path / "deep" / "out"
        assert run.output_dir.is_dir()

    def test_importing_it_loads_no_package_but_the_engine_itself(self, tmp_path: Path) -> None:
        code = """
            import sys
            known = set(sys.modules)
            from xt_core import Run
            new = set(sys.modules) - known
            print(sorted(name for name in new if name.startswith("xt_core")))
            print({name.partition(".")[0] for name in new} - sys.stdlib_module_names)
        """
        done = run_script(tmp_path, code, prelude="")
        assert done.stdout == "['xt_core', 'xt_core.user_run']\n{'xt_core'}\n"


class TestNextHparams:
    def draw(self, monkeypatch: pytest.MonkeyPatch, count: int, **env: str) -> list[dict[str, Any]]:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        with Run() as run:
            return [run.next_hparams(SPACE) for _ in range(count)]

    def test_it_draws_from_the_space_and_logs_what_it_drew(
        self, journal: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (drawn,) = self.draw(monkeypatch, 1)
        assert list(drawn) == ["lr", "hidden", "epochs", "opt"]
        assert math.exp(-9) <= drawn["lr"] <= math.exp(-2)
        assert drawn["hidden"] in (16, 32)
        assert (drawn["epochs"], drawn["opt"]) == (3, "adam")
        assert contents(journal) == [{"type": "hparams", "values": drawn}]

    def test_a_restarted_run_draws_the_same_again(
        self, journal: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        env = {"XT_JOB_SEED": "7", "XT_JOB_ID": "job1", "XT_RUN_INDEX": "5"}
        first = self.draw(monkeypatch, 3, **env)
        assert self.draw(monkeypatch, 3, XT_RESTARTS="1") == first

    def test_draws_differ_by_call_run_index_and_seed(
        self, journal: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawn = self.draw(monkeypatch, 2, XT_JOB_ID="job1", XT_RUN_INDEX="0")
        drawn += self.draw(monkeypatch, 1, XT_JOB_ID="job1", XT_RUN_INDEX="1")
        drawn += self.draw(monkeypatch, 1, XT_JOB_ID="job2")
        drawn += self.draw(monkeypatch, 1, XT_JOB_SEED="7")
        assert len({values["lr"] for values in drawn}) == 5

    def test_the_seed_stands_above_the_jobs_name(
        self, journal: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = self.draw(monkeypatch, 1, XT_JOB_SEED="7", XT_JOB_ID="job1")
        assert self.draw(monkeypatch, 1, XT_JOB_ID="job2") == first

    def test_a_parameter_that_is_not_active_is_not_drawn(self, journal: Path) -> None:
        momentum = {"values": [0.9], "when": {"model.opt": "sgd"}}
        with Run() as run:
            drawn = [
                run.next_hparams({"momentum": momentum, "model": {"opt": ["adam", "sgd"]}})
                for _ in range(20)
            ]
        with_momentum = {"model.opt": "sgd", "momentum": 0.9}
        assert {frozenset(values.items()) for values in drawn} == {
            frozenset({"model.opt": "adam"}.items()),
            frozenset(with_momentum.items()),
        }
        assert contents(journal) == [{"type": "hparams", "values": values} for values in drawn]

    def test_a_space_that_cannot_be_read_is_refused(self, journal: Path) -> None:
        with pytest.raises(UsageError, match="hyperparameter lr: unknown distribution"):
            Run().next_hparams({"lr": "$logunifrom(-9, -2)"})
        assert not journal.exists()
