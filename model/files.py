"""Writing files whole or not at all.

What is not complete yet is in a file of its own beside it, named after the process that writes it. A process that is
killed leaves that file behind, and the next one that completes the same file removes it.
"""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def part_path(path: Path) -> Path:
    """Return where this process writes what will become `path`."""
    return path.with_name(f"{path.name}.{os.getpid()}.part")


@contextmanager
def replacing_bytes(path: Path, keep_part: bool = False) -> Iterator[IO[bytes]]:
    """Open a file `NAME.PID.part` beside `path` for writing, and put it in its place once it is complete.

    A run that is killed half-way leaves `path` as it was. Parts that dead processes left are removed once `path` is
    in its place; those of living ones are not touched.

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
    path = path.resolve()  # a link stays, and what it points to is replaced
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    part = part_path(path)
    try:
        with part.open("wb") as handle:
            yield handle
        part.replace(path)
        remove_dead_parts(path)
    except KeyboardInterrupt:
        if not keep_part:
            part.unlink(missing_ok=True)
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the end of a block: in the middle of writing it would leave half of what is written."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is not signal.default_int_handler:
        yield  # Ctrl-C does not come here, or is somebody else's matter
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda *given: pressed.append(given[0]))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if pressed:
        raise KeyboardInterrupt


def remove_dead_parts(path: Path) -> None:
    """Remove what processes that are no more left of an incomplete `path`; what cannot be removed stays."""
    if os.name != "posix":  # elsewhere asking for a process could end it
        return
    name = re.compile(rf"{re.escape(path.name)}\.([1-9][0-9]*)\.part")
    with suppress(OSError):
        for other in path.parent.iterdir():
            if (found := name.fullmatch(other.name)) and not _is_alive(int(found[1])):
                other.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no process number at all: not ours to judge
        return True
    return True


@contextmanager
def replacing(path: Path, keep_part: bool = False) -> Iterator[IO[str]]:
    """Do as `replacing_bytes` for a text file in UTF-8; line ends are written as given."""
    with replacing_bytes(path, keep_part) as handle:
        text = io.TextIOWrapper(handle, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            with uninterrupted():
                text.flush()
                text.detach()  # the file is closed where it was opened
