"""Controllers that are not as they should be: a wrong clock, little patience, a sudden death."""

import os
import sys
from pathlib import Path
from textwrap import dedent

from support import Xt, wait_until

_START = """
import sys
if "--node" in sys.orig_argv and "controller" in sys.orig_argv:
    node = sys.orig_argv[sys.orig_argv.index("--node") + 1]
    from alteration import alter
    alter(node)
"""


def alter_controllers(xt: Xt, folder: Path, statements: str) -> None:
    """Have every controller that is started from now on run Python statements at its start.

    `node` is the name of its node; `folder` is made for the code.
    """
    folder.mkdir()
    body = "".join(f"    {line}\n" for line in dedent(statements).strip().splitlines())
    (folder / "alteration.py").write_text(f"def alter(node):\n{body}")
    (folder / "sitecustomize.py").write_text(_START)
    known = [str(folder), *filter(None, [xt.environ.get("PYTHONPATH")]), *_import_roots()]
    xt.environ["PYTHONPATH"] = os.pathsep.join(known)


def _import_roots() -> list[str]:
    """Where this test's own packages are: a start-up file is run before the others are found."""
    return [str(Path(sys.modules["xt_core"].__path__[0]).parent)]


def die_once_after(xt: Xt, folder: Path, node: str, function: str, *, before: bool = False) -> None:
    """Have the controller of a node end itself by SIGKILL, once, at a function's first return.

    `function` is `module:attribute.path`; with `before`, it dies at the first call instead.
    """
    module, _, path = function.partition(":")
    alter_controllers(
        xt,
        folder,
        f"""
        import functools, importlib, inspect, os, signal
        *owners, name = {path.split(".")!r}
        owner = importlib.import_module({module!r})
        for each in owners:
            owner = getattr(owner, each)
        function = getattr(owner, name)
        def die():
            try:
                os.close(os.open({str(folder / "died")!r}, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)
        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def deadly(*args, **kwargs):
                if {before}:
                    die()
                result = await function(*args, **kwargs)
                die()
                return result
        else:
            @functools.wraps(function)
            def deadly(*args, **kwargs):
                if {before}:
                    die()
                result = function(*args, **kwargs)
                die()
                return result
        if node == {node!r}:
            setattr(owner, name, deadly)
        """,
    )


def wait_for_death(folder: Path) -> None:
    """Wait until the controller has ended itself."""
    wait_until((folder / "died").exists, "the controller to have ended itself")
