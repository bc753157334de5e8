"""Filters written in one line."""

import pytest

from xt_core.errors import UsageError
from xt_core.query.filters import parse_filter
from xt_core.query.filtertext import split_conditions
from xt_core.query.registry import RUN_FIELDS


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("", []),
        ("  \t ", []),
        ("status=error  loss<.1", ["status=error", "loss<.1"]),
        ('notes="a b" adam', ['notes="a b"', "adam"]),
        (r"notes=a\ b adam", ["notes=a b", "adam"]),
        (r"name:regex:run\d+\.[12]$", [r"name:regex:run\d+\.[12]$"]),
        ('"and" "two words"', ['"and"', '"two words"']),
        ('"notes=a b" x', ["notes=a b", "x"]),
        ("'hparams.\"a=b\"<3'", ['hparams."a=b"<3']),
        ('"notes:regex:a b"', ["notes:regex:a b"]),
        ('"a=b","c=d"', ['"a=b","c=d"']),
        ('hparams."it\'s"=2', ['hparams."it\'s"=2']),
        (r"it\'s", ["it's"]),
    ],
)
def test_blanks_separate_unless_they_are_in_quotes(text: str, conditions: list[str]) -> None:
    assert split_conditions(text) == conditions


@pytest.mark.parametrize("text", ["it's", '"', 'a b="c', "'a\"b"])
def test_a_quote_that_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        split_conditions(text)
    assert (refused.value.message, refused.value.hint) == ("a quote is not closed", "close it")


def test_what_joins_conditions_elsewhere_is_a_word_in_quotes() -> None:
    (word,) = split_conditions('"and"')
    assert parse_filter(word, RUN_FIELDS).operand == "and"
    with pytest.raises(UsageError, match="joins no conditions"):
        parse_filter(split_conditions("and")[0], RUN_FIELDS)
