"""What a submission decides about data and models, from the sections `data` and `model`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.errors import UsageError
from xt_core.session import Session
from xt_core.shares.names import KINDS, SHARE_NAME, SHARE_NAME_HELP, manifest_key, share_root
from xt_core.shares.use import DOWNLOAD, MOUNT, NONE, ShareUse

if TYPE_CHECKING:
    from xt_core.shares.upload import Note, Sent, Version


@dataclass(frozen=True)
class SharePlan:
    """What is to be uploaded of a kind, and what the runs see; `use` lacks the version of what is
    to be uploaded first."""

    kind: str
    use: ShareUse
    folder: Path
    """What to upload, or has been."""
    omit: list[str]
    is_uploaded: bool


def plan_shares(session: Session, boxes: Sequence[str] = ()) -> list[SharePlan]:
    """Check both sections, for runs on this machine and on some boxes; uploads nothing.

    Raises UsageError, UnknownNameError for a share that is not there, and UnavailableError if the
    team's storage is out of reach.
    """
    plans = [_plan(session, kind, boxes) for kind in KINDS]
    return [plan for plan in plans if plan is not None]


def uses_of(plans: list[SharePlan]) -> dict[str, ShareUse]:
    """What the runs see, by kind."""
    return {plan.kind: plan.use for plan in plans if plan.use.action != NONE}


def local_folders(plans: list[SharePlan]) -> list[Path]:
    """The folders of this machine that are uploaded, or used where they are."""
    return [plan.folder for plan in plans if plan.is_uploaded or plan.use.folder]


def upload_shares(
    session: Session, plans: list[SharePlan], note: "Note", sent: "Sent"
) -> dict[str, ShareUse]:
    """Upload what has changed of local folders; what the runs see, every version pinned.

    Raises what `upload_folder` raises.
    """
    return uses_of([_uploaded(session, plan, note, sent) for plan in plans])


def _plan(session: Session, kind: str, boxes: Sequence[str]) -> SharePlan | None:
    config = session.config
    local = config.optional_string(f"{kind}.{kind}-local")
    folder = None if local is None else _folder(session, local)
    name = config.optional_string(f"{kind}.{kind}-share-path")
    is_uploaded = config.boolean(f"{kind}.{kind}-upload")
    action = config.optional_string(f"{kind}.{kind}-action")
    writable = config.boolean(f"{kind}.{kind}-writable")
    if folder is not None and (is_uploaded or name is None):
        _check_folder(session, kind, folder)
    if not is_uploaded and name is None:
        plan = _plan_in_place(kind, folder, action, writable)
        if plan is not None and boxes and action is None:
            raise UsageError(
                f"the {kind} folder {folder} is on this machine, and {boxes[0]} does not see it",
                f"--{kind}-upload brings it there; if it lies there too: --{kind}-action mount",
            )
        return plan
    if name is None:
        name = _name_of(kind, folder)
    if is_uploaded and folder is None:
        raise UsageError(
            f"{kind}-upload without a folder to upload", f"name it: --{kind}-local FOLDER"
        )
    if action is None:
        action = MOUNT if session.access.artifacts is None and not boxes else DOWNLOAD
    if action == MOUNT and boxes and session.access.artifacts is None:
        raise UsageError(
            f"{kind}-action is mount, and {boxes[0]} does not see the storage of this machine",
            f"--{kind}-action download",
        )
    use = ShareUse(action, writable, share=name, root=share_root(kind, name))
    omit = config.strings(f"{kind}.{kind}-omit")
    plan = SharePlan(kind, use, folder or session.cwd, omit, is_uploaded)
    return plan if is_uploaded else _resolved(session, plan)


def _plan_in_place(
    kind: str, folder: Path | None, action: str | None, writable: bool
) -> SharePlan | None:
    """The folder as it lies there, without a share."""
    if action == NONE or (folder is None and action is None):
        return None
    if folder is None or action == DOWNLOAD:
        raise UsageError(
            f"{kind}-action is {action}, and there is no share",
            f"name one with --{kind}-share-path, or upload a folder with --{kind}-upload",
        )
    use = ShareUse(MOUNT, writable, folder=os.fspath(folder))
    return SharePlan(kind, use, folder, [], is_uploaded=False)


def _folder(session: Session, local: str) -> Path:
    return Path(os.path.normpath(session.cwd / Path(local).expanduser()))


def _check_folder(session: Session, kind: str, folder: Path) -> None:
    if not folder.is_dir():
        origin = session.config.origin(f"{kind}.{kind}-local")
        what = "is not a folder" if folder.exists() else "is not there"
        raise UsageError(f"the {kind} folder {folder} {what} ({origin})", "name a folder")


def _name_of(kind: str, folder: Path | None) -> str:
    """What a share is called that nothing names: as the folder."""
    name = "" if folder is None else os.path.basename(os.fspath(folder))
    if folder is not None and not SHARE_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a share: that is {SHARE_NAME_HELP}",
            f"name it: --{kind}-share-path NAME",
        )
    return name


def _uploaded(session: Session, plan: SharePlan, note: "Note", sent: "Sent") -> SharePlan:
    if not plan.is_uploaded:
        return plan
    from hashlib import sha256

    from xt_core.query.formats import counted
    from xt_core.shares.upload import upload_folder
    from xt_core.submit.snapshot.limits import shown_size

    name = sha256(os.fsencode(plan.folder)).hexdigest()[:24]
    cache = session.home.hashes_dir / f"{name}.json"
    told = f"{plan.kind} share {plan.use.share}"
    upload = upload_folder(
        session.artifacts,
        plan.use.root,
        plan.folder,
        plan.omit,
        cache,
        lambda text: note(f"{told}: {text}"),
        sent,
    )
    version = upload.version
    size = f"{counted(version.files, 'file')}, {shown_size(version.bytes)}"
    if not upload.sent_contents:
        note(f"{told}: nothing to upload ({size})")
    return replace(plan, use=_pinned(session, plan, version))


def _resolved(session: Session, plan: SharePlan) -> SharePlan:
    """The plan with the version that the share has now."""
    from xt_core.shares.upload import latest_version

    version = latest_version(session.artifacts, plan.kind, plan.use.root)
    return replace(plan, use=_pinned(session, plan, version))


def _pinned(session: Session, plan: SharePlan, version: "Version") -> ShareUse:
    use = replace(plan.use, manifest=version.manifest, files=version.files, bytes=version.bytes)
    if use.action != MOUNT:
        return use
    path = session.artifacts.local_path(manifest_key(use.root, version.manifest))
    if path is None:
        raise UsageError(
            f"{plan.kind}-action is mount, and the team's storage keeps no files that nodes see",
            f"--{plan.kind}-action download",
        )
    return replace(use, store_folder=os.fspath(path.parent.parent))
