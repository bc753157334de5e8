"""`Run`, the logging API: what it writes, and that nothing of it is ever lost or mangled."""

import copy
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import pytest

from xt_core import Run
from xt_core.errors import UsageError
from xt_core.model.encoding import loads

ROOT = Path(__file__).parents[2]
SPACE = {"lr": "$loguniform(-9, -2)", "hidden": [16, 32], "epochs": 3, "opt": "adam"}


class Scalar:
    """What numpy and torch call a scalar: something with `item`."""

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value


class Several:
    """An array of many elements."""

    def item(self) -> object:
        raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")


class Level(IntEnum):
    HIGH = 3


class Colour(StrEnum):
    RED = "red"


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("XT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "journal.jsonl"
    monkeypatch.setenv("XT_JOURNAL", str(path))
    return path


def records(path: Path) -> list[dict[str, Any]]:
    text = path.read_text("ascii")
    assert text.endswith("\n")
    return [loads(line) for line in text.splitlines()]


def contents(path: Path) -> list[dict[str, Any]]:
    """The records without their times."""
    return [{key: record[key] for key in record if key != "time"} for record in records(path)]


def run_script(
    folder: Path, code: str, prelude: str = "from xt_core import Run\n", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, outside XT unless `env` says otherwise."""
    script = folder / "script.py"
    script.write_text(prelude + textwrap.dedent(code))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XT_")}
    return subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


class TestRecords:
    def test_a_metrics_record_is_one_line_of_plain_json_with_the_time(self, journal: Path) -> None:
        before = time.time()
        Run().log_metrics({"loss": 0.2, "acc": 1}, step=3)
        (record,) = records(journal)
        stamp = record["time"]
        assert journal.read_text() == (
            f'{{"type": "metrics", "time": {stamp:.3f}, "step": 3, '
            '"values": {"loss": 0.2, "acc": 1}}\n'
        )
        assert before - 0.001 <= stamp <= time.time() + 0.001

    def test_every_kind_of_record_has_its_keys(self, journal: Path) -> None:
        run = Run()
        run.log_hparams({"lr": 0.01, "opt": "adam"})
        run.log_metrics({"loss": 0.5})
        run.log_event("restored", {"epoch": 4})
        run.log_event("paused")
        run.tag("best", "final", note="x")
        assert contents(journal) == [
            {"type": "hparams", "values": {"lr": 0.01, "opt": "adam"}},
            {"type": "metrics", "step": None, "values": {"loss": 0.5}},
            {"type": "event", "event": "restored", "data": {"epoch": 4}},
            {"type": "event", "event": "paused", "data": {}},
            {"type": "tags", "values": {"best": True, "final": True, "note": "x"}},
        ]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (True, "true"),
            (False, "false"),
            (None, "null"),
            (-7, "-7"),
            (2**70, str(2**70)),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e-300, "1e-300"),
            (math.nan, '{"$float": "NaN"}'),
            (math.inf, '{"$float": "Infinity"}'),
            (-math.inf, '{"$float": "-Infinity"}'),
            (
                'a "quoted"\nline \u00e9 \U0001f600',
                '"a \\"quoted\\"\\nline \\u00e9 \\ud83d\\ude00"',
            ),
            ("\udcff", '"\\udcff"'),
            (Level.HIGH, "3"),
            (Colour.RED, '"red"'),
            (Scalar(0.25), "0.25"),
            (Scalar(math.nan), '{"$float": "NaN"}'),
            (Scalar(True), "true"),
        ],
    )
    def test_a_value_keeps_its_type(self, journal: Path, value: object, text: str) -> None:
        run = Run()
        run.log_metrics({"m": value})
        run.log_hparams({"m": value})
        metrics, hparams = journal.read_text().splitlines()
        assert metrics.endswith(f'"values": {{"m": {text}}}}}')
        assert hparams.endswith(f'"values": {{"m": {text}}}}}')
        json.loads(metrics, parse_constant=pytest.fail)

    @pytest.mark.parametrize(
        ("step", "text"),
        [
            (0, "0"),
            (-1, "-1"),
            (2.5, "2.5"),
            (None, "null"),
            (Scalar(12), "12"),
            (2**40, "1099511627776"),
        ],
    )
    def test_a_step_is_a_number_or_none(self, journal: Path, step: Any, text: str) -> None:
        Run().log_metrics({"m": 1}, step=step)
        assert f'"step": {text}, ' in journal.read_text()

    def test_any_non_empty_text_is_a_name(self, journal: Path) -> None:
        names = ["loss", 'a "b"', "é/ü", "new\nline", "$float", "{}"]
        run = Run()
        run.log_metrics(dict.fromkeys(names, 1.0))
        run.log_metrics(dict.fromkeys(names, 2.0))
        first, second = contents(journal)
        assert first["values"] == dict.fromkeys(names, 1.0)
        assert second["values"] == dict.fromkeys(names, 2.0)

    def test_thousands_of_different_names_are_all_right(self, journal: Path) -> None:
        run = Run()
        for number in range(10_000):
            run.log_metrics({f"loss/{number}": number})
        assert [record["values"] for record in contents(journal)] == [
            {f"loss/{number}": number} for number in range(10_000)
        ]


class TestMistakes:
    @pytest.mark.parametrize(
        ("log", "message"),
        [
            (
                lambda run: run.log_metrics({"ok": 1.0, "loss": [1, 2]}),
                "metric 'loss' is a list, not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_metrics({"loss": Several()}),
                "metric 'loss' is a Several, "
                "not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_metrics({"loss": Scalar}),
                "metric 'loss' is a type, not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_metrics({"": 1}),
                "the name of a metric must be a non-empty str, not ''",
            ),
            (
                lambda run: run.log_metrics({3: 1}),
                "the name of a metric must be a non-empty str, not 3",
            ),
            (
                lambda run: run.log_hparams({"net": {"size": 3}}),
                "hyperparameter 'net' is a dict, "
                "not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.tag(note=b"x"),
                "tag 'note' is a bytes, not a bool, int, float, str, None or one-element array",
            ),
            (lambda run: run.tag(""), "the name of a tag must be a non-empty str, not ''"),
            (
                lambda run: run.log_event("e", {"x": 1j}),
                "event data 'x' is a complex, "
                "not a bool, int, float, str, None or one-element array",
            ),
            (
                lambda run: run.log_event(""),
                "an event's name must be a non-empty str, not ''",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step="3"),
                "step must be a finite number or None, not '3'",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step=math.nan),
                "step must be a finite number or None, not nan",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step=True),
                "step must be a finite number or None, not True",
            ),
            (
                lambda run: run.log_metrics({"m": 1}, step=[3]),
                "step must be a finite number or None, not [3]",
            ),
        ],
    )
    def test_a_mistake_is_named_at_the_call_and_nothing_is_logged(
        self, journal: Path, log: Callable[[Run], None], message: str
    ) -> None:
        with pytest.raises(TypeError) as caught:
            log(Run())
        assert str(caught.value) == message
        assert not journal.exists()


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


class TestConcurrency:
    def test_no_record_of_eight_threads_is_lost_or_mangled(self, journal: Path) -> None:
        run = Run()

        def work(worker: int) -> None:
            for step in range(1000):
                run.log_metrics({f"worker{worker}": step + 0.5, "text": "x" * worker}, step=step)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        logged = contents(journal)
        assert len(logged) == 8000
        for worker in range(8):
            mine = [record for record in logged if f"worker{worker}" in record["values"]]
            assert mine == [
                {
                    "type": "metrics",
                    "step": step,
                    "values": {f"worker{worker}": step + 0.5, "text": "x" * worker},
                }
                for step in range(1000)
            ]

    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_worker_processes_log_through_the_object_they_are_given(
        self, tmp_path: Path, method: str
    ) -> None:
        code = f"""
            import multiprocessing

            def work(run, worker):
                for step in range(500):
                    run.log_metrics({{"worker": worker}}, step=step)

            if __name__ == "__main__":
                run = Run()
                run.log_metrics({{"worker": -1}}, step=0)
                context = multiprocessing.get_context({method!r})
                workers = [context.Process(target=work, args=(run, i)) for i in range(4)]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
                run.log_metrics({{"worker": -1}}, step=1)
        """
        done = run_script(tmp_path, code)
        assert (done.returncode, done.stderr) == (0, "")
        logged = records(tmp_path / "xt_journal.jsonl")
        steps = Counter((record["values"]["worker"], record["step"]) for record in logged)
        expected = [(worker, step) for worker in range(4) for step in range(500)]
        assert steps == Counter([*expected, (-1, 0), (-1, 1)])

    def test_a_child_forked_amid_failing_threads_can_log(self, tmp_path: Path) -> None:
        code = """
            import os, threading
            from xt_core import user_run
            run = Run()
            held, release = threading.Event(), threading.Event()

            def hold():
                with user_run._append_lock:
                    held.set()
                    release.wait()

            thread = threading.Thread(target=hold)
            thread.start()
            held.wait()
            child = os.fork()
            if child == 0:
                run.log_metrics({"child": 1})
                os._exit(0)
            _, status = os.waitpid(child, 0)
            release.set()
            thread.join()
            assert status == 0
        """
        done = run_script(tmp_path, code, PYTHONWARNINGS="ignore::DeprecationWarning")
        assert (done.returncode, done.stderr) == (0, "")
        assert len(records(tmp_path / "xt_journal.jsonl")) == 1

    def test_a_signal_handler_may_log(self, tmp_path: Path) -> None:
        code = """
            import os, signal
            run = Run()
            signal.signal(signal.SIGUSR1, lambda *_: run.log_event("signal"))
            for step in range(200):
                os.kill(os.getpid(), signal.SIGUSR1)
                run.log_metrics({"loss": 1.0}, step=step)
        """
        done = run_script(tmp_path, code)
        assert (done.returncode, done.stderr) == (0, "")
        kinds = Counter(record["type"] for record in records(tmp_path / "xt_journal.jsonl"))
        assert kinds == {"event": 200, "metrics": 200}

    def test_kill_9_loses_nothing_that_was_logged(self, tmp_path: Path) -> None:
        code = """
            import os, signal
            run = Run()
            for step in range(1000):
                run.log_metrics({"loss": 1 / (step + 1)}, step=step)
            os.kill(os.getpid(), signal.SIGKILL)
        """
        done = run_script(tmp_path, code)
        assert done.returncode == -signal.SIGKILL
        logged = records(tmp_path / "xt_journal.jsonl")
        assert [record["step"] for record in logged] == list(range(1000))
        assert logged[-1]["values"] == {"loss": 0.001}


class TestTrouble:
    def test_a_journal_that_cannot_be_opened_warns_once_and_stops_nothing(
        self, journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        missing = journal.parent / "missing" / "journal.jsonl"
        monkeypatch.setenv("XT_JOURNAL", str(missing))
        run = Run()
        run.log_metrics({"loss": 1.0})
        run.tag("x")
        assert run.dropped == 2
        assert capsys.readouterr() == (
            "",
            f"xt: warning: cannot write to {missing}: No such file or directory; "
            "records are dropped until it can be written again\n",
        )
        missing.parent.mkdir()
        run.log_metrics({"loss": 3.0})
        assert run.dropped == 2
        assert [record["values"] for record in records(missing)] == [{"loss": 3.0}]

    def test_a_broken_standard_error_stops_nothing_either(
        self, journal: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XT_JOURNAL", str(journal / "not a folder"))
        monkeypatch.setattr(sys, "stderr", None)
        run = Run()
        run.log_metrics({"loss": 1.0})
        assert run.dropped == 1

    def test_a_descriptor_closed_by_other_code_is_opened_again(self, journal: Path) -> None:
        run = Run()
        run.tag("one")
        os.close(run._descriptor)
        run.tag("two")
        assert run.dropped == 0
        assert [list(record["values"]) for record in records(journal)] == [["one"], ["two"]]

    def test_a_record_cut_by_a_full_disk_harms_no_other(self, tmp_path: Path) -> None:
        """A limit on the file's size makes the system take a part of a record, then nothing."""
        code = """
            import os, resource
            run = Run()
            run.log_metrics({"loss": 1.0}, step=0)
            size = os.path.getsize("xt_journal.jsonl")
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
            run.log_metrics({"loss": 1.0}, step=1)
            run.log_metrics({"loss": 1.0}, step=2)
            assert os.path.getsize("xt_journal.jsonl") == size + 20
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            run.log_metrics({"loss": 1.0}, step=3)
            run.log_metrics({"loss": 1.0}, step=4)
            print(run.dropped)
        """
        done = run_script(tmp_path, code)
        assert (done.returncode, done.stdout) == (0, "2\n")
        assert done.stderr.count("xt: warning: cannot write to ") == 1
        lines = (tmp_path / "xt_journal.jsonl").read_text().splitlines()
        assert lines.pop(1) == '{"type": "metrics", '
        assert [json.loads(line)["step"] for line in lines] == [0, 3, 4]

    def test_a_record_that_lacked_only_its_newline_is_not_written_twice(
        self, tmp_path: Path
    ) -> None:
        code = """
            import os, resource
            run = Run()
            run.tag("one")
            size = os.path.getsize("xt_journal.jsonl")
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 * size - 1, resource.RLIM_INFINITY))
            run.tag("two")
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            run.tag("six")
            print(run.dropped)
        """
        done = run_script(tmp_path, code)
        assert (done.returncode, done.stdout) == (0, "0\n")
        logged = records(tmp_path / "xt_journal.jsonl")
        assert [list(record["values"]) for record in logged] == [["one"], ["two"], ["six"]]

    def test_a_full_device_is_reported_with_its_reason(self, tmp_path: Path) -> None:
        code = """
            run = Run()
            for step in range(3):
                run.log_metrics({"loss": 1.0}, step=step)
            print(run.dropped)
        """
        device = "/dev/full"
        if not os.path.exists(device):  # only Linux has it; elsewhere a folder is as unwritable
            device = str(tmp_path)
        done = run_script(tmp_path, code, XT_JOURNAL=device)
        assert (done.returncode, done.stdout) == (0, "3\n")
        assert done.stderr.startswith(f"xt: warning: cannot write to {device}: ")
        assert done.stderr.count("\n") == 1
