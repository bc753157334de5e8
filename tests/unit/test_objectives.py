"""What a search goes by, as users write it."""

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Objective
from xt_core.search.objectives import parse_objectives


def test_each_metric_may_have_a_direction() -> None:
    assert parse_objectives("acc, latency:min,val:loss,x", lambda name: name != "x") == [
        Objective("acc", True),
        Objective("latency", False),
        Objective("val:loss", True),
        Objective("x", False),
    ]


@pytest.mark.parametrize(
    ("text", "hint"), [("loss:down", "as in loss:min"), ("a,acc:Maximize", "as in acc:max")]
)
def test_other_words_for_a_direction_are_refused(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match="a direction is max or min") as caught:
        parse_objectives(text, lambda _: True)
    assert caught.value.hint == hint
