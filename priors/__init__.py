"""The numbers of the model: structure in TOML, numbers in CSV, sources in BibTeX.

Not here: any inference. Next: `load_priors` in `priors/load.py`; the field list is in `priors/README.md`.
"""

from priors.errors import LasegueError, PriorsError, Problem
from priors.load import PRIORS_FOLDER, available_profiles, load_priors
from priors.records import PriorSet

__all__ = ["PRIORS_FOLDER", "LasegueError", "PriorSet", "PriorsError", "Problem", "available_profiles", "load_priors"]
