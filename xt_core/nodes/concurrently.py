"""One call for each of several nodes, at once: what a node does not answer hides nothing of the
others."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from xt_core.errors import UnavailableError, UnknownNameError, XTError

T = TypeVar("T")


@dataclass
class Answers(Generic[T]):
    """What came of the calls, by node: each is in one of the two."""

    results: dict[str, T] = field(default_factory=dict)
    failures: dict[str, XTError] = field(default_factory=dict)

    def raise_failures(self) -> None:
        """One error for all the nodes that failed, naming them; nothing if none did.

        A node that was asked alone has spoken for itself. Of several failures the first node's
        gives the kind and the hint.
        """
        if not self.failures:
            return
        errors = list(self.failures.values())
        if len(self.results) + len(errors) == 1:
            raise errors[0]
        told = "; ".join(_named(node, error.message) for node, error in self.failures.items())
        raise type(errors[0])(told, errors[0].hint) from errors[0]

    def forgive_unknown_names(self) -> None:
        """Where one node knew the name, it matters not that others did not."""
        if self.results:
            self.failures = {
                node: error
                for node, error in self.failures.items()
                if not isinstance(error, UnknownNameError)
            }


def _named(node: str, message: str) -> str:
    """A node's message, which may begin with its name already, as messages of boxes do."""
    return message if message.startswith((f"{node}:", f"{node} (")) else f"{node}: {message}"


def on_each(nodes: Sequence[str], call: Callable[[str], T]) -> Answers[T]:
    """Call for each node, all at once, and wait for all of them.

    The last node's call is made in this thread, so that one node needs no other. An interrupt
    leaves the others' calls behind: they do not keep the process alive.
    """
    answered: dict[str, T | Exception] = {}

    def ask(node: str) -> None:
        try:
            answered[node] = call(node)
        except Exception as error:  # kept for the thread that waits
            answered[node] = error

    threads = [
        threading.Thread(target=ask, args=(node,), name=f"ask {node}", daemon=True)
        for node in nodes[:-1]
    ]
    for thread in threads:
        thread.start()
    for node in nodes[-1:]:
        ask(node)
    for thread in threads:
        thread.join()
    return _sorted_out({node: answered[node] for node in nodes})


def as_they_come(nodes: Sequence[str], call: Callable[[str], T]) -> Iterator[T]:
    """Call for each node, all at once; what they answer, the first one first.

    Who wants no more of them leaves the others' calls behind: they do not keep the process alive.
    """
    answers: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def ask(node: str) -> None:
        try:
            answers.put((call(node), None))
        except Exception as error:  # kept for the thread that waits
            answers.put((None, error))

    for node in nodes:
        threading.Thread(target=ask, args=(node,), name=f"ask {node}", daemon=True).start()
    for _ in nodes:
        answer, error = answers.get()
        if error is not None:
            raise error
        yield cast(T, answer)


def _sorted_out(answered: Mapping[str, T | Exception]) -> Answers[T]:
    """Results and failures apart; what is no failure of a node but a mistake of ours is raised."""
    answers = Answers[T]()
    for node, answer in answered.items():
        if isinstance(answer, OSError):
            answers.failures[node] = UnavailableError(str(answer), "--stack-trace shows where")
        elif isinstance(answer, XTError):
            answers.failures[node] = answer
        elif isinstance(answer, Exception):
            raise answer
        else:
            answers.results[node] = answer
    return answers
