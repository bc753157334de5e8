"""Reading the user's code, which others may change meanwhile."""

import contextlib
from collections.abc import Iterator

from xt_core.artifacts.store import storage_error
from xt_core.errors import RefusedError


@contextlib.contextmanager
def readable(path: str) -> Iterator[None]:
    """Pass over what has vanished; raise RefusedError for what may not be read."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        pass
    except PermissionError as error:
        raise RefusedError(
            f"cannot read {path} for the code snapshot: {error.strerror}",
            "make it readable, or leave it out with code.code-omit",
        ) from error
    except OSError as error:
        raise storage_error(error, f"cannot read {path} for the code snapshot") from error
