"""A network is checked once, when it is made; afterwards nothing can change it."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from networks import asia, hub, random_network, toy_networks

from model.errors import BadNetwork, UnknownName
from model.network import CPD, Network, Node

A, B = Node("a", ("x", "y")), Node("b", ("x", "y"))
ROOT = CPD("a", (), [0.5, 0.5])
CHILD = CPD("b", ("a",), [[0.1, 0.9], [0.2, 0.8]])


@pytest.mark.parametrize(
    "name",
    ["", "two words", "1st", "a-b", "é", "a\n", "a.b", "a,b"],
    ids=["empty", "space", "digit_first", "hyphen", "accent", "newline", "dot", "comma"],
)
@pytest.mark.parametrize("place", ["node", "state"])
def test_bad_name_is_refused(name: str, place: str) -> None:
    node = Node(name, ("x", "y")) if place == "node" else Node("a", ("x", name))
    with pytest.raises(BadNetwork, match="bad name"):
        Network((node,), (CPD(node.name, (), [0.5, 0.5]),))


@pytest.mark.parametrize(
    "states", [("x",), (), ("x", "x"), ("x", "y", "x")], ids=["one", "none", "double", "double_of_three"]
)
def test_fewer_than_two_different_states_are_refused(states: tuple[str, ...]) -> None:
    with pytest.raises(BadNetwork, match="a: expected two or more different states"):
        Network((Node("a", states),), (CPD("a", (), np.full(len(states), 1 / max(1, len(states)))),))


@pytest.mark.parametrize(
    ("nodes", "cpds", "message"),
    [
        pytest.param((A, A), (ROOT, ROOT), "share a name", id="double_node"),
        pytest.param((A, B), (ROOT,), "exactly one table.*: b", id="missing_table"),
        pytest.param((A,), (ROOT, CHILD), "exactly one table.*: b", id="table_of_no_node"),
        pytest.param((A, B), (ROOT, CHILD, CHILD), "exactly one table", id="double_table"),
        pytest.param((B,), (CHILD,), "b: unknown parent 'a'", id="unknown_parent"),
        pytest.param((A, B), (ROOT, CPD("b", ("a", "a"), np.full((2, 2, 2), 0.5))), "b: a parent", id="parent_twice"),
        pytest.param((A,), (CPD("a", ("a",), np.full((2, 2), 0.5)),), "a: a parent", id="own_parent"),
        pytest.param((A, B), (ROOT, CPD("b", ("a",), [0.5, 0.5])), r"b: expected.*\(2, 2\)", id="missing_axis"),
        pytest.param((A, B), (ROOT, CPD("b", ("a",), np.full((3, 2), 0.5))), "b: expected", id="row_too_many"),
        pytest.param((A,), (CPD("a", (), [0.2, 0.3, 0.5]),), r"a: expected.*\(2,\)", id="state_too_many"),
        pytest.param((A,), (CPD("a", (), [-0.1, 1.1]),), "a: a number is not", id="negative"),
        pytest.param((A,), (CPD("a", (), [-1e-12, 1]),), "a: a number is not", id="barely_negative"),
        pytest.param((A,), (CPD("a", (), [np.nan, 1.0]),), "a: a number is not", id="nan"),
        pytest.param((A,), (CPD("a", (), [np.inf, 0.0]),), "a: a number is not", id="infinite"),
        pytest.param((A,), (CPD("a", (), [0.5, 0.505]),), "a: a row misses.*0.005", id="sum_1.005"),
        pytest.param((A,), (CPD("a", (), [0.5, 0.5 + 1e-8]),), "a: a row misses.*1e-08", id="sum_1_plus_1e-8"),
        pytest.param((A,), (CPD("a", (), [0.5, 0.5 - 1e-8]),), "a: a row misses.*1e-08", id="sum_1_minus_1e-8"),
        pytest.param(
            (A, B), (ROOT, CPD("b", ("a",), [[0.5, 0.5], [0.5, 0.4]])), "b: a row misses", id="second_row_short"
        ),
        pytest.param(
            (A, B), (CPD("a", ("b",), np.full((2, 2), 0.5)), CHILD), "cycle: (a -> b -> a|b -> a -> b)", id="cycle"
        ),
    ],
)
def test_a_broken_network_is_refused(nodes: tuple[Node, ...], cpds: tuple[CPD, ...], message: str) -> None:
    with pytest.raises(BadNetwork, match=message):
        Network(nodes, cpds)


def test_the_message_of_a_longer_cycle_follows_the_arrows() -> None:
    nodes = [Node(name, ("x", "y")) for name in "abc"]
    half = np.full((2, 2), 0.5)
    with pytest.raises(BadNetwork) as caught:
        Network(tuple(nodes), (CPD("a", ("c",), half), CPD("b", ("a",), half), CPD("c", ("b",), half)))
    path = str(caught.value).split(": ")[1].split(" -> ")
    assert len(path) == 4
    assert all(step in {("a", "b"), ("b", "c"), ("c", "a")} for step in pairwise(path))


def test_a_rounding_error_below_the_tolerance_passes() -> None:
    row = [0.5, 0.5 + 1e-10]
    assert Network((A,), (CPD("a", (), row),)).cpd_of["a"].table.tolist() == row


@pytest.mark.parametrize("name", toy_networks())
def test_parents_come_first(name: str) -> None:
    network = toy_networks()[name]
    place = {node.name: i for i, node in enumerate(network.nodes)}
    assert [cpd.node for cpd in network.cpds] == list(place)
    assert all(place[parent] < place[cpd.node] for cpd in network.cpds for parent in cpd.parents)


def test_the_topological_order_does_not_depend_on_luck() -> None:
    first, second = (random_network(np.random.default_rng(4), 9, 3, 3, 0.1) for _ in range(2))
    assert [node.name for node in first.nodes] == [node.name for node in second.nodes]


def test_an_order_that_has_parents_first_is_kept_as_given() -> None:
    # The docstring of Network: "stored parents first, otherwise as given".
    c = Node("c", ("x", "y"))
    network = Network((A, B, c), (ROOT, CHILD, CPD("c", (), [0.5, 0.5])))
    assert [node.name for node in network.nodes] == ["a", "b", "c"]


def test_nodes_and_tables_may_come_from_generators() -> None:
    network = Network((node for node in (B, A)), (cpd for cpd in (CHILD, ROOT)))  # type: ignore[arg-type]
    assert [node.name for node in network.nodes] == ["a", "b"]


def test_tables_are_read_only_copies() -> None:
    given = np.array([0.5, 0.5])
    network = Network((A,), (CPD("a", (), given),))
    given[0] = 0.9
    table = network.cpd_of["a"].table
    assert table.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0.9


def test_a_network_cannot_be_changed() -> None:
    network = asia()
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.nodes = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        network.by_name["asia"] = A  # type: ignore[index]
    with pytest.raises(TypeError):
        network.cpd_of["asia"] = ROOT  # type: ignore[index]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param((), set(), id="none"),
        pytest.param(("asia",), {"asia"}, id="root"),
        pytest.param(("xray",), {"xray", "either", "lung", "tub", "smoke", "asia"}, id="leaf"),
        pytest.param(("tub", "bronc"), {"tub", "asia", "bronc", "smoke"}, id="two"),
    ],
)
def test_ancestors_of_asia(names: tuple[str, ...], expected: set[str]) -> None:
    assert asia().ancestors(names) == expected


def test_unknown_node_and_state_suggest_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown node 'leg_rais'; did you mean leg_raise\?"):
        hub().node("leg_rais")
    with pytest.raises(UnknownName, match=r"unknown state of leg_raise 'presnt'; did you mean present\?"):
        hub().node("leg_raise").index("presnt")


def test_a_state_has_its_position() -> None:
    assert [hub().node("age").index(state) for state in ("young", "middle", "old")] == [0, 1, 2]
