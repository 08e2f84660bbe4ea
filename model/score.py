"""Score a file of cases: one differential a row, some thousand rows at a time, a bad row noted and passed over.

Memory does not grow with the number of rows. Not here: reading the rows (`model/casetable.py`), writing the results
(`model/scorefiles.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from model.banded import bands
from model.batch import BatchPosterior, batch_posterior
from model.build import Model
from model.case import Case, Stage, stages
from model.casecolumns import regular_rows
from model.casefile import parse_case
from model.caserows import Chunk, Record, TableRows
from model.casetable import CHUNK_ROWS, count_rows, read_chunks
from model.differential import Diagnosis, Differential, differential_of, step_error
from model.engine import Engine
from model.errors import BadCase, ImpossibleEvidence, NoSmallHub
from model.evidence import Evidence
from model.evidence_batch import EvidenceBatch, batch_of, evidence_of
from model.models import Models
from model.scorefiles import Results, check_target, open_results
from priors import LasegueError
from priors.records import CAUDA_EQUINA, CAUSE

TARGETS = (CAUSE, CAUDA_EQUINA)
TELLS_NOTHING = "a finding given as 1 is a likelihood ratio of 1, which tells nothing; write present or absent"

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows were scored, how many could not be, which unknown names were passed over, what to know."""

    scored: int
    failed: int
    ignored: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How a file is scored.

    Parameters
    ----------
    profile : str or None
        Profile for all cases; else each case's setting, else `documents`.
    engine : Engine or None
        Instead of each model's own; it answers one case at a time.
    ignore_unknown : bool
        Pass over unknown names instead of refusing them.
    intervals : bool
        Whether 95 % intervals are worked out for each row.
    chunk_rows : int
        Rows at a time.
    """

    profile: str | None = None
    engine: Engine | None = None
    ignore_unknown: bool = False
    intervals: bool = False
    chunk_rows: int = CHUNK_ROWS


def score_file(
    source: Path, target: Path, models: Models, options: ScoreOptions | None = None, progress: Progress | None = None
) -> Tally:
    """Score every case of a file.

    Parameters
    ----------
    source, target : Path
        JSONL, CSV or Parquet, by their endings; they may differ.
    models : Models
        Gives the model of each case's profile.
    options : ScoreOptions, optional
        How.
    progress : callable, optional
        Called with the rows done, and the rows in all where that is known, after each chunk.

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
    options = options or ScoreOptions()
    check_target(source, target)
    if options.profile:
        models.get(options.profile)  # a bad profile is the file's mistake, not each row's
    chunks = read_chunks(source, models.structure, options.ignore_unknown, options.chunk_rows)
    total = count_rows(source)
    failed = done = 0
    ignored: dict[str, None] = {}
    remarks: dict[str, None] = {}
    try:
        with open_results(target, models.structure, options.intervals) as write:
            for chunk in chunks:
                results = _Scorer(models, options).chunk(chunk)
                write(results)
                done += len(results.ids)
                failed += sum(bool(error) for error in results.errors)
                ignored |= dict.fromkeys(name for extra in results.extras.values() for name in extra.get("ignored", ()))
                remarks |= dict.fromkeys(results.remarks)
                if progress:
                    progress(done, total)
    except OSError as error:
        raise BadCase(f"cannot write {target}: {error.strerror or error}") from None
    return Tally(done - failed, failed, tuple(ignored), tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Parsed:
    """One row read by itself: its position, its case, and what is known after each of its steps."""

    position: int
    case: Case
    ignored: tuple[str, ...]
    stages: tuple[Stage, ...]


class _Scorer:
    """Scores one chunk of rows."""

    def __init__(self, models: Models, options: ScoreOptions) -> None:
        self.models, self.options = models, options

    def chunk(self, chunk: Chunk) -> Results:
        """Return the results of a chunk's rows, in their order."""
        structure = self.models.structure
        if not isinstance(chunk, TableRows):
            self.results = Results.blank([record.line for record in chunk], structure, self.options.intervals)
            self.records(dict(enumerate(chunk)))
            return self.results
        self.results = Results.blank(list(chunk.lines), structure, self.options.intervals)
        rows = regular_rows(chunk, structure, self.options.profile, self.models.profiles)
        by_profile = defaultdict[str, list[int]](list)
        for position in np.flatnonzero(rows.regular).tolist():
            by_profile[rows.profiles[position]].append(position)
            self.results.ids[position] = rows.ids[position]
        for profile, positions in by_profile.items():
            self.batch(self.models.get(profile), rows.batch(np.array(positions)), positions)
        rest = np.flatnonzero(~rows.regular).tolist()
        self.records({position: chunk.record(position, structure) for position in rest})
        return self.results

    def batch(self, model: Model, batch: EvidenceBatch, positions: list[int]) -> None:
        """Score regular rows of one profile."""
        found = self.posterior(model, batch)
        self.results.fill(model, found, positions, range(len(positions)))
        for index, error in found.impossible.items():
            self.results.refuse(positions[index], str(error))
        if self.options.intervals:
            for index, position in enumerate(positions):
                if index not in found.impossible:
                    self.results.set_interval(position, model, evidence_of(model.network, batch, index))

    def records(self, records: dict[int, Record]) -> None:
        """Score rows read one by one; each may have several steps."""
        by_model = defaultdict[Model, list[_Parsed]](list)
        for position, record in records.items():
            try:
                if record.error:
                    raise BadCase(record.error)
                case = parse_case(record.data, self.models.structure, self.options.ignore_unknown)
                model = self.models.for_case(case, self.options.profile)
                ignored = tuple(dict.fromkeys((*record.ignored, *case.ignored)))
                if any(status == 1 for _, status in case.initial.findings):
                    self.results.remarks.append(TELLS_NOTHING)
                by_model[model].append(_Parsed(position, case, ignored, stages(case, self.models.structure)))
            except LasegueError as error:
                name = record.data.get("id") if isinstance(record.data, dict) else None
                self.results.ids[position] = name if isinstance(name, str | int) else None
                self.results.refuse(position, str(error))
        for model, rows in by_model.items():
            self.parsed(model, rows)

    def parsed(self, model: Model, rows: list[_Parsed]) -> None:
        """Score parsed rows of one model, all their steps in one batch."""
        evidence: list[Evidence] = [stage.evidence for row in rows for stage in row.stages]
        found = self.posterior(model, batch_of(model.network, evidence))
        first = 0
        for row in rows:
            indices = range(first, first + len(row.stages))
            first += len(row.stages)
            self.results.ids[row.position] = row.case.id
            impossible = next((index for index in indices if index in found.impossible), None)
            if impossible is not None:
                step = impossible - indices[0]
                self.results.refuse(row.position, step_error(step, row.stages[step], found.impossible[impossible]))
                continue
            self.results.fill(model, found, [row.position], [indices[-1]])
            self.results.extras[row.position] = self.extra(model, row, found, indices)
            if self.options.intervals:
                self.results.set_interval(row.position, model, row.stages[-1].evidence)

    def extra(self, model: Model, row: _Parsed, found: BatchPosterior, indices: range) -> dict[str, Any]:
        """Return what only some rows have: the steps, and names passed over."""
        extra: dict[str, Any] = {}
        if row.case.steps:
            steps = [_differential(model, stage, found, i) for stage, i in zip(row.stages, indices, strict=True)]
            if self.options.intervals:
                evidence = [stage.evidence for stage in row.stages]
                steps = [replace(step, bands=bands(model, known)) for step, known in zip(steps, evidence, strict=True)]
            result = Diagnosis(row.case, model.profile, model.digest, steps[0], steps[0], tuple(steps[1:]))
            extra["steps"] = result.as_dict()["steps"]
        if row.ignored:
            extra["ignored"] = list(row.ignored)
        return extra

    def posterior(self, model: Model, batch: EvidenceBatch) -> BatchPosterior:
        """Return the posteriors of a batch, from the model's tables or one by one from another engine."""
        engine = self.options.engine
        if engine is None:
            try:
                return batch_posterior(model.batch_tables, batch)
            except NoSmallHub as error:
                self.results.remarks.append(f"profile {model.profile}: answered one by one by elimination: {error}")
        return _one_by_one(engine or model.engine, model, batch)


def _one_by_one(engine: Engine, model: Model, batch: EvidenceBatch) -> BatchPosterior:
    size = batch.num_cases
    posteriors = {name: np.zeros((size, len(model.network.node(name).states))) for name in TARGETS}
    log_evidence, impossible = np.full(size, -np.inf), {}
    for case in range(size):
        try:
            answer = engine.query(model.network, evidence_of(model.network, batch, case), TARGETS)
        except ImpossibleEvidence as error:
            impossible[case] = error
            continue
        log_evidence[case] = answer.log_evidence
        for posterior in answer.posteriors:
            posteriors[posterior.node][case] = posterior.probs
    return BatchPosterior(posteriors, log_evidence, impossible)


def _differential(model: Model, stage: Stage, found: BatchPosterior, index: int) -> Differential:
    cause, complication = (found.posteriors[name][index] for name in TARGETS)
    return differential_of(model, stage, cause, complication, float(found.log_evidence[index]))
