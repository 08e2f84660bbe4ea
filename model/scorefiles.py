"""Results of scored cases, as columns, and the files they go to: JSONL, CSV and Parquet, whole or not at all.

Not here: what is computed (`model/score.py`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.banded import bands
from model.batch import BatchPosterior
from model.build import Model
from model.casetable import ENDINGS, ENDINGS_TOLD
from model.errors import BadCase
from model.evidence import Evidence
from model.files import replacing, replacing_bytes, uninterrupted
from model.network import Table
from priors.records import CAUDA_EQUINA, CAUSE
from priors.shapes import Structure

INTERVAL_PARTS = ("low", "high", "low_error", "high_error")
PRESENT_STATE = 0


@dataclass(slots=True, eq=False)
class Results:
    """Results of some rows, in their order.

    Parameters
    ----------
    lines : list of int
        Line of the source of each row.
    ids, profiles, digests, errors : list
        One a row; an error is empty where there is none.
    quantities : tuple of str
        Column of each posterior: the causes, then the complication.
    posteriors : ndarray, shape (rows, quantities)
        P(cause), and P(complication).
    log_evidence : ndarray, shape (rows,)
        ln P(evidence).
    intervals : ndarray or None, shape (rows, quantities, 4)
        Low and high end, and the Monte Carlo error of each.
    extras : dict of int to dict
        Position -> what only some rows have.
    remarks : list of str
        What the user should know.
    """

    lines: list[int]
    ids: list[str | int | None]
    profiles: list[str]
    digests: list[str]
    errors: list[str]
    quantities: tuple[str, ...]
    posteriors: Table
    log_evidence: Table
    intervals: Table | None
    extras: dict[int, dict[str, Any]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def blank(cls, lines: list[int], structure: Structure, intervals: bool) -> Results:
        """Return results with nothing in them yet."""
        size, names = len(lines), quantity_columns(structure)
        return cls(
            lines,
            [None] * size,
            [""] * size,
            [""] * size,
            [""] * size,
            names,
            np.full((size, len(names)), np.nan),
            np.full(size, np.nan),
            np.full((size, len(names), len(INTERVAL_PARTS)), np.nan) if intervals else None,
        )

    def fill(self, model: Model, found: BatchPosterior, positions: Sequence[int], cases: Sequence[int]) -> None:
        """Enter the posteriors of some cases of a batch at some positions."""
        rows, own = list(positions), list(cases)
        self.posteriors[rows, :-1] = found.posteriors[CAUSE][own]
        self.posteriors[rows, -1] = found.posteriors[CAUDA_EQUINA][own, PRESENT_STATE]
        self.log_evidence[rows] = found.log_evidence[own]
        for position in rows:
            self.profiles[position], self.digests[position] = model.profile, model.digest

    def refuse(self, position: int, message: str) -> None:
        """Enter an error instead of a result."""
        self.errors[position] = f"line {self.lines[position]}: {message}"

    def set_interval(self, position: int, model: Model, evidence: Evidence) -> None:
        """Work out the intervals of one row."""
        assert self.intervals is not None
        found = bands(model, evidence)
        ends = [*found.posterior.values(), *found.complications.values()]
        self.intervals[position] = [[getattr(end, part) for part in INTERVAL_PARTS] for end in ends]


Write = Callable[[Results], None]


def quantity_columns(structure: Structure) -> tuple[str, ...]:
    """Return the columns of posteriors, the complication last."""
    return (*(f"posterior.{cause}" for cause in structure.cause_names), f"complications.{CAUDA_EQUINA}")


def check_target(source: Path, target: Path) -> None:
    """Refuse a file of results with another ending, or that is the file of cases itself; raise BadCase."""
    if target.suffix.lower() not in ENDINGS:
        raise BadCase(f"{target}: expected a file ending in {ENDINGS_TOLD}")
    try:
        same = target.samefile(source)
    except OSError:  # one of them does not exist, or cannot be looked at: reading or writing it will say so
        same = False
    if same:
        raise BadCase(f"{target} is the file of cases itself; choose another name for the results")


@contextmanager
def open_results(target: Path, structure: Structure, intervals: bool) -> Iterator[Write]:
    """Open a file of results by its ending.

    Parameters
    ----------
    target : Path
        Where the complete file goes; until then it has another name (`model.files`).
    structure : Structure
        Names the columns.
    intervals : bool
        Whether intervals have columns.

    Yields
    ------
    callable
        Writes the results of some rows.

    Raises
    ------
    OSError
        Where the file cannot be written.
    """
    ending = target.suffix.lower()
    if ending == ".parquet":
        schema = _schema(structure, intervals)
        with replacing_bytes(target, keep_part=True) as raw:
            writer = pq.ParquetWriter(raw, schema, compression="snappy", use_dictionary=["profile", "model_digest"])
            try:
                yield _whole(lambda results: writer.write_batch(_record_batch(results, schema)))
            finally:
                with uninterrupted():
                    writer.close()
        return
    with replacing(target, keep_part=True) as handle:
        if ending == ".jsonl":
            yield _whole(lambda results: handle.writelines(_json_lines(results)))
        else:
            table = csv.writer(_LineFeeds(handle), lineterminator=_LineFeeds.written)
            table.writerow(_columns(structure, intervals))
            yield _whole(lambda results: table.writerows(_csv_rows(results)))


def _whole(write: Write) -> Write:
    """Let Ctrl-C wait while rows are written, so that those in the file can be read."""

    def whole(results: Results) -> None:
        with uninterrupted():
            write(results)

    return whole


class _LineFeeds:
    """Ends CSV rows with a line feed alone, while the writer quotes cells that hold a carriage return too."""

    written = "\r\n"

    def __init__(self, handle: IO[str]) -> None:
        self.handle = handle

    def write(self, row: str) -> None:
        """Write one row."""
        self.handle.write(f"{row.removesuffix(self.written)}\n")


def _columns(structure: Structure, intervals: bool) -> list[str]:
    names = quantity_columns(structure)
    ends = [f"{name}.{part}" for name in names for part in INTERVAL_PARTS] if intervals else []
    return ["id", "profile", *names, *ends, "log_evidence", "model_digest", "error"]


def _json_lines(results: Results) -> Iterator[str]:
    for index, error in enumerate(results.errors):
        row = (
            {"id": results.ids[index], "line": results.lines[index], "error": error} if error else _row(results, index)
        )
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _row(results: Results, index: int) -> dict[str, Any]:
    """Return a row as `diagnose --json` has it."""
    values = results.posteriors[index].tolist()
    row = {
        "id": results.ids[index],
        "profile": results.profiles[index],
        **_nested(results.quantities, values),
        "log_evidence": float(results.log_evidence[index]),
        "model_digest": results.digests[index],
    }
    if results.intervals is not None:
        ends = [dict(zip(INTERVAL_PARTS, four, strict=True)) for four in results.intervals[index].tolist()]
        row["intervals"] = _nested(results.quantities, ends)
    return row | results.extras.get(index, {})


def _nested(columns: Iterable[str], values: Iterable[Any]) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for column, value in zip(columns, values, strict=True):
        part, _, name = column.partition(".")
        nested.setdefault(part, {})[name] = value
    return nested


def _csv_rows(results: Results) -> Iterator[list[Any]]:
    posteriors, log_evidence = results.posteriors.tolist(), results.log_evidence.tolist()
    ends = None if results.intervals is None else results.intervals.reshape(len(posteriors), -1).tolist()
    blank = [""] * (len(results.quantities) * (1 if ends is None else 1 + len(INTERVAL_PARTS)))
    for index, error in enumerate(results.errors):
        name = results.ids[index]
        if error:
            yield [name, "", *blank, "", "", error]
        else:
            values = posteriors[index] if ends is None else posteriors[index] + ends[index]
            yield [name, results.profiles[index], *values, log_evidence[index], results.digests[index], ""]


def _schema(structure: Structure, intervals: bool) -> pa.Schema:
    texts = ("id", "profile", "model_digest", "error")
    columns = _columns(structure, intervals)
    return pa.schema([(name, pa.string() if name in texts else pa.float64()) for name in columns])


def _record_batch(results: Results, schema: pa.Schema) -> pa.RecordBatch:
    """Return results as Arrow columns; a row with an error has nulls."""
    failed = np.array([bool(error) for error in results.errors], dtype=np.bool_)

    def texts(values: Sequence[str | int | None]) -> pa.Array:
        return pa.array([None if value in (None, "") else str(value) for value in values], pa.string())

    columns = {
        "id": texts(results.ids),
        "profile": pa.array(results.profiles, pa.string(), mask=failed),
        "log_evidence": pa.array(results.log_evidence, mask=failed),
        "model_digest": pa.array(results.digests, pa.string(), mask=failed),
        "error": texts(results.errors),
    }
    for number, name in enumerate(results.quantities):
        columns[name] = pa.array(np.ascontiguousarray(results.posteriors[:, number]), mask=failed)
        if results.intervals is not None:
            for part, end in enumerate(INTERVAL_PARTS):
                values = np.ascontiguousarray(results.intervals[:, number, part])
                columns[f"{name}.{end}"] = pa.array(values, mask=failed)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
