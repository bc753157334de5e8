"""`Run.should_stop`: SIGTERM sets a flag for scripts that ask, and ends those that do not."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRELUDE = """\
import os, signal, sys, threading
from xt_core import Run

run = Run()

def terminate(pid=None):
    os.kill(pid or os.getpid(), signal.SIGTERM)

def in_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]

"""


def start(folder: Path, code: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XT_")}
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcome(folder: Path, code: str) -> tuple[str, int]:
    """What a script printed, and how it ended."""
    process = start(folder, code)
    printed, _ = process.communicate()
    return printed, process.returncode


def test_a_training_loop_that_asks_ends_by_itself(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        """
        print(run.should_stop(), flush=True)
        epoch = 0
        while not run.should_stop():
            epoch += 1
        run.log_metrics({"loss": 0.5}, step=1)
        print("stopped, checkpoint saved")
        """,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "False\n"
    process.terminate()
    printed, _ = process.communicate()
    assert (printed, process.returncode) == ("stopped, checkpoint saved\n", 0)
    assert '"values": {"loss": 0.5}' in (tmp_path / "xt_journal.jsonl").read_text()


def test_a_script_that_never_asks_is_ended_by_sigterm(tmp_path: Path) -> None:
    code = """
    run.log_metrics({"loss": 0.5})
    print("logged", flush=True)
    terminate()
    print("still here")
    """
    assert outcome(tmp_path, code) == ("logged\n", -signal.SIGTERM)


def test_the_answer_stays_and_is_the_same_for_every_run_object(tmp_path: Path) -> None:
    code = """
    run.should_stop()
    terminate()
    print(run.should_stop(), run.should_stop(), Run().should_stop())
    """
    assert outcome(tmp_path, code) == ("True True True\n", 0)


def test_the_scripts_own_handler_is_called_too(tmp_path: Path) -> None:
    code = """
    signal.signal(signal.SIGTERM, lambda number, frame: print("mine", number == signal.SIGTERM))
    run.should_stop(), run.should_stop()
    terminate()
    print(run.should_stop())
    """
    assert outcome(tmp_path, code) == ("mine True\nTrue\n", 0)


def test_a_handler_that_exits_still_does(tmp_path: Path) -> None:
    code = """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
    run.should_stop()
    terminate()
    print("still here")
    """
    assert outcome(tmp_path, code) == ("", 7)


def test_where_sigterm_was_ignored_it_sets_the_flag(tmp_path: Path) -> None:
    code = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    run.should_stop()
    terminate()
    print(run.should_stop())
    """
    assert outcome(tmp_path, code) == ("True\n", 0)


def test_a_handler_installed_later_takes_its_place(tmp_path: Path) -> None:
    code = """
    run.should_stop()
    signal.signal(signal.SIGTERM, lambda number, frame: print("later"))
    terminate()
    print(run.should_stop())
    """
    assert outcome(tmp_path, code) == ("later\nFalse\n", 0)


def test_another_thread_installs_nothing(tmp_path: Path) -> None:
    code = """
    print(in_thread(run.should_stop))
    print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, flush=True)
    terminate()
    print("still here")
    """
    assert outcome(tmp_path, code) == ("False\nTrue\n", -signal.SIGTERM)


def test_another_thread_reads_the_flag(tmp_path: Path) -> None:
    code = """
    run.should_stop()
    terminate()
    print(in_thread(run.should_stop))
    """
    assert outcome(tmp_path, code) == ("True\n", 0)


@pytest.mark.parametrize("call", ["work()", "in_thread(work)"])
def test_a_forked_worker_ends_on_sigterm(tmp_path: Path, call: str) -> None:
    code = f"""
    run.should_stop()
    def work():
        pid = os.fork()
        if pid == 0:
            terminate()
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print({call}, run.should_stop())
    """
    assert outcome(tmp_path, code) == ("-15 False\n", 0)


def test_a_forked_worker_may_ask_for_itself(tmp_path: Path) -> None:
    code = """
    run.should_stop()
    pid = os.fork()
    if pid == 0:
        before = run.should_stop()
        terminate()
        os._exit(10 * before + run.should_stop())
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), run.should_stop())
    """
    assert outcome(tmp_path, code) == ("1 False\n", 0)


def test_a_fork_takes_over_the_flag_and_the_scripts_handler(tmp_path: Path) -> None:
    code = """
    signal.signal(signal.SIGTERM, lambda number, frame: print("mine", flush=True))
    run.should_stop()
    terminate()
    pid = os.fork()
    if pid == 0:
        terminate()
        os._exit(run.should_stop())
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    assert outcome(tmp_path, code) == ("mine\nmine\n1\n", 0)


def test_a_pool_of_forked_workers_can_be_terminated(tmp_path: Path) -> None:
    code = """
    import multiprocessing
    run.should_stop()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(abs, [-1, 2]))
    print(run.should_stop())
    """
    assert outcome(tmp_path, code) == ("[1, 2]\nFalse\n", 0)


def test_the_signal_module_is_loaded_by_the_first_call_only(tmp_path: Path) -> None:
    program = """\
import sys
from xt_core import Run
print("signal" in sys.modules, Run().should_stop(), "signal" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False False True\n"
