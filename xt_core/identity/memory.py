"""The place for what must be gone at the end of an OS session: memory, open to the user alone.

On Linux a folder of a tmpfs, which no reboot outlives (the system may swap it out). It is named by
the boot and the login session, so that another session finds nothing there.
"""

import contextlib
import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")
_LIVING_SESSIONS = Path("/run/systemd/sessions")
_IN_MEMORY = {"tmpfs", "ramfs"}
_NO_SESSION = "4294967295"
_UNSAFE = re.compile(r"[^A-Za-z0-9]")
_BOOT_LETTERS = 8


def session_folder(environ: Mapping[str, str], shared_memory: Path = _SHARED_MEMORY) -> Path | None:
    """Where this session may keep secrets; None if the system has no such place.

    The folder is the caller's to make, by `make_private`; those above it are there.
    """
    if not sys.platform.startswith("linux"):
        return None
    for folder in _candidates(environ, shared_memory):
        with contextlib.suppress(OSError):
            make_private(folder)
            if is_in_memory(folder):
                return folder / session_name(environ)
    return None


def _candidates(environ: Mapping[str, str], shared_memory: Path) -> list[Path]:
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    own = [Path(runtime)] if runtime.startswith("/") else []
    good = [folder for folder in own if _is_private(folder) and is_in_memory(folder)]
    places = [folder / "xt" for folder in good]
    if shared_memory.is_dir() and is_in_memory(shared_memory):
        places.append(shared_memory / f"xt-{os.getuid()}")
    return places


def make_private(folder: Path) -> None:
    """Make a folder that only the user may open. Raises OSError where one of that name is not:
    another's, a link, or open to others."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not _is_private(folder):
        raise PermissionError(f"{folder} is not a folder of this user alone")


def _is_private(folder: Path) -> bool:
    """Whether it is a folder, not a link to one, of this user, and closed to others."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return is_own and not found.st_mode & 0o077


def is_in_memory(folder: Path) -> bool:
    """Whether a folder lies on a file system that is in memory, as the kernel tells."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if fields.split()[2] == number:
            return rest.split()[0] in _IN_MEMORY
    return False


def session_name(environ: Mapping[str, str]) -> str:
    """The boot and the login session; without login sessions, as in a container, the boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:_BOOT_LETTERS]
    session = environ.get("XDG_SESSION_ID") or _audit_session()
    return f"{boot}-{_UNSAFE.sub('_', session)[:32]}" if session else boot


def _audit_session() -> str:
    """The kernel's number of the login session, "" for none."""
    try:
        number = Path("/proc/self/sessionid").read_text().strip()
    except OSError:
        return ""
    return "" if number == _NO_SESSION else number


def remove_ended(folder: Path, living: Path = _LIVING_SESSIONS) -> None:
    """Remove what sessions that have ended left beside a session's folder.

    Only where the system lists its sessions; elsewhere a reboot removes it.
    """
    if not living.is_dir():
        return
    boot, _, own = folder.name.partition("-")
    if not (living / own).exists():  # sessions are counted in another way here
        return
    import shutil

    for other in folder.parent.iterdir():
        other_boot, _, session = other.name.partition("-")
        if other_boot != boot or (session and not (living / session).exists()):
            shutil.rmtree(other, ignore_errors=True)
