"""What a finding tells about a cause: stated probabilities side by side, as likelihood ratios.

Findings are looked at one by one: no age, no dependence between them, which the network adds. Not here: printing
(`priors/views.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from priors.checks import finding_keys
from priors.records import ABSENT, CAUDA_EQUINA, CAUSE, CONTEXT_NODES, PRESENT, PROBABILITY, Key, PriorSet, Row
from priors.shapes import Finding

COMPARATOR = "disc_herniation"


@dataclass(frozen=True, slots=True)
class Ratios:
    """What the presence and the absence of a finding do to the odds of a cause.

    Parameters
    ----------
    positive, negative : float
        P(present | cause) over P(present | the others), and the same of absent.
    """

    positive: float
    negative: float


@dataclass(frozen=True, slots=True)
class Line:
    """A finding under a cause.

    Parameters
    ----------
    finding, cause : str
        Their names.
    row : Row
        The stated number; where cauda equina matters, the one without it.
    against_disc : Ratios or None
        Against disc herniation; None for disc herniation itself.
    against_rest : Ratios or None
        Against all other causes in the mix of the profile; None where the share of their patients who meet the
        finding's condition depends on several findings at once.
    """

    finding: str
    cause: str
    row: Row
    against_disc: Ratios | None
    against_rest: Ratios | None


def stated_key(finding: Finding) -> Key:
    """Key of the number that stands for a finding: without cauda equina where that matters."""
    return finding_keys(finding)[-1]


def marginal(priors: PriorSet, node: str, cause: str) -> float:
    """Return P(node present | cause), averaged over cauda equina; given its condition where it has one.

    Parameters
    ----------
    priors : PriorSet
        Numbers under a profile.
    node : str
        A finding or the complication.
    cause : str
        A cause.

    Returns
    -------
    float
        Probability.
    """
    if node == CAUDA_EQUINA or not priors.structure.findings[node].cauda_equina:
        return priors.number(Key(PROBABILITY, node, PRESENT), cause)
    share = priors.number(Key(PROBABILITY, CAUDA_EQUINA, PRESENT), cause)
    without, given = (
        priors.number(Key(PROBABILITY, node, PRESENT, f"{CAUDA_EQUINA}={state}"), cause) for state in (ABSENT, PRESENT)
    )
    return (1 - share) * without + share * given


def condition_share(priors: PriorSet, finding: Finding, cause: str) -> float | None:
    """Return P(the finding's condition | cause); None where it joins several nodes, which only the network can.

    Parameters
    ----------
    priors : PriorSet
        Numbers under a profile.
    finding : Finding
        Any finding; one without a condition is always possible.
    cause : str
        A cause.

    Returns
    -------
    float or None
        Probability.
    """
    condition = finding.possible_if
    if condition is None:
        return 1.0
    if len(condition.nodes) > 1:
        return None
    (node,) = condition.nodes
    if node in CONTEXT_NODES:
        return sum(priors.number(Key(PROBABILITY, node, state), cause) for _, state in condition.terms)
    ((_, state),) = condition.terms
    present = marginal(priors, node, cause)
    return present if state == PRESENT else 1 - present


def lines(priors: PriorSet, finding: str) -> tuple[Line, ...]:
    """Return a finding under every cause, in the order of the causes.

    Parameters
    ----------
    priors : PriorSet
        Numbers under a profile, whose prevalences weigh the rest.
    finding : str
        A finding.

    Returns
    -------
    tuple of Line
        One a cause.
    """
    record = priors.structure.findings[finding]
    causes = priors.structure.cause_names
    p = {cause: marginal(priors, finding, cause) for cause in causes}
    shares = {cause: condition_share(priors, record, cause) for cause in causes}
    weights = {
        cause: priors.number(Key(PROBABILITY, CAUSE, cause)) * share
        for cause, share in shares.items()
        if share is not None
    }
    return tuple(
        Line(
            finding=finding,
            cause=cause,
            row=priors.cells[stated_key(record), cause],
            against_disc=None if cause == COMPARATOR or COMPARATOR not in p else _ratios(p[cause], p[COMPARATOR]),
            against_rest=_against_rest(cause, p, weights),
        )
        for cause in causes
    )


def _against_rest(cause: str, p: Mapping[str, float], weights: Mapping[str, float]) -> Ratios | None:
    others = {other: weight for other, weight in weights.items() if other != cause}
    if len(weights) < len(p):
        return None
    return _ratios(p[cause], sum(weight * p[other] for other, weight in others.items()) / sum(others.values()))


def _ratios(p: float, other: float) -> Ratios:
    return Ratios(p / other, (1 - p) / (1 - other))
