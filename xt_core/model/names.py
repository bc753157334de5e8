"""Names of runs and jobs: `run35`, `run35.2`, `job12`; their numeric order."""

import re

RUN_NAME = re.compile(r"run(\d+)(?:\.(\d+))?")
JOB_NAME = re.compile(r"job(\d+)")
WORKSPACE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,62}")

_NUMBERS = re.compile(r"([0-9]+)")


def run_numbers(name: str) -> tuple[int, int]:
    """(number, child number) of a run name, for numeric order; a top-level run's child is 0.

    Raises ValueError for anything that is not a run name.
    """
    match = RUN_NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"not a run name: {name!r}")
    return int(match[1]), int(match[2] or 0)


def job_number(name: str) -> int:
    """The number of a job name. Raises ValueError for anything else."""
    match = JOB_NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"not a job name: {name!r}")
    return int(match[1])


def counting_order(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """What orders names as people count: `layer2` before `layer10`."""
    texts = _NUMBERS.split(name)  # every second one is a number, of any length
    return [_counted(text) if place % 2 else text for place, text in enumerate(texts)], name


def _counted(digits: str) -> tuple[int, str]:
    number = digits.lstrip("0")
    return len(number), number


def name_in_team(workspace: str, name: str) -> str:
    """What is called so in a workspace, as the whole team calls it: a run by its full name, a job
    (and nothing, "") as it is."""
    is_known_so = not name or "/" in name or JOB_NAME.fullmatch(name)
    return name if is_known_so else f"{workspace}/{name}"


def child_name(parent: str, number: int) -> str:
    """The name of the `number`-th child of a run, counted from 1."""
    return f"{parent}.{number}"
