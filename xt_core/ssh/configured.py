"""What XT's configuration says of boxes and of OpenSSH; nothing is connected to."""

from collections.abc import Mapping
from pathlib import Path

from xt_core.config import Config
from xt_core.errors import ConfigError, UsageError
from xt_core.ssh.address import Address, parse_address
from xt_core.ssh.openssh import OpenSSH


def openssh_of(config: Config, environ: Mapping[str, str]) -> OpenSSH:
    """OpenSSH as the configuration has it."""
    file = config.optional_string("general.ssh-config")
    return OpenSSH(environ, None if file is None else Path(file).expanduser())


def box_address(config: Config, name: str) -> Address:
    """Where a box is.

    Raises UnknownNameError where there is no such box, and UsageError where it has no address or a
    wrong one.
    """
    box = config.box(name)
    if box.address is None:
        here = "is this machine" if name == "local" else "has no address"
        raise UsageError(
            f"box {name} {here}: it is not reached over SSH",
            "xt list boxes shows those that are; xt box add NAME USER@HOST:PORT adds one",
        )
    try:
        return parse_address(box.address, box.port)
    except UsageError as error:
        origin = config.origin(f"boxes.{name}.address")
        raise ConfigError(f"boxes.{name}.address ({origin}): {error.message}", error.hint) from None
