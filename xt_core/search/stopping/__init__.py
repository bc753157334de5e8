"""Early stopping: policies that judge runs by their learning curves, and how to ask for one.

Pure: nothing here reads a clock, a file or a store. A job keeps one policy and its curves; as
points of a run arrive::

    new = curves.add(run, points)
    verdict = policy.judge(run, curves, new)
"""

from xt_core.search.stopping.curves import Curve, CurveStore, Point
from xt_core.search.stopping.policies import StoppingPolicy, Verdict
from xt_core.search.stopping.settings import (
    parse_stopping_option,
    policies,
    policy_from_settings,
    stopping_option,
)

__all__ = [
    "Curve",
    "CurveStore",
    "Point",
    "StoppingPolicy",
    "Verdict",
    "parse_stopping_option",
    "policies",
    "policy_from_settings",
    "stopping_option",
]
