"""XT's configuration: its schema, its layers, and the files that hold it.

What only `xt config` needs is loaded on use.
"""

from typing import TYPE_CHECKING

from xt_core.config.loader import config_files, load_config
from xt_core.config.settings import Box, ComputeTarget, Config, Setup

if TYPE_CHECKING:
    from xt_core.config.edit import write_setting
    from xt_core.config.template import default_config_text

__all__ = [
    "Box",
    "ComputeTarget",
    "Config",
    "Setup",
    "config_files",
    "default_config_text",
    "load_config",
    "write_setting",
]


def __getattr__(name: str) -> object:
    if name == "write_setting":
        from xt_core.config.edit import write_setting

        return write_setting
    if name == "default_config_text":
        from xt_core.config.template import default_config_text

        return default_config_text
    raise AttributeError(f"module 'xt_core.config' has no attribute {name!r}")
