"""Errors a user can cause, with what is wrong, where, and what was expected.

Not here: errors about a case or a network (`model/errors.py`). Next: `priors/load.py`, which raises these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class LasegueError(ValueError):
    """Base of every error that a user's input can cause; its text is fit to be shown."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a data file: where it is, what it is, and what was expected.

    Parameters
    ----------
    file : str
        File name within the folder of priors.
    row : int or None
        Row as a spreadsheet counts it (the header is row 1); None where no row is at fault.
    field : str
        Column or key at fault; empty where none is.
    message : str
        What is wrong and what was expected.
    """

    file: str
    row: int | None
    field: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{place}, {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class PriorsError(LasegueError):
    """The folder of priors, or a profile, breaks a rule; `problems` lists every fault found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def unreadable(error: OSError) -> str:
    """Say in a few words why a file cannot be read."""
    return "missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror or error}"
