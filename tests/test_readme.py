"""The README's commands run and print what it says; its Python example runs as a doctest (pyproject.toml)."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
EXAMPLES = [example for block in BLOCKS for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def test_the_readme_has_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0][:70])
def test_the_command_prints_what_the_readme_says(example, tmp_path):
    command, _, expected = example.partition("\n")
    words = [sys.executable if word == ".venv/bin/python" else word for word in shlex.split(command)]
    # results go to a folder of the test, whatever folder the reader would use
    words = [
        str(tmp_path / word) if before == "--out" else word for before, word in zip(["", *words], words, strict=False)
    ]
    environment = os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")
    printed = (done.stdout + done.stderr).replace(f"{tmp_path}{os.sep}", "")
    assert done.returncode == (2 if expected.startswith("error:") else 0), printed
    assert [line.rstrip() for line in printed.splitlines()] == [line.rstrip() for line in expected.splitlines()]


def test_every_picture_and_file_the_readme_names_is_there():
    named = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
