"""Read files of many cases in chunks of rows, so that one bad row costs no good one: JSONL, CSV and Parquet.

Not here: whole columns of a table at once (`model/casecolumns.py`), what is computed (`model/score.py`).
"""

from __future__ import annotations

import csv
import io
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from model.casefile import CARRIED, load_json
from model.errors import BadCase
from priors.records import ABSENT, AGE, DURATION, PRESENT, SEX
from priors.shapes import Structure
from priors.text import brief, plain_number, suggestion

CONTEXT_COLUMNS = ("id", AGE, SEX, DURATION, "setting")
ENDINGS = (".jsonl", ".csv", ".parquet")
ENDINGS_TOLD = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
LONGEST_RECORD = 50  # physical lines that one CSV record may span
BYTES_AT_ONCE = 1 << 16
CHUNK_ROWS = 4096
PANDAS_INDEX = "__index_level_"  # how pandas names the column of a data frame's row labels
WHOLE_FLOATS = 2**53  # up to here each whole number is a float of its own

_Line = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file of cases.

    Parameters
    ----------
    line : int
        Line of the file where it begins; in Parquet, the row.
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


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """Some rows of a table of cases.

    Parameters
    ----------
    cells : pyarrow.RecordBatch
        One column a name, texts or numbers; null where blank.
    lines : sequence of int
        Line, or row, of each.
    known : frozenset of str
        Columns that the vocabulary knows; the others were passed over on request.
    errors : mapping of int to str
        Position -> why a row cannot be read.
    """

    cells: pa.RecordBatch
    lines: Sequence[int]
    known: frozenset[str]
    errors: dict[int, str] = field(default_factory=dict)

    def record(self, position: int, structure: Structure) -> Record:
        """Return one row by itself, as the object of a case file."""
        line = self.lines[position]
        if position in self.errors:
            return Record(line, None, self.errors[position])
        texts = {name: text_of(self.cells.column(name)[position].as_py()) for name in self.cells.schema.names}
        filled = {name: text for name, text in texts.items() if text}
        row = {name: text for name, text in filled.items() if name in self.known}
        try:
            return Record(line, case_of_row(row, structure), ignored=tuple(n for n in filled if n not in self.known))
        except BadCase as fault:
            return Record(line, {"id": row.get("id")}, str(fault))


Chunk = tuple[Record, ...] | TableRows


def text_of(value: Any) -> str:
    """Return the value of a cell as a person would type it.

    Examples
    --------
    >>> text_of(" p1 "), text_of(7.0), text_of(2.5), text_of(True), text_of(float("nan")), text_of(None)
    ('p1', '7', '2.5', 'true', '', '')
    """
    if value is None or value != value:  # NaN is how data frames write a blank
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_FLOATS:
        return str(int(value))  # data frames make floats of whole numbers where one is missing
    return str(value).strip()


def is_text(kind: pa.DataType) -> bool:
    """Say whether a column of a type holds texts, each spelt out or by its number in a dictionary."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_plain(kind: pa.DataType) -> bool:
    """Say whether a column of a type holds texts, numbers, true and false, or nothing."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(number or is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)) or kind == pa.uuid()


