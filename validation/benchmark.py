"""How fast the engine is: as ratios against pyAgrum, pgmpy and a bare gather-and-add, all in one run.

Not here: the cases (`validation/mix.py`), what it is measured against (`validation/rivals.py`).
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model import Model, load_model
from model.banded import bands
from model.batch import batch_posterior
from model.evidence import Evidence
from model.evidence_batch import EvidenceBatch, evidence_of
from model.whatif import what_if, what_if_pairs
from validation.mix import Mix, case_mix, plain_cases
from validation.rivals import TARGETS, ask_pgmpy, ask_pyagrum, bare_gather

ROOT = Path(__file__).resolve().parents[1]
SEED_CASE = Path("validation") / "cases" / "buttock-sarcoma-59m.json"
LIBRARIES = ("numpy", "scipy", "pgmpy", "pyagrum", "numba")
AGREEMENT = 1e-9


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Parameters
    ----------
    singles : int
        Cases asked one by one.
    rounds : int
        Times that each measurement is repeated, the tools in turn.
    batch : int
        Cases asked at once.
    heavy : int
        Cases for what takes milliseconds: intervals and what-ifs.
    starts : int
        Starts of the command line.
    """

    singles: int = 200
    rounds: int = 7
    batch: int = 100_000
    heavy: int = 40
    starts: int = 5


@dataclass(frozen=True, slots=True)
class Ratio:
    """One comparison.

    Parameters
    ----------
    what : str
        In words.
    ours, theirs : float
        Median seconds, of the same unit of work.
    against : str
        What `theirs` is.
    required : float
        Ratio that must be reached.
    at_most : bool
        Whether the ratio is ours to theirs and must stay under the required; else theirs to ours, and over it.
    """

    what: str
    ours: float
    theirs: float
    against: str
    required: float
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """The ratio that is required to be small or large."""
        return self.ours / self.theirs if self.at_most else self.theirs / self.ours

    @property
    def holds(self) -> bool:
        """Whether it is."""
        return self.ratio <= self.required if self.at_most else self.ratio >= self.required


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A run of the benchmark.

    Parameters
    ----------
    machine : dict of str to str
        Processor, system and versions.
    mix : str
        The cases, in words.
    ratios : tuple of Ratio
        What is required.
    seconds : dict of str to float
        Absolute medians.
    worst_difference : float
        Largest difference between our posteriors and pyAgrum's or pgmpy's on the cases measured.
    """

    machine: dict[str, str]
    mix: str
    ratios: tuple[Ratio, ...]
    seconds: dict[str, float]
    worst_difference: float

    def as_dict(self) -> dict[str, Any]:
        """Return every figure as an object for JSON."""
        return {
            "machine": self.machine,
            "mix": self.mix,
            "ratios": [asdict(ratio) | {"ratio": ratio.ratio, "holds": ratio.holds} for ratio in self.ratios],
            "seconds": self.seconds,
            "worst_difference": self.worst_difference,
        }


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(tools: Sequence[Callable[[Evidence], object]], cases: Sequence[Evidence], rounds: int) -> list[float]:
    """Return each tool's median seconds a case; the tools take turns, so that a slow spell of the machine hits all."""
    found: list[list[float]] = [[] for _ in tools]
    for case in cases[:20]:
        for tool in tools:
            tool(case)
    for _ in range(rounds):
        for times, tool in zip(found, tools, strict=True):
            times += [timed(lambda tool=tool, case=case: tool(case)) for case in cases]  # type: ignore[misc]
    return [statistics.median(times) for times in found]


def machine() -> dict[str, str]:
    """Return what this run ran on."""
    found = {"processor": platform.processor() or platform.machine(), "cores": str(os.cpu_count())}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        found["processor"] = names[0] if names else found["processor"]
    found["python"] = platform.python_version()
    return found | {name: importlib.metadata.version(name) for name in LIBRARIES}


