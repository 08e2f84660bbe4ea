"""Arrays kept between runs, by digest: compiled tables and parameter draws. Never anything about a patient.

In the folder that LASEGUE_CACHE names (`off` keeps nothing), else `lasegue` in the user's cache folder. A file that
is damaged, or made by another version, is made again. Not here: what is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model.files import replacing_bytes

FOLDER_VARIABLE = "LASEGUE_CACHE"
OFF = "off"
FORMAT = 1  # raise when the meaning of a kept array changes
KEPT_FILES = 16  # at most some 250 MB
KEY_DIGITS = 24
_OURS = re.compile(rf"[a-z]+-[0-9a-f]{{{KEY_DIGITS}}}\.npz")

Arrays = Mapping[str, npt.NDArray[np.float64]]


def cache_folder() -> Path | None:
    """Return where arrays are kept; None where nothing is to be kept."""
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    if named:
        return None if named.lower() == OFF else Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    try:
        return (Path(base) if base else Path.home() / ".cache") / "lasegue"
    except RuntimeError:  # a user without a home
        return None


def cached_arrays(
    kind: str, digest: str, make: Callable[[], Arrays], fits: Callable[[Arrays], bool], folder: Path | None
) -> Arrays:
    """Return arrays that are kept under a digest; make and keep them where they are not.

    Parameters
    ----------
    kind : str
        What they are, in lower-case letters; part of the file's name.
    digest : str
        Of everything that they follow from.
    make : callable
        Makes them.
    fits : callable
        Says whether arrays read have the names and shapes of those made.
    folder : Path or None
        Where they are kept; None keeps nothing.

    Returns
    -------
    mapping of str to ndarray
        As made. A file that cannot be read or does not match is made again; one that cannot be written is not
        kept, which costs time and nothing else.
    """
    if folder is None:
        return make()
    key = hashlib.sha256(f"{FORMAT}:{kind}:{digest}".encode()).hexdigest()[:KEY_DIGITS]
    path = folder / f"{kind}-{key}.npz"
    found = _read(path, key)
    if found is None or not fits(found):
        found = make()
        _write(path, key, found)
    return found


def _read(path: Path, key: str) -> Arrays | None:
    """Return what a file holds; None where there is none, or it is not whole (its checksums say so) or not ours."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
    except Exception:  # a damaged file can raise nearly anything, and always means: make it again
        return None
    if str(arrays.pop("key", "")) != key or any(array.dtype != np.float64 for array in arrays.values()):
        return None
    with contextlib.suppress(OSError):  # somebody else's file may be read all the same
        os.utime(path)  # the least recently used goes first
    return arrays


def _write(path: Path, key: str, arrays: Arrays) -> None:
    buffer = io.BytesIO()
    kept: dict[str, Any] = {"key": np.array(key), **arrays}
    np.savez(buffer, **kept)
    with contextlib.suppress(OSError):  # a full or read-only disk: the arrays are at hand all the same
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing_bytes(path) as handle:
            handle.write(buffer.getbuffer())
        _prune(path.parent)


def _prune(folder: Path) -> None:
    """Delete the least recently used of our files beyond the number kept."""
    ours = [path for path in folder.iterdir() if _OURS.fullmatch(path.name)]
    for path in sorted(ours, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_FILES:]:
        path.unlink(missing_ok=True)
