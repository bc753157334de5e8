"""A process that suggests: `python -m xt_core.search.worker`.

It speaks JSON lines, so that a sampler that takes seconds, or dies, never holds up its controller.
The first line is a `SearchSpec`; then, in any order,

    {"tell": [trial, …]}   no answer
    {"ask": run_index}     {"run_index": n, "hparams": {…}, "notes": {…}},
                           or {"run_index": n, "error": "…"}

Invariants: one answer for each question, in their order; standard output carries nothing else; an
algorithm that fails or a trial that cannot be read does not end the worker. It ends at the end of
its input, and with exit code 2 at once, after {"error": "…"}, if the spec is not good.
"""

import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from typing import Any, TextIO

from xt_core.errors import ExitCode, UsageError
from xt_core.model.encoding import dumps, loads
from xt_core.search.spec import SearchSpec
from xt_core.search.suggest import Suggester, suggester
from xt_core.search.trials import Trial

Answer = dict[str, Any]


def serve(questions: Iterable[str], answers: TextIO) -> int:
    """Answer until the questions end; returns the exit code."""
    lines = iter(questions)
    try:
        search = suggester(SearchSpec.from_json(loads(next(lines))))
    except StopIteration:
        return ExitCode.OK
    except (UsageError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        _write(answers, {"error": _line(error)})
        return ExitCode.USAGE
    for line in lines:
        answer = _handle(search, line)
        if answer is not None:
            _write(answers, answer)
    return ExitCode.OK


def _handle(search: Suggester, line: str) -> Answer | None:
    try:
        message = loads(line)
    except ValueError as error:
        return {"error": f"not JSON: {_line(error)}"}
    if isinstance(message, Mapping) and isinstance(message.get("tell"), list):
        for trial in message["tell"]:
            _tell(search, trial)
        return None
    if isinstance(message, Mapping) and isinstance(message.get("ask"), int):
        return _ask(search, message["ask"])
    return {"error": "neither a list to tell nor a run_index to ask for"}


def _tell(search: Suggester, trial: Any) -> None:
    try:
        search.tell([Trial.from_json(trial)])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        print(f"xt: search: trial left out: {_line(error)}", file=sys.stderr)


def _ask(search: Suggester, run_index: int) -> Answer:
    try:
        suggestion = search.suggest(run_index)
    except Exception as error:  # a sampler may raise anything
        return {"run_index": run_index, "error": _line(error)}
    return {"run_index": run_index, "hparams": suggestion.hparams, "notes": suggestion.notes}


def _line(error: Exception) -> str:
    """The error in one line; the class only where its text alone says little."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UsageError) else f"{type(error).__name__}: {text}"


def _write(answers: TextIO, answer: Answer) -> None:
    answers.write(dumps(answer) + "\n")
    answers.flush()


def main() -> int:
    answers = sys.stdout
    with redirect_stdout(sys.stderr):  # what an algorithm may print
        return serve(sys.stdin, answers)


if __name__ == "__main__":
    sys.exit(main())
