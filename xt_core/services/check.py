"""Whether a team's services answer: a round trip to each, and how long it took."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from xt_core.errors import XTError
from xt_core.nodes.concurrently import on_each
from xt_core.session import Session


def team_document(session: Session) -> tuple[dict[str, Any], XTError | None]:
    """The team in use, with the keys of `xt view team --json`, and the first thing that is wrong.

    Raises nothing for a service that does not answer or is set up wrongly: its `error` says why.
    """
    team = session.team
    names = {"stats": team.mongo, "artifacts": team.storage}
    trips, errors = _round_trips(session)
    document: dict[str, Any] = {
        "team": team.name,
        "services": [
            {"role": role, "name": "embedded" if service is None else service.name} | trips[role]
            for role, service in names.items()
        ],
    }
    if errors:
        return document, next(errors[role] for role in names if role in errors)
    jobs = session.store.jobs()
    document["jobs"] = len(jobs)
    document["runs"] = sum(count for _, count in session.store.workspaces())
    document["members"] = sorted({job.username for job in jobs})
    return document, None


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


def _round_trips(session: Session) -> tuple[dict[str, dict[str, Any]], Mapping[str, XTError]]:
    """What came of asking each service, by role, and the errors. They are asked at once: of two
    that do not answer none waits for the other."""
    asks: dict[str, Callable[[], object]] = {
        "stats": lambda: session.store.workspaces(),
        "artifacts": lambda: list(session.artifacts.list("", 1)),
    }
    try:
        _ = session.access  # for both, made once
    except XTError as error:
        failed = _failure(error)
        return dict.fromkeys(asks, failed), dict.fromkeys(asks, error)
    answers = on_each(list(asks), lambda role: _timed(asks[role]))
    failures = {role: _failure(error) for role, error in answers.failures.items()}
    return answers.results | failures, answers.failures


def _timed(ask: Callable[[], object]) -> dict[str, Any]:
    began = time.perf_counter()
    ask()
    took = (time.perf_counter() - began) * 1000
    return {"milliseconds": round(took, 1), "error": None, "hint": ""}


def _failure(error: XTError) -> dict[str, Any]:
    return {"milliseconds": None, "error": error.message, "hint": error.hint}
