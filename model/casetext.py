"""Files of cases as text: JSONL and CSV, read so that one bad row costs no good one.

Not here: what the cells mean (`model/caserows.py`).
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import pyarrow as pa

from model.casefile import load_json
from model.caserows import CONTEXT_COLUMNS, Record, TableRows, known_columns
from model.errors import BadCase
from priors.shapes import Structure

LONGEST_RECORD = 50  # physical lines that one CSV record may span
BYTES_AT_ONCE = 1 << 16

_Line = tuple[int, bytes]


def _lines(handle: IO[bytes]) -> Iterator[_Line]:
    """Split at any of the three line ends (a spreadsheet for old Macintoshes writes bare returns), and number."""
    number, held = 0, b""
    begun: list[bytes] = []  # what there is of a line without its end
    while chunk := handle.read(BYTES_AT_ONCE):
        text = held + chunk
        held = b"\r" if text.endswith(b"\r") else b""  # its newline may come with the next chunk
        for part in text[: len(text) - len(held)].splitlines(keepends=True):
            begun.append(part)
            if part.endswith((b"\n", b"\r")):
                number += 1
                yield number, b"".join(begun)
                begun = []
    if begun or held:
        yield number + 1, b"".join((*begun, held))


def read_jsonl(handle: IO[bytes]) -> Iterator[Record]:
    """Read the rows of a JSONL file, one at a time; a line that is no JSON carries its error."""
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


def read_csv(
    handle: IO[bytes], path: Path, structure: Structure, ignore_unknown: bool, size: int
) -> Iterator[TableRows]:
    """Read the rows of a CSV file, `size` at a time; raise BadCase where its header is none or names a wrong column."""
    records = _csv_records(handle)
    _, header, error = next(records, (1, [], ""))
    if not header:
        expected = ", ".join(CONTEXT_COLUMNS)
        raise BadCase(f"{path}: {error or 'empty'}; expected a header with the columns {expected} and findings")
    columns = [cell.strip() for cell in header]
    known = known_columns(columns, path, structure, ignore_unknown)
    blank = [None] * len(columns)
    while rows := list(islice(records, size)):
        errors = {
            position: error or f"expected {len(columns)} cells, found {len(cells)}"
            for position, (_, cells, error) in enumerate(rows)
            if error or len(cells) != len(columns)
        }
        cells = [blank if position in errors else row for position, (_, row, _) in enumerate(rows)]
        arrays = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
        yield TableRows(pa.RecordBatch.from_arrays(arrays, columns), [line for line, _, _ in rows], known, errors)
