"""What can go wrong, as a user meets it: one line, a hint, and an exit code.

XTError
├── UsageError          2  wrong usage or configuration
│   └── ConfigError     2  a configuration file or value
├── UnknownNameError    3  no such run, job, target, …
├── UnavailableError    4  a service or node could not be reached
├── RefusedError        5  not permitted
└── WorkFailedError     1  the work itself failed
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every headless command."""

    OK = 0
    WORK_FAILED = 1
    USAGE = 2
    UNKNOWN_NAME = 3
    UNAVAILABLE = 4
    REFUSED = 5
    INTERRUPTED = 130


class XTError(Exception):
    """An error meant for the user: what happened and where, and a hint that says what to do."""

    exit_code = ExitCode.WORK_FAILED
    kind = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class WorkFailedError(XTError):
    """The work was carried out and failed."""

    kind = "work-failed"


class UsageError(XTError):
    """A command, option or value is wrong."""

    exit_code = ExitCode.USAGE
    kind = "usage"


class ConfigError(UsageError):
    """A configuration file or value is wrong."""

    kind = "config"


class UnknownNameError(XTError):
    """Nothing of that name exists."""

    exit_code = ExitCode.UNKNOWN_NAME
    kind = "unknown-name"


class UnavailableError(XTError):
    """A service or node could not be reached."""

    exit_code = ExitCode.UNAVAILABLE
    kind = "unavailable"


class RefusedError(XTError):
    """The system or a service did not permit it."""

    exit_code = ExitCode.REFUSED
    kind = "refused"
