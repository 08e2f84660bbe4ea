"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def part_path(path: Path) -> Path:
    """Return where this process writes what will become `path`."""
    return path.with_name(f"{path.name}.{os.getpid()}.part")


@contextmanager
def replacing_bytes(path: Path, keep_part: bool = False) -> Iterator[IO[bytes]]:
    """Open a file `NAME.PID.part` beside `path` for writing, and put it in its place once it is complete.

    A run that is killed half-way leaves `path` as it was.

    Parameters
    ----------
    path : Path
        Where the complete file goes.
    keep_part : bool
        Whether an interruption (Ctrl-C) leaves what was written in the part file; an error never does.

    Yields
    ------
    binary file
        Open for writing.

    Raises
    ------
    OSError
        Where `path` is a folder, or its folder does not exist or cannot be written.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = part_path(path)
    try:
        with part.open("wb") as handle:
            yield handle
        part.replace(path)
    except KeyboardInterrupt:
        if not keep_part:
            part.unlink(missing_ok=True)
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def replacing(path: Path, keep_part: bool = False) -> Iterator[IO[str]]:
    """Do as `replacing_bytes` for a text file in UTF-8; line ends are written as given."""
    with replacing_bytes(path, keep_part) as handle:
        text = io.TextIOWrapper(handle, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            text.flush()
            text.detach()  # the file is closed where it was opened
