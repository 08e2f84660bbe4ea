"""The layout holds: imports run one way, docstrings name the real parameters, nothing shadows a package."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("priors", "model", "validation", "app")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ALLOWED = {
    "priors": {"priors"},
    "model": {"priors", "model"},
    "validation": {"priors", "model", "validation"},
    "app": {"priors", "model", "app"},
}


def dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_imports_run_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    ours = {name.split(".")[0] for name in imported(path)} & {"priors", "model", "app", "validation"}
    assert ours <= ALLOWED[package]


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_heavy_libraries_stay_in_their_modules(path):
    roots = {name.split(".")[0] for name in imported(path)}
    if "pgmpy" in roots:
        assert dotted(path) in ("model.pgmpy_bridge", "model.exchange")
    if "streamlit" in roots:
        assert dotted(path).startswith("app.")
        assert dotted(path) != "app.charts"


def test_no_module_of_the_app_shadows_a_package():
    assert not {"model.py", "priors.py", "validation.py"} & {path.name for path in (ROOT / "app").rglob("*.py")}
    assert not (ROOT / "app" / "pages").exists()


def public_functions():
    for path in MODULES:
        if path.name == "__main__.py" or dotted(path) == "app.main":
            continue
        module = import_module(dotted(path))
        for name, member in vars(module).items():
            if getattr(member, "__module__", None) != module.__name__ or name.startswith("_"):
                continue
            if inspect.isfunction(member) or inspect.isclass(member):
                yield f"{module.__name__}.{name}", member


@pytest.mark.parametrize(("name", "member"), [pytest.param(*pair, id=pair[0]) for pair in public_functions()])
def test_documented_parameters_are_the_real_ones(name, member):
    text = inspect.getdoc(member) or ""
    assert text, f"{name} has no docstring"
    section = re.search(r"Parameters\n-+\n(.*?)(?:\n\n[A-Z][a-z]+\n-+|\Z)", text, re.DOTALL)
    if not section:
        return
    listed = re.findall(r"^(\w[\w, ]*?) : ", section.group(1), re.MULTILINE)
    documented = [part.strip() for line in listed for part in line.split(",")]
    real = [parameter for parameter in inspect.signature(member).parameters if parameter != "self"]
    assert documented == real, name
