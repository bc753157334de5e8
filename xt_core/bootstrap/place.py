"""What an XT that was brought to a box by `bootstrap` knows of itself."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _record() -> dict[str, Any]:
    try:
        text = (Path(sys.prefix) / "installation.json").read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(json.loads(text))


def installation() -> str:
    """The name of the installation that this process belongs to; "" where a user installed XT."""
    return Path(sys.prefix).name if _record() else ""


def layers() -> list[str]:
    """The digests of what that installation is made of."""
    return list(_record().get("layers", []))


def run_library() -> str | None:
    """The folder from which runs import `xt_core`, which their environments need not have."""
    library = _record().get("library")
    return None if library is None else str(library)