def read_chunks(path: Path, structure: Structure, ignore_unknown: bool, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """Read a file of cases, some rows at a time.

    Parameters
    ----------
    path : Path
        Its ending says which format.
    structure : Structure
        The vocabulary: a table has a column for each finding it assesses.
    ignore_unknown : bool
        Pass over unknown columns instead of refusing the file.
    size : int
        Rows at a time.

    Yields
    ------
    tuple of Record, or TableRows
        In file order; a row that cannot be read carries its error.

    Raises
    ------
    BadCase
        Where the file as a whole cannot be read: missing, another format, an unknown column.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise BadCase(f"{path}: expected a file ending in {ENDINGS_TOLD}")
    try:
        handle = path.open("rb")
    except OSError as error:
        raise BadCase(f"cannot read {path}: {error.strerror or error}") from None
    with handle:
        try:
            if ending == ".jsonl":
                records = _read_jsonl(handle)
                yield from iter(lambda: tuple(islice(records, size)), ())
            elif ending == ".csv":
                yield from _read_csv(handle, path, structure, ignore_unknown, size)
            else:
                yield from _read_parquet(handle, path, structure, ignore_unknown, size)
        except OSError as error:  # else the writer of the results would take it for its own
            raise BadCase(f"cannot read {path}: {error.strerror or _one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def count_rows(path: Path) -> int | None:
    """Return how many rows a file has where that is known without reading it: in Parquet."""
    if path.suffix.lower() != ".parquet":
        return None
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        return None  # reading it will say why


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


def _known_columns(columns: Sequence[str], path: Path, structure: Structure, ignore_unknown: bool) -> frozenset[str]:
    """Return the columns that the vocabulary knows; refuse the file for any other, unless told to pass over them."""
    if double := sorted(name for name, times in Counter(columns).items() if times > 1):
        raise BadCase(f"{path}: the column {brief(double[0])} stands twice")
    known = {*CONTEXT_COLUMNS, *structure.findings, *structure.values, *structure.facts, *CARRIED}
    unknown = tuple(name for name in columns if name not in known)
    if unknown and not ignore_unknown:
        near = "; columns are separated by commas" if ";" in unknown[0] else suggestion(unknown[0], sorted(known))
        raise BadCase(f"{path}: unknown column {brief(unknown[0])}{near}")
    return frozenset(known)


def _read_csv(
    handle: IO[bytes], path: Path, structure: Structure, ignore_unknown: bool, size: int
) -> Iterator[TableRows]:
    records = _csv_records(handle)
    _, header, error = next(records, (1, [], ""))
    if not header:
        expected = ", ".join(CONTEXT_COLUMNS)
        raise BadCase(f"{path}: {error or 'empty'}; expected a header with the columns {expected} and findings")
    columns = [cell.strip() for cell in header]
    known = _known_columns(columns, path, structure, ignore_unknown)
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


def _read_parquet(
    handle: IO[bytes], path: Path, structure: Structure, ignore_unknown: bool, size: int
) -> Iterator[TableRows]:
    try:
        file = pq.ParquetFile(handle, pre_buffer=False, page_checksum_verification=True)
        columns = [name for name in file.schema_arrow.names if not name.startswith(PANDAS_INDEX)]
        if not columns:
            raise BadCase(f"{path}: no columns; expected {', '.join(CONTEXT_COLUMNS)} and findings")
        known = _known_columns(columns, path, structure, ignore_unknown)
        read = [name for name in columns if name not in CARRIED]
        for name in read:
            kind = file.schema_arrow.field(name).type
            if name in known and not _is_plain(kind):
                raise BadCase(f"{path}: the column {name} holds {brief(str(kind))}; expected texts or numbers")
        done = 0
        for batch in file.iter_batches(size, use_threads=False):
            cells, errors = _plain_cells(batch.select(read or columns[:1]))
            yield TableRows(cells, range(done + 1, done + 1 + batch.num_rows), known, errors)
            done += batch.num_rows
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise BadCase(f"{path} is not a readable Parquet file: {_one_line(error)}") from None


def _plain_cells(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, dict[int, str]]:
    """Return rows as texts and numbers alone, and which rows hold a text that is no UTF-8, as a Parquet file can."""
    columns, errors = list(batch.columns), dict[int, str]()
    for number, column in enumerate(columns):
        if not _is_plain(column.type):  # passed over on request: only whether a cell is filled counts
            filled = column.is_valid().to_pylist()
            columns[number] = pa.array([str(column.type) if cell else None for cell in filled], pa.string())
        elif is_text(column.type):
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:
                spelt = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
                raw = spelt.cast(pa.large_binary()).to_pylist()
                wrong = {position for position, cell in enumerate(raw) if cell is not None and not _is_utf8(cell)}
                errors |= dict.fromkeys(wrong, "not a text in UTF-8")
                texts = [None if position in wrong else cell for position, cell in enumerate(raw)]
                columns[number] = pa.array(texts, pa.large_binary()).cast(pa.large_string())
    return pa.RecordBatch.from_arrays(columns, batch.schema.names), errors


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


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
