"""Choices of which one is taken: which, is told by a sign, not by a colour alone."""

from textual.content import Content
from textual.widgets import RadioButton


class OneOf(RadioButton):
    """``(●)`` or ``( )`` before its text."""

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("(●)" if self.value else "( )", style)
