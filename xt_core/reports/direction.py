"""Whether more or less of a metric is better."""

import re

_MORE_IS_BETTER = re.compile(
    r"acc|accuracy|auc|auroc|auprc|bleu|dice|f1|iou|map|mrr|ndcg|precision|psnr|r2|recall|return"
    r"|reward|rouge|score|ssim|success|throughput|winrate"
)


def is_maximized(metric: str, primary: str, maximize: bool) -> bool:
    """Whether the greatest value of a metric is its best: of the job's primary metric as the job
    says, of any other as its name suggests."""
    if metric == primary:
        return maximize
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", metric).lower())
    return any(map(_MORE_IS_BETTER.fullmatch, words))
