"""Score a file of cases: one differential a row, one row at a time, a bad row noted and passed over.

Not here: reading the rows (`model/casetable.py`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from model.build import Model, load_model
from model.case import Case
from model.casefile import parse_case
from model.casetable import ENDINGS, Record, read_records
from model.differential import diagnose, profile_for
from model.engine import Engine
from model.errors import BadCase
from model.files import replacing
from priors import PRIORS_FOLDER, LasegueError, available_profiles
from priors.records import CAUDA_EQUINA
from priors.shapes import Structure
from priors.structure import read_structure


class Models:
    """The vocabulary and the models of one folder of priors, each read once, when it is first asked for."""

    def __init__(self, folder: Path = PRIORS_FOLDER) -> None:
        self.folder = folder
        self.loaded: dict[str, Model] = {}

    @cached_property
    def structure(self) -> Structure:
        """The vocabulary, which all profiles share."""
        return read_structure(self.folder)

    @cached_property
    def profiles(self) -> tuple[str, ...]:
        """Names of the profiles."""
        return available_profiles(self.folder)

    def get(self, profile: str) -> Model:
        """Return the model of a profile; raise PriorsError where its data break a rule."""
        if profile not in self.loaded:
            self.loaded[profile] = load_model(profile, self.folder)
        return self.loaded[profile]

    def for_case(self, case: Case, chosen: str | None) -> Model:
        """Return the model that a case asks for; raise BadCase where its setting is no profile."""
        return self.get(profile_for(case, chosen, self.profiles))


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows were scored, how many could not be, and which unknown names were passed over."""

    scored: int
    failed: int
    ignored: tuple[str, ...]


def score_record(
    record: Record,
    models: Models,
    chosen: str | None = None,
    engine: Engine | None = None,
    ignore_unknown: bool = False,
) -> dict[str, Any]:
    """Return the result of one row: a diagnosis as `--json` gives it, or its error with its line."""
    try:
        if record.error:
            raise BadCase(record.error)
        case = parse_case(record.data, models.structure, ignore_unknown)
        result = diagnose(models.for_case(case, chosen), case, engine).as_dict()
        ignored = dict.fromkeys((*record.ignored, *case.ignored))
        return result | ({"ignored": list(ignored)} if ignored else {})
    except LasegueError as error:
        name = record.data.get("id") if isinstance(record.data, dict) else None
        shown = name if isinstance(name, str | int) else None
        return {"id": shown, "line": record.line, "error": f"line {record.line}: {error}"}


def score_file(
    source: Path,
    target: Path,
    models: Models,
    chosen: str | None = None,
    engine: Engine | None = None,
    ignore_unknown: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Score every case of a file.

    Parameters
    ----------
    source, target : Path
        JSONL or CSV, by their endings; they may differ.
    models : Models
        Gives the model of each case's profile.
    chosen : str, optional
        Profile for all cases; else each case's setting, else `documents`.
    engine : Engine, optional
        Elimination unless another is given.
    ignore_unknown : bool
        Pass over unknown names instead of refusing them.
    progress : callable, optional
        Called with the number of rows done after each.

    Returns
    -------
    Tally
        Rows scored and rows with an error.

    Raises
    ------
    BadCase
        Where a file as a whole cannot be read or written.
    KeyboardInterrupt
        The rows done so far are then in `model.files.part_path(target)`.
    """
    if target.suffix.lower() not in ENDINGS:
        raise BadCase(f"{target}: expected a file ending in {' or '.join(ENDINGS)}")
    if _same(source, target):
        raise BadCase(f"{target} is the file of cases itself; choose another name for the results")
    if chosen:
        models.get(chosen)  # a bad profile is the file's mistake, not each row's
    records = read_records(source, models.structure, ignore_unknown)
    results = (score_record(record, models, chosen, engine, ignore_unknown) for record in records)
    failed = done = 0
    ignored: dict[str, None] = {}
    try:
        with replacing(target, keep_part=True) as handle:
            write = _csv_writer(handle, models.structure) if target.suffix.lower() == ".csv" else _jsonl_writer(handle)
            for done, result in enumerate(results, start=1):
                failed += "error" in result
                ignored |= dict.fromkeys(result.get("ignored", ()))
                write(result)
                if progress:
                    progress(done)
    except OSError as error:
        raise BadCase(f"cannot write {target}: {error.strerror or error}") from None
    return Tally(done - failed, failed, tuple(ignored))


def _same(source: Path, target: Path) -> bool:
    try:
        return target.samefile(source)
    except OSError:  # one of them does not exist, or cannot be looked at: reading or writing it will say so
        return False


def _jsonl_writer(handle: IO[str]) -> Callable[[dict[str, Any]], None]:
    def write(result: dict[str, Any]) -> None:
        handle.write(json.dumps(result, ensure_ascii=False) + "\n")

    return write


def _csv_writer(handle: IO[str], structure: Structure) -> Callable[[dict[str, Any]], None]:
    posterior = {f"posterior.{cause}": cause for cause in structure.cause_names}
    complication = f"complications.{CAUDA_EQUINA}"
    columns = ["id", "profile", *posterior, complication, "log_evidence", "model_digest", "error"]
    writer = csv.DictWriter(handle, columns, restval="", lineterminator="\n")
    writer.writeheader()

    def write(result: dict[str, Any]) -> None:
        row = {key: result[key] for key in columns if result.get(key) is not None}
        if "posterior" in result:
            row |= {column: repr(result["posterior"][cause]) for column, cause in posterior.items()}
            row[complication] = repr(result["complications"][CAUDA_EQUINA])
        writer.writerow(row)

    return write
