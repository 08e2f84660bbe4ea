"""95 % intervals of a differential: of every cause and complication, over draws of the numbers.

Not here: the draws (`model/draws.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from model.build import Model
from model.drawn import drawn_posteriors
from model.evidence import Evidence
from model.intervals import Interval, interval
from priors.records import CAUDA_EQUINA, CAUSE, PRESENT


@dataclass(frozen=True, slots=True)
class Bands:
    """The 95 % interval of every posterior at one point of a case.

    Parameters
    ----------
    posterior : mapping of str to Interval
        Of P(cause | evidence), in the order of the causes.
    complications : mapping of str to Interval
        Of P(complication present | evidence).
    """

    posterior: Mapping[str, Interval]
    complications: Mapping[str, Interval]

    def as_dict(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the intervals as the object that `--json` prints."""
        return {
            "posterior": {name: asdict(found) for name, found in self.posterior.items()},
            "complications": {name: asdict(found) for name, found in self.complications.items()},
        }


def bands(model: Model, evidence: Evidence) -> Bands:
    """Return the 95 % interval of every cause and complication over the model's draws.

    Parameters
    ----------
    model : Model
        Its draws are made, or read from the cache, at the first call.
    evidence : Evidence
        What is known.

    Returns
    -------
    Bands
        What the uncertainty of the numbers leaves open; not a confidence in the model's structure.

    Raises
    ------
    ImpossibleEvidence, UnknownName, BadEvidence
        See `model.drawn.drawn_posteriors`.
    """
    draws = model.draws
    answer = drawn_posteriors(model.network, draws, evidence, (CAUSE, CAUDA_EQUINA))
    cause, complication = answer.posteriors
    replicates = draws.settings.replicates
    by_cause = {state: interval(probs, replicates) for state, probs in zip(cause.states, cause.probs, strict=True)}
    present = complication.probs[complication.states.index(PRESENT)]
    return Bands(MappingProxyType(by_cause), MappingProxyType({CAUDA_EQUINA: interval(present, replicates)}))
