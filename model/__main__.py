"""`python -m model`: see `model/cli.py`."""

import io
import sys

from model.cli import app

for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a terminal without a letter shows its code, no traceback

app(prog_name="python -m model")
