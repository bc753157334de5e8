"""`Run`, the logging API: nothing is lost or mangled, and no trouble stops the script."""

import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from journal_support import contents, records, run_script

from xt_core import Run


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
