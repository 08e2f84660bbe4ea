"""A Bayesian differential diagnosis of sciatica: network, inference, case files, command line.

In a notebook: `model = load_model("primary_care")`, `case = read_case("case.json", model.priors.structure)`,
`diagnose(model, case).final.ranked()`. Not here: the numbers (`priors/`) and the page (`app/`).
"""

from model.build import Model, load_model
from model.case import Case
from model.casefile import parse_case, read_case
from model.differential import Diagnosis, Differential, diagnose
from model.errors import BadCase, ImpossibleEvidence, ModelError

__all__ = [
    "BadCase",
    "Case",
    "Diagnosis",
    "Differential",
    "ImpossibleEvidence",
    "Model",
    "ModelError",
    "diagnose",
    "load_model",
    "parse_case",
    "read_case",
]
