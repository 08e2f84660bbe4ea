"""`python -m model`: see `model/cli.py`."""

from model.cli import app

app(prog_name="python -m model")
