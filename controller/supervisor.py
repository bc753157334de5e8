"""The supervisor of one run: a tiny process that owns the user's process and outlives the
controller.

It runs the command in its own session with stdout and stderr on the run's output file, is the
subreaper of whatever the command leaves behind, carries out cancel (SIGTERM, grace, SIGKILL, to
the whole tree), and records start and end in files of the run's control folder:

    launch.json   read: what to run (see `controller.execution`)
    started.json  written once the command's process exists
    taken         made by the first supervisor of this launch; a second one steps back
    cancel.json   read on SIGTERM: {"grace": seconds, "reason": text}
    exit.json     written at the end, in one rename: the exit status and what was used

Standard library only, and no import of XT: it is forked from a small warm process
(`controller.zygote`), and must go on working while XT is being upgraded.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from functools import cache

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_RESERVED_BYTES = 4096
_LEFTOVER_PAUSE = 0.02
_RESET_SIGNALS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
"""All that can be ignored: whoever started XT may have done so, as `nohup` and shells do."""

_LIBC = ctypes.CDLL(None)

JsonObject = dict[str, object]


def become_subreaper() -> None:
    """Adopt orphaned descendants (Linux); elsewhere the process group has to do."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent() -> None:
    """Let this process get SIGTERM when its parent has gone, however that ends (Linux)."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


@cache
def boot_id() -> str:
    """Identifies this boot of the machine: a pid means nothing after another boot."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def process_start_time(pid: int) -> int:
    """When a process started, in the kernel's clock ticks since boot; 0 where it is not known.

    A pid together with this and `boot_id` is never reused.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


def descendants(root: int) -> list[int]:
    """All living processes below `root`, whatever their session or group (zombies left out)."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{entry}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            if fields[0] != b"Z":
                children.setdefault(int(fields[1]), []).append(int(entry))
    found: list[int] = []
    pending = [root]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def find_program(name: str, env: dict[str, str]) -> str:
    """The file that a command's name means, by the PATH of the run's own environment."""
    if "/" in name:
        return name
    for folder in os.get_exec_path(env):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(name)


