"""The declaration of the sections `data` and `model`, whose properties have the same meanings."""

from xt_core.config.forms import NOT_BLANK
from xt_core.config.properties import Kind, Property, Section
from xt_core.shares.names import SHARE_NAME, SHARE_NAME_HELP
from xt_core.shares.use import ACTIONS


def share_section(kind: str, what: str) -> Section:
    """The section of a kind, `data` or `model`; `what` is what it holds."""
    variable = kind.upper()
    properties = {
        "local": Property(
            Kind.STRING,
            None,
            "A folder of this machine: what to upload, or without a share what runs use in place.",
            nullable=True,
            pattern=NOT_BLANK,
            pattern_help="some text",
        ),
        "upload": Property(
            Kind.BOOLEAN,
            False,
            "Whether to upload what has changed of the folder at submission.",
            env=f"XT_{variable}_UPLOAD",
        ),
        "share-path": Property(
            Kind.STRING,
            None,
            "The share in the team's storage; with null named like the uploaded folder.",
            nullable=True,
            pattern=SHARE_NAME,
            pattern_help=SHARE_NAME_HELP,
        ),
        "action": Property(
            Kind.STRING,
            None,
            "How nodes get the share: none, download (once for all runs), or mount (use the "
            "storage's files in place); with null mount where this machine is the storage, else "
            "download.",
            nullable=True,
            choices=ACTIONS,
        ),
        "omit": Property(
            Kind.STRINGS, [], "Names and patterns of files and folders not to upload."
        ),
        "writable": Property(
            Kind.BOOLEAN, False, "Whether each run gets a copy of the share, to write to."
        ),
    }
    return Section(
        f"The {what} that runs find in the folder XT_{variable}_DIR, shared by jobs.",
        {f"{kind}-{name}": declared for name, declared in properties.items()},
    )
