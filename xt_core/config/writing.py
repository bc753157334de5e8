"""Writing configuration files so that readers see the old text or the whole new one."""

import os
from pathlib import Path

from xt_core.errors import RefusedError


def replace_text(file: Path, text: str, *, durable: bool) -> None:
    """Write a file, made with its folder if need be; its mode stays, a link is replaced.

    With `durable` the text is on the disk before the file has it. Raises RefusedError.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            if file.exists():
                temporary.chmod(file.stat().st_mode & 0o7777)
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RefusedError(
            f"cannot write {file}: {error.strerror}", "check the folder's permissions"
        ) from error
