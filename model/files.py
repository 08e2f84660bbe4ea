"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a text file beside `path` for writing, and put it in its place once it is complete.

    A run that is killed half-way leaves `path` as it was and a file `NAME.PID.part` beside it; an error removes
    that too.

    Raises
    ------
    OSError
        Where `path` is a folder, or its folder does not exist or cannot be written.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as handle:
            yield handle
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
