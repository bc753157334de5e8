"""What a controller tells as it comes: consoles, samples, changes. Each ends when the controller
does, or when any thread closes it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import NoReturn

from xt_core.errors import UnavailableError
from xt_core.model.samples import Sample, sample_from
from xt_core.nodes.http import UnixConnection


@dataclass
class OutputStream:
    """A console from byte `offset` on."""

    offset: int
    _response: HTTPResponse
    _connection: UnixConnection

    def chunks(self) -> Iterator[bytes]:
        """Bytes as they come, until the run ends; UnavailableError if the controller goes."""
        while data := self._response.read1(1 << 20):
            self.offset += len(data)
            yield data

    def close(self) -> None:
        """End the stream, from any thread."""
        self._connection.shut_down()


class _LineStream:
    """An answer of lines; `close` ends it, from any thread."""

    def __init__(
        self,
        connection: UnixConnection,
        unavailable: Callable[[Exception], UnavailableError],
        raise_error: Callable[[HTTPResponse], NoReturn],
    ) -> None:
        self._connection, self._unavailable = connection, unavailable
        self._raise_error = raise_error

    def _lines(self) -> Iterator[bytes]:
        try:
            with self._connection.getresponse() as response:
                if response.status != 200:
                    self._raise_error(response)
                while line := response.readline():
                    yield line
        except (OSError, HTTPException) as error:
            raise self._unavailable(error) from error
        finally:
            self._connection.close()

    def close(self) -> None:
        self._connection.shut_down()


class SampleStream(_LineStream):
    """Samples in order, as they come."""

    def __iter__(self) -> Iterator[Sample]:
        for line in self._lines():
            if (sample := sample_from(line)) is not None:
                yield sample


class ChangeStream(_LineStream):
    """One item a change."""

    def __iter__(self) -> Iterator[None]:
        for _ in self._lines():
            yield
