"""The terminal that XT runs in: one that goes away takes XT with it."""

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import Xt, is_alive, wait_until
from terminal_support import terminal

from xt_tui.terminal import Output

HANGUP = 128 + signal.SIGHUP
COMMANDS = {
    "of-its-own": ["setsid", "--ctty", sys.executable, "-m", "xt_core"],
    "of-a-shell": ["setsid", "--ctty", "sh", "-c", f"{sys.executable} -m xt_core; exit $?"],
    "without-a-signal": [sys.executable, "-m", "xt_core"],
}


@pytest.mark.parametrize("how", COMMANDS)
def test_xt_ends_when_its_terminal_is_closed(xt: Xt, how: str) -> None:
    ours, its = pty.openpty()
    environ = xt.environ | {"TERM": "xterm-256color"}
    process = subprocess.Popen(
        COMMANDS[how], stdin=its, stdout=its, stderr=its, cwd=xt.code, env=environ,
        start_new_session=how == "without-a-signal",
    )  # fmt: skip
    os.close(its)
    try:
        seen = b""
        while b"no runs yet" not in seen:
            seen += os.read(ours, 1 << 16)
        os.write(ours, b"n")
        os.close(ours)
        uis = [pid for pid in xt.processes() if b"xt_core" in command_of(pid)]
        wait_until(lambda: not any(is_alive(pid) for pid in uis), "XT to end")
        assert process.wait() in {HANGUP, -signal.SIGHUP}  # the latter of a shell
    finally:
        process.kill()
        process.wait()


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_xt_that_was_stopped_from_outside_goes_on_as_it_was(xt: Xt, tmp_path: Path) -> None:
    with terminal(xt, tmp_path) as own:
        own.shows("no runs yet")
        os.kill(own.pid, signal.SIGSTOP)
        wait_until(lambda: own.is_stopped, "XT to stop")
        for _ in range(3):  # they come while it is at work, or goes on
            os.kill(own.pid, signal.SIGCONT)

        def takes_keys() -> bool:
            own.press("n")  # one that comes before it has gone on is lost
            return "Launch a run or a search" in own.screen()

        wait_until(takes_keys, "XT to go on")
        own.press("Escape")
        own.lacks("Launch a run or a search")
        own.leave()


def test_where_the_locale_has_not_all_characters_ascii_is_drawn(xt: Xt, tmp_path: Path) -> None:
    xt.environ |= {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    with terminal(xt, tmp_path) as own:
        own.shows("no runs yet", "+- 2 Jobs", "* live")
        assert own.screen().isascii()
        own.leave()


def test_output_waits_for_a_terminal_that_is_slow_and_was_made_not_to_wait() -> None:
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    text = "".join(f"line {number} ✔\n" for number in range(20_000))
    with open(source, encoding="utf-8") as reader, open(sink, "w", encoding="utf-8") as file:
        output = Output(file, lambda: pytest.fail("it is there"))
        read: list[str] = []
        thread = threading.Thread(target=lambda: read.append(reader.read(len(text))))
        assert output.write(text) == len(text)
        thread.start()
        output.flush()
        thread.join()
        assert read == [text]
        assert not output.is_gone


def test_output_of_a_terminal_that_is_gone_goes_nowhere() -> None:
    ours, its = pty.openpty()
    gone: list[str] = []
    with open(its, "w", encoding="utf-8") as file:
        output = Output(file, lambda: gone.append("gone"))
        output.write("seen")
        output.flush()
        assert os.read(ours, 100) == b"seen"
        os.close(ours)
        for _ in range(3):
            output.write("unseen")
            output.flush()
        assert output.is_gone
    assert gone == ["gone"]
