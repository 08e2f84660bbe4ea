"""D-separation agrees with textbook examples and with pgmpy, on small networks and on the whole one."""

from itertools import combinations

import numpy as np
import pytest
from networks import asia, random_network, sprinkler, toy_networks

from model import Model
from model.errors import UnknownName
from model.network import Network
from model.pgmpy_bridge import to_pgmpy
from model.separation import d_separated

NETWORKS = toy_networks()


def assert_as_pgmpy(network: Network, rng: np.random.Generator, trials: int) -> None:
    theirs = to_pgmpy(network)
    names = [node.name for node in network.nodes]
    found = []
    for _ in range(trials):
        count = int(rng.integers(0, max(1, min(4, len(names) - 2)) + 1))
        x, y, *given = (str(name) for name in rng.permutation(names)[: 2 + count])
        ours = d_separated(network, x, y, given)
        assert ours != theirs.is_dconnected(x, y, observed=given), (x, y, given)
        found.append(ours)
    assert 0 < sum(found) < trials  # both answers were put to the test


def test_textbook_examples() -> None:
    network = asia()
    assert d_separated(network, "asia", "smoke")  # a collider, either, blocks
    assert not d_separated(network, "asia", "smoke", ["dysp"])  # what it leads to opens it
    assert not d_separated(network, "lung", "dysp", ["either"])  # smoking and bronchitis go round
    assert d_separated(network, "lung", "dysp", ["either", "smoke"])
    assert d_separated(network, "tub", "xray", ["either"])
    network = sprinkler()
    assert d_separated(network, "sprinkler", "rain", ["cloudy"])
    assert not d_separated(network, "sprinkler", "rain", ["cloudy", "wet_grass"])
    assert d_separated(network, "cloudy", "wet_grass", ["sprinkler", "rain"])


@pytest.mark.parametrize("name", NETWORKS)
def test_agrees_with_pgmpy_on_toy_networks(name: str) -> None:
    network = NETWORKS[name]
    theirs = to_pgmpy(network)
    for x, y in combinations([node.name for node in network.nodes], 2):
        for given in ([], *([node.name] for node in network.nodes if node.name not in (x, y))):
            assert d_separated(network, x, y, given) != theirs.is_dconnected(x, y, observed=given), (x, y, given)


@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_pgmpy_on_random_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert_as_pgmpy(random_network(rng, 8, 2, 2, 0.3), rng, 60)


def test_agrees_with_pgmpy_on_the_whole_network(model: Model) -> None:
    assert_as_pgmpy(model.network, np.random.default_rng(5), 400)


def test_is_symmetric(model: Model) -> None:
    names = ["age", "cause", "fever", "straight_leg_raise_positive", "crossed_slr_positive", "root_tension"]
    for x, y in combinations(names, 2):
        given = [name for name in ("cauda_equina_syndrome", "slump_test_positive") if name not in (x, y)]
        assert d_separated(model.network, x, y, given) == d_separated(model.network, y, x, given)


@pytest.mark.parametrize(("x", "y", "given"), [("rain", "rain", []), ("rain", "cloudy", ["cloudy"])])
def test_needs_two_nodes_apart_from_what_is_given(x: str, y: str, given: list[str]) -> None:
    with pytest.raises(ValueError, match="two different nodes"):
        d_separated(sprinkler(), x, y, given)


@pytest.mark.parametrize(("x", "y", "given"), [("rian", "cloudy", []), ("rain", "cloudy", ["sprinkle"])])
def test_unknown_names_are_refused(x: str, y: str, given: list[str]) -> None:
    with pytest.raises(UnknownName, match=r"rian|sprinkle"):
        d_separated(sprinkler(), x, y, given)
