"""Structure: what double counting would do, whether the claimed independences hold, what each latent is worth.

Put together from `validation/double_counting.py`, `validation/independences.py` and `validation/latents.py`.
Not here: the report's section (`validation/views/dependence.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from model import Model
from priors.records import DEPENDENCE, JUDGEMENT
from validation.cohort import ASSESSED
from validation.double_counting import Overstatement, TiedPair, overstatement, tied_pairs
from validation.independences import CheckedClaim, check_claim, read_claims
from validation.latents import Worth, worth_of_latents
from validation.sections import Progress


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is simulated.

    Parameters
    ----------
    patients : int
        For naive Bayes beside the network.
    worth_patients : int
        For what each latent is worth.
    recorded : float
        Share of the bedside findings recorded when the two models are compared.
    seed : int
        Of patients and of resampling.
    """

    patients: int = 20_000
    worth_patients: int = 10_000
    recorded: float = ASSESSED
    seed: int = 20_261_128


USUAL = Sizes()


@dataclass(frozen=True, slots=True)
class Dependence:
    """What was found of the network's structure.

    Parameters
    ----------
    profile : str
        Under which patients were drawn.
    labels : tuple of (str, str)
        Labels of causes, findings, syndromes and other nodes, for people.
    overstatement : Overstatement
        Naive Bayes beside the network.
    pairs : tuple of TiedPair
        All pairs of findings tied beyond the cause, those that mislead naive Bayes most first.
    claims : tuple of CheckedClaim
        The design's independences.
    worth : tuple of Worth
        What is lost without each latent.
    worth_patients : int
        On how many patients.
    strengths, judged_strengths : int
        Numbers that say how strongly a finding hangs on its syndrome, and those of them that are judgements.
    """

    profile: str
    labels: tuple[tuple[str, str], ...]
    overstatement: Overstatement
    pairs: tuple[TiedPair, ...]
    claims: tuple[CheckedClaim, ...]
    worth: tuple[Worth, ...]
    worth_patients: int
    strengths: int
    judged_strengths: int


def measure_dependence(model: Model, told: Progress, sizes: Sizes = USUAL) -> Dependence:
    """Measure what the network's structure does.

    Parameters
    ----------
    model : Model
        Under any profile; patients are drawn from it.
    told : callable
        Is told what is being done.
    sizes : Sizes
        How much is simulated.

    Returns
    -------
    Dependence
        For `validation.views.dependence.section`.
    """
    structure, network = model.priors.structure, model.network
    told(f"naive Bayes on {sizes.patients:,} patients")
    overstated = overstatement(model, sizes.patients, sizes.seed, sizes.recorded)
    told("pairs of findings")
    pairs = tied_pairs(model)
    claims = read_claims(structure)
    told(f"{len(claims)} claims of independence")
    checked = tuple(check_claim(network, structure, claim) for claim in claims)
    worth = worth_of_latents(model, sizes.worth_patients, sizes.seed, told)
    strengths = [row for row in model.priors.rows if row.key.parameter == DEPENDENCE]
    labels = {node.name: node.label for node in network.nodes} | {c.name: c.short for c in structure.causes}
    return Dependence(
        profile=model.profile,
        labels=tuple(labels.items()),
        overstatement=overstated,
        pairs=pairs,
        claims=checked,
        worth=worth,
        worth_patients=sizes.worth_patients,
        strengths=len(strengths),
        judged_strengths=sum(row.estimate.kind == JUDGEMENT for row in strengths),
    )
