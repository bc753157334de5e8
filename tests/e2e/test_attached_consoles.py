"""Consoles as the UI keeps them, searched and filtered while they flow: no line is lost or comes
twice, whatever happens on the way."""

import threading
from collections.abc import Callable
from pathlib import Path

from servers.sshd import Network
from support import Xt, wait_until

from xt_core.session import Session
from xt_tui.console.ansi import decoded, plain
from xt_tui.console.attachment import Attachment
from xt_tui.console.index import LineIndex, catch_up
from xt_tui.console.lines import LineBuffer
from xt_tui.console.matching import ErrorMatcher, PatternMatcher, TextMatcher

PARTS, LINES = 4, 20_000
FLOOD = f"""\
import os, sys, time
for part in range({PARTS}):
    while part and not os.path.exists(f"{{sys.argv[1]}}-{{part}}"):
        time.sleep(0.01)
    for start in range(part * {LINES}, (part + 1) * {LINES}, 500):
        data = b"".join(b"\\x1b[32m%d\\x1b[0m line\\n" % n for n in range(start, start + 500))
        while data: data = data[os.write(1, data) :]
        time.sleep(0.005)
"""


class Watched:
    """An attached run whose lines are looked at in a thread, as the output pane does."""

    def __init__(self, session: Session, run: str) -> None:
        self.buffer, self.told = LineBuffer(), list[str]()
        found = session.run("ws1", run)
        self.attachment = Attachment(
            session, found, self.buffer, lambda _: None, lambda _, text: self.told.append(text)
        )
        self.indexes = [
            LineIndex(TextMatcher("99 line"), self.buffer),
            LineIndex(PatternMatcher(r"^\d*7 line$"), self.buffer, context=1),
            LineIndex(ErrorMatcher(), self.buffer),
        ]
        self._looking = threading.Thread(target=self._look)
        self.attachment.start()
        self._looking.start()

    def _look(self) -> None:
        is_last = False
        while not is_last:
            is_last = self.attachment.ended
            catch_up(self.buffer, lambda: self.indexes, 0.001)
            threading.Event().wait(0.01)

    def wait_lines(self, number: int) -> None:
        """Wait until so many are there."""
        wait_until(lambda: self.buffer.end >= number, f"{number} lines, of {self.buffer.end}")

    def ends_whole(self) -> None:
        """Wait for the end, and see that each line is there once, and each match."""
        attachment, buffer = self.attachment, self.buffer
        wait_until(lambda: attachment.ended and not attachment.is_loading, "the end")
        self._looking.join()
        catch_up(buffer, lambda: self.indexes, 0.0)
        assert (attachment.problem, attachment.is_whole) == ("", True)
        first, total = buffer.first, PARTS * LINES
        assert (buffer.end - first, buffer.open_rows) == (total, [])
        lines = [plain(decoded(line)) for line in buffer.lines(first, buffer.end)]
        assert lines == [f"{number} line" for number in range(total)]
        search, pattern, errors = self.indexes
        assert list(search.matches) == list(range(first + 99, buffer.end, 100))
        assert list(pattern.matches) == list(range(first + 7, buffer.end, 10))
        assert len(pattern.shown) == 3 * total // 10
        assert list(errors.matches) == []


def flood(watched: Watched, gate: Path, trouble: Callable[[], object]) -> None:
    """Let the parts come, with trouble in the midst of each."""
    for part in range(1, PARTS):
        watched.wait_lines((part - 1) * LINES + LINES // 4)
        trouble()
        Path(f"{gate}-{part}").touch()
    watched.ends_whole()


def test_a_flood_is_whole_over_kills_of_the_controller(xt: Xt, tmp_path: Path) -> None:
    xt.script("flood.py", FLOOD)
    xt.submit("flood.py", str(tmp_path / "gate"))
    xt.wait_status("run1", "running")
    flood(Watched(xt.session, "run1"), tmp_path / "gate", xt.kill_controller)
    xt.wait_status("run1", "completed")
    Watched(xt.session, "run1").ends_whole()  # as it is stored


def test_a_flood_from_a_box_is_whole_over_drops_of_its_link(
    xt: Xt, network: Network, tmp_path: Path
) -> None:
    box = network.box("gpu1")
    xt.environ["XT_SSH_CONFIG"] = str(network.config_file)
    xt.environ.pop("SSH_AUTH_SOCK", None)
    xt.configure(f'boxes:\n  gpu1: {{address: "{box.place}"}}\n')
    xt.script("flood.py", FLOOD)
    xt.submit("--target", "gpu1", "flood.py", str(tmp_path / "gate"))
    watched = Watched(xt.session, "run1")
    flood(watched, tmp_path / "gate", box.cut)
    assert [text.partition(";")[0] for text in watched.told[::2]] == [
        "the connection to gpu1 was lost"
    ] * len(watched.told[::2])
    assert watched.told
