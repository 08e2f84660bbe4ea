"""Read files of many cases, row by row, so that one bad row costs no good one: JSONL and CSV.

Not here: what is computed for each (`model/score.py`).
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from model.case import CARRIED, load_json
from model.errors import BadCase, suggestion
from priors.records import ABSENT, AGE, DURATION, PRESENT, SEX, Structure

CONTEXT_COLUMNS = ("id", AGE, SEX, DURATION, "setting")
ENDINGS = (".jsonl", ".csv")
LONGEST_RECORD = 50  # physical lines that one CSV record may span


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file of cases.

    Parameters
    ----------
    line : int
        Line of the file where it begins.
    data : object
        A case as the object of a case file; None where the row cannot be read.
    error : str
        Why it cannot be read; empty where it can.
    """

    line: int
    data: Any
    error: str = ""


def read_records(path: Path, structure: Structure, ignore_unknown: bool) -> Iterator[Record]:
    """Read the rows of a JSONL or CSV file of cases, one at a time.

    Parameters
    ----------
    path : Path
        Its ending says which format.
    structure : Structure
        The vocabulary: a CSV file has a column for each finding it assesses.
    ignore_unknown : bool
        Pass over unknown columns instead of refusing the file.

    Yields
    ------
    Record
        In file order; a row that cannot be read carries its error.

    Raises
    ------
    BadCase
        Where the file as a whole cannot be read: missing, another format, an unknown column.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise BadCase(f"{path}: expected a file ending in {' or '.join(ENDINGS)}")
    try:
        handle = path.open("rb")
    except OSError as error:
        raise BadCase(f"cannot read {path}: {error.strerror or error}") from None
    with handle:
        yield from _read_jsonl(handle) if ending == ".jsonl" else _read_csv(handle, path, structure, ignore_unknown)


def _decode(raw: bytes, line: int) -> str:
    try:
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError:
        raise BadCase("not a text in UTF-8") from None


def _read_jsonl(handle: IO[bytes]) -> Iterator[Record]:
    for line, raw in enumerate(handle, start=1):
        if not raw.strip():
            continue
        try:
            yield Record(line, load_json(_decode(raw, line), "this line"))
        except BadCase as error:
            yield Record(line, None, str(error))


def _records_of_csv(handle: IO[bytes], width: int | None = None) -> Iterator[tuple[int, list[str] | None, str]]:
    """Split a CSV file into records; an unclosed quote spoils its own line and not the rest of the file."""
    waiting: deque[tuple[int, bytes]] = deque()
    lines = enumerate(handle, start=1)

    def take() -> tuple[int, bytes] | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (first := take()) is not None:
        number, raw = first
        if not raw.strip():
            continue
        used: list[tuple[int, bytes]] = []
        cells, error = None, ""
        while cells is None:
            try:
                text = _decode(raw + b"".join(more for _, more in used), number)
                cells = next(csv.reader(text.splitlines(keepends=True), strict=True))
            except BadCase as fault:
                error = str(fault)
                break
            except csv.Error as fault:
                error = f"not a readable CSV row: {fault}"
                following = take() if "end of data" in str(fault) and len(used) < LONGEST_RECORD else None
                if following is None:
                    break
                used.append(following)
        if cells is not None and used and width is not None and len(cells) != width:
            cells, error = None, "an unclosed quote"
        if cells is None:
            waiting.extendleft(reversed(used))
        elif width is None:
            width = len(cells)
        yield number, cells, error


def _read_csv(handle: IO[bytes], path: Path, structure: Structure, ignore_unknown: bool) -> Iterator[Record]:
    records = _records_of_csv(handle)
    _, header, error = next(records, (1, [], ""))
    if not header:
        expected = ", ".join(CONTEXT_COLUMNS)
        raise BadCase(f"{path}: {error or 'empty'}; expected a header with the columns {expected} and findings")
    columns = [cell.strip() for cell in header]
    if double := sorted({name for name in columns if columns.count(name) > 1}):
        raise BadCase(f"{path}: the column {double[0]!r} stands twice")
    known = (*CONTEXT_COLUMNS, *structure.findings, *structure.values, *structure.facts, *CARRIED)
    for name in columns:
        if name not in known and not ignore_unknown:
            raise BadCase(f"{path}: unknown column {name!r}{suggestion(name, known)}")
    for line, cells, error in records:
        if cells is None:
            yield Record(line, None, error)
        elif len(cells) != len(columns):
            yield Record(line, None, f"expected {len(columns)} cells, found {len(cells)}")
        else:
            row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
            try:
                yield Record(line, case_of_row(row, structure))
            except BadCase as fault:
                yield Record(line, {"id": row.get("id")}, str(fault))


def case_of_row(row: dict[str, str], structure: Structure) -> dict[str, Any]:
    """Return a table row as the object of a case file; unknown columns are left in for the case's own check.

    Raises
    ------
    BadCase
        Where a cell is neither present, absent, a likelihood ratio, nor the number its column needs.
    """
    case: dict[str, Any] = {PRESENT: [], ABSENT: [], "unsure": {}, "values": {}}
    for name, cell in row.items():
        if name in structure.findings:
            if cell in (PRESENT, ABSENT):
                case[cell].append(name)
            else:
                case["unsure"][name] = _number(name, cell, "present, absent, blank or a likelihood ratio")
        elif name in structure.values:
            case["values"][name] = _number(name, cell, "a number")
        elif name in structure.facts:
            if cell.lower() not in ("true", "false"):
                raise BadCase(f"{name}: expected true or false, found {cell!r}")
            case[name] = cell.lower() == "true"
        else:
            case[name] = _number(name, cell, "a number") if name in (AGE, DURATION) else cell
    return case


def _number(name: str, cell: str, expected: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise BadCase(f"{name}: expected {expected}, found {cell!r}") from None
