"""What a job says of the data or model that its runs work with; part of its MRC."""

from dataclasses import dataclass

DOWNLOAD, MOUNT, NONE = "download", "mount", "none"
ACTIONS = (NONE, DOWNLOAD, MOUNT)


@dataclass(frozen=True)
class ShareUse:
    """A version of a share, or a folder of this machine that is used where it is.

    The version is pinned by its manifest's digest: a later upload to the share changes nothing of
    a job, however often its runs are started.
    """

    action: str
    """DOWNLOAD or MOUNT."""
    writable: bool = False
    """Each run has a copy of its own, to write to; a folder used where it is needs none."""
    folder: str = ""
    """The folder that is used where it is, absolute; then there is no share."""
    share: str = ""
    root: str = ""
    """The share's folder in the artifact store."""
    manifest: str = ""
    files: int = 0
    bytes: int = 0
    store_folder: str = ""
    """With MOUNT: the folder in which nodes see `root`."""
