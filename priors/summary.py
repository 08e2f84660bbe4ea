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
    judged : mapping of str to (int, int)
        For each cause, cells that rest on judgement and all its cells.
    unused : tuple of str
        Sources that no number in force cites.
    """

    by_kind: Mapping[str, int]
    judged: Mapping[str, tuple[int, int]]
    unused: tuple[str, ...]


def summarise(priors: PriorSet) -> Summary:
    """Count the numbers of a set of priors."""
    by_kind = Counter(row.estimate.kind for row in priors.rows)
    cells: dict[str, list[bool]] = {cause: [] for cause in priors.structure.cause_names}
    for (key, cause), row in priors.cells.items():
        if key.parameter != THRESHOLD:
            cells[key.state if key.node == CAUSE else cause].append(row.estimate.kind == "judgement")
    cited = {source for row in priors.rows for source in row.estimate.sources}
    return Summary(
        by_kind=dict(by_kind.most_common()),
        judged={cause: (sum(flags), len(flags)) for cause, flags in cells.items()},
        unused=tuple(sorted(set(priors.sources) - cited)),
    )
