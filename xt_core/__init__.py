"""XT's engine, and the logging API that user scripts import: ``from xt_core import Run``.

Importing this package costs next to nothing and needs only the standard library.
"""

TYPE_CHECKING = False  # as in typing, which costs milliseconds to import

__version__ = "0.1.0"
__all__ = ["Run", "__version__"]

if TYPE_CHECKING:
    from xt_core.user_run import Run


def __getattr__(name: str) -> object:
    if name == "Run":
        from xt_core.user_run import Run

        return Run
    raise AttributeError(f"module 'xt_core' has no attribute {name!r}")
