"""Whether a team's services answer: a round trip to each, and how long it took."""

import time
from collections.abc import Callable
from typing import Any

from xt_core.errors import XTError
from xt_core.session import Session


def team_document(session: Session) -> dict[str, Any]:
    """The team in use, with the keys of `xt view team --json`. Raises nothing for a service that
    does not answer: its `error` says why."""
    team = session.team
    stats, artifacts = team.mongo, team.storage
    document: dict[str, Any] = {
        "team": team.name,
        "services": [
            {"role": "stats", "name": "embedded" if stats is None else stats.name}
            | _round_trip(lambda: session.store.workspaces()),
            {"role": "artifacts", "name": "embedded" if artifacts is None else artifacts.name}
            | _round_trip(lambda: list(session.artifacts.list("", 1))),
        ],
    }
    if all(service["error"] is None for service in document["services"]):
        jobs = session.store.jobs()
        document["jobs"] = len(jobs)
        document["runs"] = sum(count for _, count in session.store.workspaces())
        document["members"] = sorted({job.username for job in jobs})
    return document


def team_lines(document: dict[str, Any]) -> list[str]:
    """The document as text."""
    lines = [f"team {document['team']}"]
    for service in document["services"]:
        state = service["error"] or f"answers in {service['milliseconds']:.0f} ms"
        lines.append(f"  {service['role']:<10} {service['name']}: {state}")
        if service["hint"]:
            lines.append(f"  {'':<10} {service['hint']}")
    if "members" in document:
        members = ", ".join(document["members"]) or "none yet"
        lines.append(f"  {document['jobs']} jobs, {document['runs']} runs; members seen: {members}")
    return lines


def _round_trip(ask: Callable[[], object]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        ask()
    except XTError as error:
        return {"milliseconds": None, "error": error.message, "hint": error.hint}
    took = (time.perf_counter() - began) * 1000
    return {"milliseconds": round(took, 1), "error": None, "hint": ""}