def run_benchmark(sizes: Sizes | None = None, told: Callable[[str], None] | None = None) -> Benchmark:
    """Measure everything once.

    Parameters
    ----------
    sizes : Sizes, optional
        How much; the usual sizes take about two minutes.
    told : callable, optional
        Called with what is being measured.

    Returns
    -------
    Benchmark
        Medians and ratios of this run on this machine.
    """
    sizes, told = sizes or Sizes(), told or (lambda _: None)
    model = load_model()
    mix, bare_mix = case_mix(model.network, sizes.singles), case_mix(model.network, sizes.singles, context=False)
    told("preparing")
    _ = model.batch_tables, model.draws
    pyagrum, pgmpy = ask_pyagrum(model.network), ask_pgmpy(model.network)
    told("one case at a time")
    singles = _singles(model, mix, pyagrum, pgmpy, sizes)
    told("one case at a time, no context")
    missing = _singles(model, bare_mix, pyagrum, pgmpy, sizes)
    worst = _worst_difference(model, mix, pyagrum, pgmpy)
    told("many cases at once")
    many = _many(model, sizes)
    told("intervals and what-ifs")
    heavy = _heavy(model, mix, sizes)
    told("starting the command line")
    start = statistics.median(timed(_start) for _ in range(sizes.starts))
    theirs = singles["pyagrum"]
    ratios = (
        Ratio("one posterior, evidence checked", singles["ours"], theirs, "pyAgrum", 30),
        Ratio("one posterior, evidence checked", singles["ours hard"], singles["pgmpy hard"], "pgmpy", 60),
        Ratio(f"a case of a batch of {sizes.batch:,}", many["batch"] / sizes.batch, theirs, "pyAgrum", 300),
        Ratio("a batch without unsure cases", many["plain batch"], many["bare gather"], "bare gather-and-add", 4, True),
        Ratio("intervals over 1,024 draws", heavy["intervals"], theirs, "40 pyAgrum posteriors", 40, True),
        Ratio("all one-step what-ifs", heavy["what-ifs"], theirs, "3 pyAgrum posteriors", 3, True),
        Ratio("all pairs of what-ifs", heavy["pairs"], theirs, "100 pyAgrum posteriors", 100, True),
    )
    seconds = {f"one case: {name}": value for name, value in singles.items()}
    seconds |= {f"one case without context: {name}": value for name, value in missing.items()}
    seconds |= {**many, **heavy, "diagnose from the command line": start}
    return Benchmark(machine(), mix.described, ratios, seconds, worst)


def _cases(model: Model, batch: EvidenceBatch, size: int) -> list[Evidence]:
    return [evidence_of(model.network, batch, case) for case in range(min(size, batch.num_cases))]


Ask = Callable[[Evidence], Any]


def _singles(model: Model, mix: Mix, pyagrum: Ask, pgmpy: Ask, sizes: Sizes) -> dict[str, float]:
    """Return median seconds a posterior; pgmpy, and ours beside it, on the cases of hard evidence."""
    cases = _cases(model, mix.batch, sizes.singles)
    hard = [case for case in cases if not case.unsure]

    def ours(case: Evidence) -> object:
        return model.engine.query(model.network, case, TARGETS)

    first, second = medians([ours, pyagrum], cases, sizes.rounds)
    third, fourth = medians([ours, pgmpy], hard, max(1, sizes.rounds // 3))
    return {"ours": first, "pyagrum": second, "ours hard": third, "pgmpy hard": fourth}


def _worst_difference(model: Model, mix: Mix, pyagrum: Ask, pgmpy: Ask) -> float:
    worst = 0.0
    for case in _cases(model, mix.batch, mix.batch.num_cases):
        ours = [posterior.probs for posterior in model.engine.query(model.network, case, TARGETS).posteriors]
        for theirs in (pyagrum(case), *(() if case.unsure else (pgmpy(case),))):
            worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True)))
    return worst


def _many(model: Model, sizes: Sizes) -> dict[str, float]:
    """Return median seconds of a batch, and of its bare work; the two take turns."""
    tables = model.batch_tables
    whole = case_mix(model.network, sizes.batch).batch
    nothing = case_mix(model.network, sizes.batch, context=False).batch
    plain = plain_cases(whole)
    bare = bare_gather(tables, plain)
    work = {
        "batch": lambda: batch_posterior(tables, whole),
        "plain batch": lambda: batch_posterior(tables, plain),
        "bare gather": bare,
        "batch without context": lambda: batch_posterior(tables, nothing),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(sizes.rounds + 1):
        for name, run in work.items():
            times[name].append(timed(run))
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def _heavy(model: Model, mix: Mix, sizes: Sizes) -> dict[str, float]:
    cases = _cases(model, mix.batch, sizes.heavy)
    compiled = model.compiled
    tools: list[Ask] = [
        lambda case: bands(model, case),
        lambda case: what_if(compiled, case),
        lambda case: what_if_pairs(compiled, case),
    ]
    return dict(zip(("intervals", "what-ifs", "pairs"), medians(tools, cases, max(1, sizes.rounds // 3)), strict=True))


def _start() -> None:
    command = [sys.executable, "-m", "model", "diagnose", str(SEED_CASE)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
