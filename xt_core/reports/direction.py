"""What a metric's name tells: whether more or less of it is better, and how well it judges runs."""

import re
from collections.abc import Sequence

_MORE_IS_BETTER = re.compile(
    r"acc|accuracy|auc|auroc|auprc|bleu|dice|f1|iou|map|mrr|ndcg|precision|psnr|r2|recall|return"
    r"|reward|rouge|score|ssim|success|throughput|winrate"
)
_QUALITIES = (
    re.compile(rf"(?!throughput)(?:{_MORE_IS_BETTER.pattern})"),
    re.compile(r"loss|losses|err|error|perplexity|ppl|nll|mae|mse|rmse|wer|cer|fid|regret"),
)
"""What judges runs, the first kind before the second."""
_BOOKKEEPING = re.compile(r"epochs?|steps?|iter|iteration|lr|time|seconds|norm|memory|throughput")
_VALIDATION = re.compile(r"val|valid|validation|test|eval|dev")


def is_maximized(metric: str, primary: str, maximize: bool) -> bool:
    """Whether the greatest value of a metric is its best: of the job's primary metric as the job
    says, of any other as its name suggests."""
    if metric == primary:
        return maximize
    return any(map(_MORE_IS_BETTER.fullmatch, _words(metric)))


def is_an_error(metric: str) -> bool:
    """Whether a metric's name says that less of it is better: a loss, an error or the like."""
    words, (scores, errors) = _words(metric), _QUALITIES
    return any(map(errors.fullmatch, words)) and not any(map(scores.fullmatch, words))


def likely_primary(metrics: Sequence[str]) -> str:
    """The metric that most likely tells which run is best, by its name: an accuracy (or another
    score) in validation, else a loss (or another error) in validation; else an accuracy, else a
    loss, of whatever; else what is no epoch, time, learning rate or the like. Of several alike it
    is the first."""
    return min(metrics, key=_likeliness)


def _likeliness(metric: str) -> tuple[bool, bool, int, bool]:
    """The less, the likelier."""
    words = _words(metric)
    qualities = (place for place, kind in enumerate(_QUALITIES) if any(map(kind.fullmatch, words)))
    quality = next(qualities, len(_QUALITIES))
    is_none = quality == len(_QUALITIES)
    is_validation = any(map(_VALIDATION.fullmatch, words))
    is_bookkeeping = any(map(_BOOKKEEPING.fullmatch, words))
    return is_none, not is_none and not is_validation, quality, is_bookkeeping


def _words(metric: str) -> list[str]:
    """``valAcc`` and ``val/acc`` are of the words val and acc."""
    return re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", metric).lower())
