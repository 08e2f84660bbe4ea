"""What a folder of priors holds, counted: numbers by kind, share of judgement per cause, sources unused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from priors.records import CAUSE, THRESHOLD, PriorSet


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over the rows of a set of priors.

    Parameters
    ----------
    by_kind : mapping of str to int
        Rows of each kind; a row shared by several causes counts once.
    by_cause : mapping of str to mapping of str to int
        For each cause, the numbers of each kind that it rests on, shared ones included.
    unused : tuple of str
        Sources that no number in force cites.
    """

    by_kind: Mapping[str, int]
    by_cause: Mapping[str, Mapping[str, int]]
    unused: tuple[str, ...]


def summarise(priors: PriorSet) -> Summary:
    """Count the numbers of a set of priors."""
    by_kind = Counter(row.estimate.kind for row in priors.rows)
    by_cause: dict[str, Counter[str]] = {cause: Counter() for cause in priors.structure.cause_names}
    for (key, cause), row in priors.cells.items():
        if key.parameter != THRESHOLD:
            by_cause[key.state if key.node == CAUSE else cause][row.estimate.kind] += 1
    cited = {source for row in priors.rows for source in row.estimate.sources}
    return Summary(
        by_kind=dict(by_kind.most_common()),
        by_cause=by_cause,
        unused=tuple(sorted(set(priors.sources) - cited)),
    )
