"""Which packages a controller needs on a box, by what it will do there."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from xt_core.bootstrap.pythons import Python
from xt_core.errors import UnavailableError
from xt_core.services.stores import BlobAccess, MongoAccess, StoreAccess

BASE, MONGO, BLOB, SEARCH = "base", "mongo", "blob", "search"
ROOTS: Mapping[str, tuple[str, ...]] = {
    BASE: ("aiohttp", "asyncinotify", "pyyaml"),
    MONGO: ("pymongo",),
    BLOB: ("azure-storage-blob",),
    SEARCH: ("cmaes", "optuna", "scipy"),
}
"""What is imported by name. Each is a layer of its own: an upgrade of one does not send all."""

Find = Callable[[str], Distribution | None]


def needs_of(access: StoreAccess, *, searches: bool) -> list[str]:
    """The layers of packages for a team's stores; with `searches` also for jobs whose sets of
    hyperparameters are chosen on the node (dynamic searches)."""
    needs = [BASE]
    if isinstance(access.stats, MongoAccess):
        needs.append(MONGO)
    if isinstance(access.artifacts, BlobAccess):
        needs.append(BLOB)
    if searches:
        needs.append(SEARCH)
    return needs


def installed(name: str) -> Distribution | None:
    """The package of that name on this machine."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def closure(
    roots: Iterable[str], python: Python, find: Find = installed
) -> dict[str, Distribution | None]:
    """Packages with all that they require for a Python, by their normalized names, in order.

    None stands for what this machine has no need of. Raises UnavailableError where a root itself is
    not there, which says that this installation of XT is damaged.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    environment = python.marker_environment()
    pending: list[tuple[str, frozenset[str]]] = []
    for root in roots:
        if python.system != "linux" and root == "asyncinotify":
            continue
        if find(root) is None:
            raise UnavailableError(f"{root} is not installed here", "install XT anew")
        pending.append((root, frozenset()))
    found: dict[str, Distribution | None] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    while pending:
        name, extras = pending.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        package = found[canonicalize_name(name)] = find(name)
        for text in (package.requires if package is not None else None) or []:
            required = Requirement(text)
            chosen = extras or {""}
            if required.marker is None or any(
                required.marker.evaluate(environment | {"extra": extra}) for extra in chosen
            ):
                pending.append((required.name, frozenset(required.extras)))
    return dict(sorted(found.items()))
