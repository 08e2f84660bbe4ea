"""Read the lists of published figures in `validation/targets/`, and check every word of them.

Not here: what the model gives for them (`validation/posttest.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from scipy.stats.contingency import relative_risk

from model.errors import UnknownName
from model.network import Network
from priors.errors import PriorsError, Problem
from priors.records import CAUDA_EQUINA, CAUSE, PRESENT, Source
from priors.references import read_references
from priors.toml_tables import TomlTable, open_toml
from validation.criteria import Entry, Score
from validation.joint import STUDIES
from validation.scores import wilson

TARGETS = Path(__file__).resolve().parent / "targets"
POST_TEST, LR_POSITIVE, LR_NEGATIVE = "post_test", "lr_positive", "lr_negative"
MEASURES = (POST_TEST, LR_POSITIVE, LR_NEGATIVE)
POSITIVE, NEGATIVE = "positive", "negative"
READ = ("full text", "abstract", "secondary page", "unread")


@dataclass(frozen=True, slots=True)
class Target:
    """A published figure and the setting it was measured in.

    Parameters
    ----------
    name, title : str
        Key, what it says.
    group : str
        Name of its file.
    outcome : tuple of (str, str)
        (node, state): causes, any of them; or the complication.
    profile : str
        Whose likelihoods fit the setting: a profile, or the path of a study's own overlay.
    against : mapping of str to float
        Weights of the causes of the patients without the outcome; empty for the profile's own mix.
    entry : Entry
        What brought the patients in.
    score : Score
        The test.
    result : str
        positive, or negative where the figure is about patients with a negative test.
    measure : str
        One of `MEASURES`.
    prior : float or None
        The study's own share with the outcome; for post-test probabilities alone.
    published : float
        The figure.
    interval : tuple of (float, float)
        Its 95 % interval: published, or worked out from the counts.
    used : bool
        Whether a number of the model was set from this figure: then it checks arithmetic alone.
    given_with, given_without : float or None
        For used figures: the study's own share of positives among patients with, without the outcome, where only the
        other one was taken into the model.
    used_note, source, read, note : str
        Which number; key of the source; what of it was read; how it was mapped.
    amended : str
        What of the setting was changed after the model was first asked, and why; mostly empty.
    missed : str
        Why the model misses it, where it does.
    first : Target or None
        The same figure in the setting that was listed first, where that was amended.
    """

    name: str
    title: str
    group: str
    outcome: tuple[tuple[str, str], ...]
    profile: str
    against: Mapping[str, float]
    entry: Entry
    score: Score
    result: str
    measure: str
    prior: float | None
    published: float
    interval: tuple[float, float]
    used: bool
    given_with: float | None
    given_without: float | None
    used_note: str
    source: str
    read: str
    note: str
    amended: str
    missed: str
    first: Target | None = None


def read_targets(
    network: Network, profiles: Sequence[str], sources: Mapping[str, Source], folder: Path = TARGETS
) -> tuple[Target, ...]:
    """Read every list of targets in a folder.

    Parameters
    ----------
    network : Network
        Its names bind.
    profiles : sequence of str
        Names of the profiles.
    sources : mapping of str to Source
        Of priors/references.bib; each list may have its own beside it.
    folder : Path
        Of TOML files, one table a target.

    Returns
    -------
    tuple of Target
        File by file, in their order.

    Raises
    ------
    PriorsError
        With every fault found, each with file and key.
    """
    problems: list[Problem] = []
    targets = []
    for file in sorted(folder.glob("*.toml")):
        known = {**sources, **own_sources(file)}
        for name, data in open_toml(folder, file.name, problems).data.items():
            table = TomlTable(file.name, name, data, problems)
            before = len(problems)
            listed = _choice(table, "profile", profiles)
            target = _Reader(network, known, table, listed).target(name, file.stem)
            if len(problems) == before:
                targets.append(target)
    if problems:
        raise PriorsError(problems)
    return tuple(targets)


def own_sources(file: Path) -> dict[str, Source]:
    """Return the sources in the .bib file beside a list; none where there is no such file."""
    beside = file.with_suffix(".bib")
    return read_references(beside) if beside.exists() else {}


def _choice(table: TomlTable, field: str, known: Sequence[str], default: str | None = None) -> str:
    value: str = table.take(field, str) if default is None else table.take(field, str, default)
    if value not in known:
        table.fault(field, f"expected one of {', '.join(known)}, found {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one table, noting faults in it."""

    network: Network
    sources: Mapping[str, Source]
    table: TomlTable
    listed: str  # the profile

    def target(self, name: str, group: str) -> Target:
        take = self.table.take
        measure = _choice(self.table, "measure", MEASURES)
        prior = take("prior", float) if measure == POST_TEST else None
        if prior is not None and not 0 < prior < 1:
            self.table.fault("prior", f"expected a share between 0 and 1, found {prior!r}")
        published = float(take("published", (float, int)))
        interval = self.interval(measure, published)
        found = Target(
            name=name,
            title=take("title", str),
            group=group,
            outcome=self.outcome(),
            profile=self.profile(),
            against=self.weights(),
            entry=self.entry(),
            score=self.score(),
            result=_choice(self.table, "result", (POSITIVE, NEGATIVE), POSITIVE),
            measure=measure,
            prior=prior,
            published=published,
            interval=interval,
            used=take("used", bool),
            given_with=self.share("given_with"),
            given_without=self.share("given_without"),
            used_note=take("used_note", str, ""),
            source=take("source", str),
            read=_choice(self.table, "read", READ),
            note=take("note", str),
            amended=take("amended", str, ""),
            missed=take("missed", str, ""),
        )
        found = replace(found, first=self.first(found))
        if found.source not in self.sources:
            self.table.fault("source", f"{found.source!r} is in no references.bib and in no .bib file beside the list")
        if found.used and not found.used_note:
            self.table.fault("used_note", "missing; say which number was set from this figure")
        if not found.used and (found.given_with is not None or found.given_without is not None):
            self.table.fault("given_without", "only a used figure may take a share from its own study")
        self.table.done()
        return found

    def first(self, target: Target) -> Target | None:
        """Return a target as it was listed at first: no overlay, no share of the study's own, the entry of then."""
        entry = target.entry
        if any_of := self.any_of("first_entry_any"):
            entry = replace(entry, any_of=any_of)
        listed = replace(target, profile=self.listed, entry=entry, given_with=None, given_without=None)
        if listed == target:
            return None
        if not target.amended:
            self.table.fault("amended", "missing; say what of the setting was changed after the first look, and why")
        return listed

    def profile(self) -> str:
        overlay = self.table.take("overlay", str, "")
        if not overlay:
            return self.listed
        if not (STUDIES / overlay).exists():
            self.table.fault("overlay", f"no such file in {STUDIES.name}/: {overlay!r}")
        return str(STUDIES / overlay)

    def share(self, field: str) -> float | None:
        value: float | None = self.table.take(field, float, None)
        if value is not None and not 0 < value < 1:
            self.table.fault(field, f"expected a share between 0 and 1, found {value!r}")
        return value

    def state(self, field: str, node: str, state: object) -> None:
        try:
            self.network.node(node).index(str(state))
        except UnknownName as error:
            self.table.fault(field, str(error))

    def outcome(self) -> tuple[tuple[str, str], ...]:
        pairs = []
        for text in self.table.strings("outcome"):
            node, _, state = text.partition("=")
            pairs.append((node, state))
            self.state("outcome", node, state)
        complication = ((CAUDA_EQUINA, PRESENT),)
        if tuple(pairs) != complication and {node for node, _ in pairs} != {CAUSE}:
            self.table.fault("outcome", f"expected causes (cause=...) or {CAUDA_EQUINA}=present, found {pairs!r}")
        return tuple(pairs)

    def weights(self) -> Mapping[str, float]:
        return MappingProxyType(self.numbers("against", CAUSE))

    def numbers(self, field: str, node: str = "") -> dict[str, float]:
        found = {}
        for name, weight in self.table.take(field, dict, {}).items():
            if node:
                self.state(field, node, name)
            if not isinstance(weight, (int, float)) or isinstance(weight, bool):
                self.table.fault(field, f"{name}: expected a number, found {weight!r}")
            elif node and not weight > 0:
                self.table.fault(field, f"{name}: expected a weight above 0, found {weight!r}")
            else:
                found[name] = float(weight)
        return found

    def states_of(self, field: str, given: Mapping[str, object]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        found = []
        for node, states in given.items():
            listed = tuple(str(state) for state in states) if isinstance(states, list) else (str(states),)
            for state in listed:
                self.state(field, node, state)
            found.append((node, listed))
        return tuple(found)

    def entry(self) -> Entry:
        take = self.table.take
        states = self.states_of("entry", take("entry", dict))
        any_of = self.any_of("entry_any")
        ages = take("entry_ages", list, [0, math.inf])
        if len(ages) != 2 or not all(isinstance(age, (int, float)) for age in ages) or not ages[0] < ages[1]:
            self.table.fault("entry_ages", f"expected two ages, the lower first, found {ages!r}")
            ages = [0, math.inf]
        return Entry(states, any_of, (float(ages[0]), float(ages[1])))

    def any_of(self, field: str) -> tuple[tuple[str, str], ...]:
        pairs = tuple((name, PRESENT) for name in self.table.strings(field, []))
        for name, state in pairs:
            self.state(field, name, state)
        return pairs

    def score(self) -> Score:
        take = self.table.take
        weights = self.numbers("weights")
        items = self.states_of("positive", take("positive", dict, {}))
        age = take("positive_age", (float, int), -1)
        ages = ((float(age), 1.0),) if age >= 0 else ()
        if not items and not ages:
            self.table.fault("positive", "expected at least one finding or positive_age")
        if unknown := sorted(set(weights) - {node for node, _ in items}):
            self.table.fault("weights", f"{unknown[0]} is no item of positive")
        points = tuple((node, states, float(weights.get(node, 1))) for node, states in items)
        all_of_them = sum(worth for _, _, worth in points) + len(ages)
        return Score(points, ages, float(take("at_least", (float, int), all_of_them)))

    def interval(self, measure: str, published: float) -> tuple[float, float]:
        given = self.table.take("interval", list, [])
        counts = self.table.take("counts", list, [])
        if bool(given) == bool(counts):
            self.table.fault("interval", "expected either the published interval or the counts")
            return published, published
        wanted = 2 if given or measure == POST_TEST else 4
        numbers = given or counts
        if len(numbers) != wanted or not all(isinstance(number, (int, float)) for number in numbers):
            self.table.fault("interval" if given else "counts", f"expected {wanted} numbers, found {numbers!r}")
            return published, published
        if counts and not _possible(counts):
            self.table.fault("counts", f"expected whole numbers, no more events than patients, found {counts!r}")
            return published, published
        low, high = given or counted_interval(measure, counts)
        if not (math.isfinite(low) and math.isfinite(high)):
            self.table.fault("counts", f"these counts give no interval: {counts!r}")
            return published, published
        if not low <= published <= high:
            self.table.fault("published", f"{published:g} lies outside its interval, {low:.4g} to {high:.4g}")
        return float(low), float(high)


def _possible(counts: Sequence[float]) -> bool:
    pairs = zip(counts[::2], counts[1::2], strict=True)
    return all(isinstance(e, int) and isinstance(n, int) and 0 <= e <= n and n > 0 for e, n in pairs)


def counted_interval(measure: str, counts: Sequence[int]) -> tuple[float, float]:
    """Return the 95 % interval that counts give: Wilson's for a share, Katz's on the log scale for a ratio.

    Parameters
    ----------
    measure : str
        One of `MEASURES`.
    counts : sequence of int
        Events and total of a share; positive and all with the outcome, positive and all without, of a ratio.

    Returns
    -------
    tuple of float
        Low, high.

    Examples
    --------
    >>> [round(end, 3) for end in counted_interval("lr_positive", [30, 40, 10, 40])]
    [1.704, 5.283]
    """
    if measure == POST_TEST:
        return wilson(counts[0], counts[1])
    with_positive, with_all, without_positive, without_all = counts
    if measure == LR_NEGATIVE:
        with_positive, without_positive = with_all - with_positive, without_all - without_positive
    found = relative_risk(with_positive, with_all, without_positive, without_all).confidence_interval(0.95)
    return float(found.low), float(found.high)
