"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def part_path(path: Path) -> Path:
    """Return where this process writes what will become `path`."""
    return path.with_name(f"{path.name}.{os.getpid()}.part")


@contextmanager
def replacing(path: Path, keep_part: bool = False) -> Iterator[IO[str]]:
    """Open a text file `NAME.PID.part` beside `path` for writing, and put it in its place once it is complete.

    A run that is killed half-way leaves `path` as it was.

    Parameters
    ----------
    path : Path
        Where the complete file goes.
    keep_part : bool
        Whether an interruption (Ctrl-C) leaves what was written in the part file; an error never does.

    Yields
    ------
    text file
        Open for writing, in UTF-8.

    Raises
    ------
    OSError
        Where `path` is a folder, or its folder does not exist or cannot be written.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = part_path(path)
    try:
        with part.open("w", encoding="utf-8", newline="") as handle:
            yield handle
        part.replace(path)
    except KeyboardInterrupt:
        if not keep_part:
            part.unlink(missing_ok=True)
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise
