"""Charts saved as a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xt_core.cli.talk import note
from xt_core.errors import UsageError

if TYPE_CHECKING:
    from xt_core.chart.svg import Panel


def save_picture(path: str, panels: "Sequence[Panel]") -> None:
    """Write charts to ``FILE.svg`` or ``FILE.png``. Raises UsageError."""
    from xt_core.chart.svg import to_svg

    kind = path.lower().rpartition(".")[2]
    if kind not in ("svg", "png"):
        raise UsageError(f"--save {path}", "the name of the file ends in .svg or .png")
    document = to_svg(panels).encode()
    content = document if kind == "svg" else _as_png(path, document)
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"--save {path}: {error.strerror}", "name a file to write") from None
    note(f"saved {path}")


def _as_png(path: str, document: bytes) -> bytes:
    try:
        import cairosvg
    except (ImportError, OSError):  # the latter where the library that it loads is not there
        hint = f"pip install 'xt[png]', or --save {path[:-4]}.svg"
        raise UsageError(f"--save {path}: a PNG takes the package cairosvg", hint) from None
    png: bytes = cairosvg.svg2png(bytestring=document, scale=2)
    return png
