"""How long to leave a service alone that does not answer: twice as long after each failure.

With jitter, so that the nodes of a team do not all come back to it at the same moment.
"""

import random

from xt_core.errors import ConfigError, RefusedError, UnavailableError, XTError

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 30.0


class Backoff:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self.failures = 0

    def after_failure(self) -> float:
        """Seconds to wait after one more failure."""
        pause = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**self.failures)
        self.failures += 1
        return pause * random.uniform(0.5, 1.0)

    def after_success(self) -> bool:
        """Start anew; whether there had been failures."""
        had_failed, self.failures = self.failures > 0, 0
        return had_failed


def may_pass(error: XTError) -> bool:
    """Whether waiting may help: the service is away, or a client may yet correct its access."""
    return isinstance(error, UnavailableError | RefusedError | ConfigError)
