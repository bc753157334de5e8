"""The error of a search space, which knows what parameter it is about.

Invariant: its message names the parameter and, where something was written, what was written.
"""

from xt_core.errors import UsageError


class HyperparameterError(UsageError):
    """A hyperparameter is wrong; `name` is its dotted name, by which a file finds its line."""

    def __init__(self, name: str, what: str, written: str = "", hint: str = "") -> None:
        place = f", in {written!r}" if written else ""
        super().__init__(f"hyperparameter {name}: {what}{place}", hint)
        self.name = name
