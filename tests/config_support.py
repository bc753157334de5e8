"""A home and a project folder, with configuration files in them."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from xt_core.config import Config, load_config
from xt_core.errors import XTError
from xt_core.home import Home

USER = {"LOGNAME": "alice"}


class Place:
    """A home and a project folder of one test."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root / "home")
        self.project = root / "project"
        self.project.mkdir()
        self.home.root.mkdir()

    @property
    def project_file(self) -> Path:
        return self.project / "xt_config.yaml"

    def write(self, text: str) -> None:
        self.project_file.write_text(dedent(text), encoding="utf-8")

    def load(
        self,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, object] | None = None,
    ) -> Config:
        return load_config(self.home, self.project, {**USER, **(environ or {})}, overrides)

    def error(self, **layers: Mapping[str, str]) -> XTError:
        with pytest.raises(XTError) as caught:
            self.load(**layers)
        return caught.value
