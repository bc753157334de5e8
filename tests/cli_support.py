"""Commands run in the test's own process."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from xt_core.cli.main import main


@dataclass
class Answer:
    """What a command printed."""

    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Commands:
    """`xt` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str, code: int = 0) -> Answer:
        got = main(list(args))
        out, err = self._capsys.readouterr()
        assert got == code, f"xt {args}: exit {got}\n{out}\n{err}"
        return Answer(out, err)