class Supervisor:
    """Runs one command to its end. `control` is the run's control folder."""

    def __init__(self, control: str) -> None:
        self.control = control
        self.spec = self._read("launch.json")
        self.main_pid = 0
        self.main_status: int | None = None
        self.main_usage: resource.struct_rusage | None = None
        self.cancel: JsonObject | None = None
        self.kill_at: float | None = None
        self.wakeup, wakeup_in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wakeup_in, warn_on_full_buffer=False)

    def run(self, release: int) -> None:
        """Run the command; `release` is the descriptor that holds the launch lock."""
        began = time.time()
        if not self._is_first():
            return
        self._install_signals()
        self._reserve_exit_record()
        error = self._start()
        self._write("started.json", self._identity(began))
        os.close(release)
        if error is None:
            self._wait_for_main()
            self._stop_leftovers()
        self._finish(began, error)

    # Start ------------------------------------------------------------------------------

    def _is_first(self) -> bool:
        """Whether no other supervisor was forked for this launch: a controller that does not know
        whether its request arrived asks again."""
        try:
            os.close(os.open(self._path("taken"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        except FileExistsError:
            return False
        except OSError:
            pass  # no room: the chance of a second one is very small
        return True

    def _install_signals(self) -> None:
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)

    def _start(self) -> str | None:
        """Start the command; what prevented it, else None."""
        output = os.open(
            str(self.spec["output"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644
        )
        command = [str(part) for part in self.spec["argv"]]  # type: ignore[attr-defined]
        env = {str(k): str(v) for k, v in self.spec["env"].items()}  # type: ignore[attr-defined]
        folder = str(self.spec["cwd"])
        what = folder
        try:
            os.chdir(folder)
            what = command[0]
            self.main_pid = os.posix_spawn(
                find_program(what, env),
                command,
                env,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=_RESET_SIGNALS,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            if isinstance(error, FileNotFoundError):
                reason = "not found"
            return f"cannot run {what}: {reason}"
        finally:
            os.close(output)
        return None

    # Wait -------------------------------------------------------------------------------

    def _wait_for_main(self) -> None:
        if request := self._read("cancel.json"):  # its signal came before we could hear it
            self._begin_cancel(request)
        while True:
            self._reap()
            if self.main_status is not None:
                return
            self._sleep_until_something()
            self._enforce()

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.main_pid:
                self.main_status, self.main_usage = status, usage

    def _sleep_until_something(self, longest: float | None = None) -> None:
        timeout = longest
        if self.kill_at is not None:
            until_kill = max(0.0, self.kill_at - time.monotonic())
            timeout = until_kill if longest is None else min(longest, until_kill)
        select.select([self.wakeup], [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            if signal.SIGTERM in os.read(self.wakeup, 4096):
                self._begin_cancel(self._read("cancel.json"))

    def _begin_cancel(self, request: JsonObject) -> None:
        grace = request.get("grace", 10.0)
        kill_at = time.monotonic() + (grace if isinstance(grace, int | float) else 10.0)
        if self.cancel is None or self.kill_at is None or kill_at < self.kill_at:
            self.kill_at = kill_at
        if self.main_status is None:  # a command that ended by itself was not cancelled
            self.cancel = self.cancel or request
        self._signal_all(signal.SIGTERM)

    def _enforce(self) -> None:
        now = time.monotonic()
        if self.kill_at is not None and now >= self.kill_at:
            self._kill_tree()
            self.kill_at = now + _LEFTOVER_PAUSE  # again, for what was forked meanwhile

    def _signal_all(self, number: int) -> None:
        targets = descendants(os.getpid())
        for pid in targets:
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        for pid in targets:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)  # a stopped process cannot act on SIGTERM
        if not targets and self.main_pid:
            with contextlib.suppress(OSError):
                os.killpg(self.main_pid, number)

    def _kill_tree(self) -> None:
        for _ in range(50):  # a fork in flight may escape one look
            targets = descendants(os.getpid())
            if not targets:
                return
            for pid in targets:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _stop_leftovers(self) -> None:
        """The command ended: what it left behind ends too, with the same grace."""
        while True:
            self._reap()
            if not self._has_children():
                return
            if self.kill_at is None:
                grace = self.spec.get("grace", 10.0)
                self.kill_at = time.monotonic() + float(grace)  # type: ignore[arg-type]
                self._signal_all(signal.SIGTERM)
            self._sleep_until_something(longest=1.0)
            self._enforce()

    def _has_children(self) -> bool:
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    # Records ----------------------------------------------------------------------------

    def _identity(self, began: float) -> JsonObject:
        pid = os.getpid()
        return {
            "nonce": self.spec["nonce"],
            "pid": pid,
            "start_time": process_start_time(pid),
            "boot_id": boot_id(),
            "main_pid": self.main_pid,
            "main_start_time": process_start_time(self.main_pid),
            "time": began,
        }

    def _finish(self, began: float, error: str | None) -> None:
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        record: JsonObject = {
            "nonce": self.spec["nonce"],
            "started": began,
            "ended": time.time(),
            "cpu_seconds": round(own.ru_utime + own.ru_stime, 6),
            "peak_memory_bytes": own.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            "cancelled": None if self.cancel is None else self.cancel.get("reason", "cancel"),
        }
        if error is not None:
            record |= {"exit_code": 127, "signal": None, "error": error}
        else:
            status = self.main_status or 0
            killer = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
            code = 128 + killer if killer else os.WEXITSTATUS(status)
            record |= {"exit_code": code, "signal": killer, "error": ""}
        self._commit_exit_record(record)

    def _reserve_exit_record(self) -> None:
        """Take the disk space for the exit record now: a run may fill the disk."""
        with contextlib.suppress(OSError), open(self._path("exit.json.new"), "wb") as file:
            file.write(b" " * _RESERVED_BYTES)

    def _commit_exit_record(self, record: JsonObject) -> None:
        data = json.dumps(record).encode().ljust(_RESERVED_BYTES)
        while True:
            try:
                descriptor = os.open(self._path("exit.json.new"), os.O_WRONLY | os.O_CREAT, 0o644)
                try:
                    os.pwrite(descriptor, data, 0)
                finally:
                    os.close(descriptor)
                os.rename(self._path("exit.json.new"), self._path("exit.json"))
                return
            except OSError:
                if not os.path.isdir(self.control):
                    return  # the run was taken away: nobody will ask
                time.sleep(0.5)

    def _path(self, name: str) -> str:
        return os.path.join(self.control, name)

    def _read(self, name: str) -> JsonObject:
        try:
            with open(self._path(name), "rb", buffering=0) as file:
                content = json.loads(file.read())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, name: str, content: JsonObject) -> None:
        with contextlib.suppress(OSError):
            with open(self._path(name + ".new"), "wb", buffering=0) as file:
                file.write(json.dumps(content).encode())
            os.rename(self._path(name + ".new"), self._path(name))


def supervise(control: str, release: int) -> None:
    """Be the supervisor of the run whose control folder is given; returns when it has ended."""
    os.setsid()
    become_subreaper()
    Supervisor(control).run(release)
