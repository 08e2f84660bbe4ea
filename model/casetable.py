"""Read files of many cases, row by row, so that one bad row costs no good one: JSONL and CSV.

Not here: what is computed for each (`model/score.py`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from model.casefile import CARRIED, load_json
from model.errors import BadCase
from priors.records import ABSENT, AGE, DURATION, PRESENT, SEX
from priors.shapes import Structure
from priors.text import brief, plain_number, suggestion

CONTEXT_COLUMNS = ("id", AGE, SEX, DURATION, "setting")
ENDINGS = (".jsonl", ".csv")
LONGEST_RECORD = 50  # physical lines that one CSV record may span
CHUNK = 1 << 16

_Line = tuple[int, bytes]


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
    ignored : tuple of str
        Unknown columns that were passed over on request.
    """

    line: int
    data: Any
    error: str = ""
    ignored: tuple[str, ...] = ()


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
        try:
            yield from _read_jsonl(handle) if ending == ".jsonl" else _read_csv(handle, path, structure, ignore_unknown)
        except OSError as error:  # else the writer of the results would take it for its own
            raise BadCase(f"cannot read {path}: {error.strerror or error}") from None


def _lines(handle: IO[bytes]) -> Iterator[_Line]:
    """Split at any of the three line ends (a spreadsheet for old Macintoshes writes bare returns), and number."""
    number, rest = 0, b""
    while True:
        chunk = handle.read(CHUNK)
        parts = re.split(rb"(\r\n|\n|\r(?!\Z))" if chunk else rb"(\r\n|\n|\r)", rest + chunk)
        rest = parts.pop()  # a line without its end, or a return whose newline may come with the next chunk
        for text, end in zip(parts[::2], parts[1::2], strict=True):
            number += 1
            yield number, text + end
        if not chunk:
            if rest:
                yield number + 1, rest
            return


def _read_jsonl(handle: IO[bytes]) -> Iterator[Record]:
    for line, raw in _lines(handle):
        if raw.strip():
            try:
                yield Record(line, load_json(raw.rstrip(b"\r\n"), "this line"))
            except BadCase as error:
                yield Record(line, None, str(error))


def _cells(lines: list[_Line]) -> list[str]:
    """Return the cells of the one CSV record that some lines make; raise csv.Error or UnicodeDecodeError."""
    text = b"".join(raw for _, raw in lines).decode("utf-8-sig" if lines[0][0] == 1 else "utf-8")
    return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])


def _is_record(line: _Line, width: int) -> bool:
    """Say whether a line is a whole record by itself."""
    try:
        return len(_cells([line])) == width
    except (csv.Error, UnicodeDecodeError):
        return False


def _csv_records(handle: IO[bytes]) -> Iterator[tuple[int, list[str], str]]:
    """Split a CSV file into records: line, cells, error. An unclosed quote spoils its own line, not the rest."""
    waiting: deque[_Line] = deque()
    lines = _lines(handle)
    width = 0

    def take() -> _Line | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (first := take()) is not None:
        used, cells, error = [first], list[str](), ""
        while True:
            try:
                cells = _cells(used)
                break
            except UnicodeDecodeError:
                error = "not a text in UTF-8"
                break
            except csv.Error as fault:
                following = take() if "end of data" in str(fault) and len(used) < LONGEST_RECORD else None
                if following is None:
                    error = f"not a readable CSV row: {fault}"
                    break
                used.append(following)
        # a quoted text may run over lines; whole records inside it mean that its quote was never closed
        if not error and len(used) > 1 and width and any(_is_record(line, width) for line in used[1:]):
            error = "an unclosed quote"
        if error:
            waiting.extendleft(reversed(used[1:]))
            yield first[0], [], error
        elif any(cell.strip() for cell in cells):
            width = width or len(cells)
            yield first[0], cells, ""


def _read_csv(handle: IO[bytes], path: Path, structure: Structure, ignore_unknown: bool) -> Iterator[Record]:
    records = _csv_records(handle)
    _, header, error = next(records, (1, [], ""))
    if not header:
        expected = ", ".join(CONTEXT_COLUMNS)
        raise BadCase(f"{path}: {error or 'empty'}; expected a header with the columns {expected} and findings")
    columns = [cell.strip() for cell in header]
    if double := sorted({name for name in columns if columns.count(name) > 1}):
        raise BadCase(f"{path}: the column {brief(double[0])} stands twice")
    known = {*CONTEXT_COLUMNS, *structure.findings, *structure.values, *structure.facts, *CARRIED}
    unknown = tuple(name for name in columns if name not in known)
    if unknown and not ignore_unknown:
        near = "; columns are separated by commas" if ";" in unknown[0] else suggestion(unknown[0], sorted(known))
        raise BadCase(f"{path}: unknown column {brief(unknown[0])}{near}")
    for line, cells, error in records:
        if error:
            yield Record(line, None, error)
        elif len(cells) != len(columns):
            yield Record(line, None, f"expected {len(columns)} cells, found {len(cells)}")
        else:
            row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
            dropped = [name for name in row if name not in known]
            row = {name: cell for name, cell in row.items() if name in known}
            try:
                yield Record(line, case_of_row(row, structure), ignored=tuple(dropped))
            except BadCase as fault:
                yield Record(line, {"id": row.get("id")}, str(fault))


def case_of_row(row: dict[str, str], structure: Structure) -> dict[str, Any]:
    """Return a table row as the object of a case file, not yet checked.

    Parameters
    ----------
    row : dict of str to str
        Filled cells by column; all columns known.
    structure : Structure
        The vocabulary.

    Returns
    -------
    dict
        For `model.casefile.parse_case`.

    Raises
    ------
    BadCase
        Where the cell of a finding is neither present, absent nor a likelihood ratio; other cells are left to
        the case's own check.
    """
    case: dict[str, Any] = {PRESENT: [], ABSENT: [], "unsure": {}, "values": {}}
    for name, cell in row.items():
        number = plain_number(cell)
        if name in structure.findings:
            if cell in (PRESENT, ABSENT):
                case[cell].append(name)
            elif number is None:
                raise BadCase(f"{name}: expected present, absent, blank or a likelihood ratio, found {brief(cell)}")
            else:
                case["unsure"][name] = number
        elif name in structure.values:
            case["values"][name] = cell if number is None else number
        elif name in structure.facts:
            case[name] = {"true": True, "false": False}.get(cell.lower(), cell)
        else:
            case[name] = number if name in (AGE, DURATION) and number is not None else cell
    return case
