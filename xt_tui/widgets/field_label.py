"""The name of a form's field, before it, which says whether the field is wrong."""

from textual.widgets import Label


class FieldLabel(Label):
    """`field` is the name that faults know the field by."""

    def __init__(self, text: str, *, field: str = "", classes: str = "") -> None:
        super().__init__(text, classes=f"field-label {classes}".rstrip(), markup=False)
        self._text, self.field = text, field or text

    def mark(self, *, is_wrong: bool) -> None:
        """Show whether it is wrong; in a sign too, since colours may not be seen."""
        if is_wrong is not self.has_class("wrong"):
            self.set_class(is_wrong, "wrong")
            self.update(f"{self._text} ✘" if is_wrong else self._text)
