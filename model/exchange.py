"""Write the network in formats that other tools open: BIF, XMLBIF, XDSL (GeNIe), NET (HUGIN).

pgmpy's writers do it; two of them are mended here: NET and XDSL lose digits, and XDSL scatters the nodes.
In XDSL the first parent runs slowest, as in GeNIe; pyAgrum's reader takes it the other way round, so hand pyAgrum the
XMLBIF file (ending .bifxml), which it reads to the last digit. pgmpy is imported only when a file is written.
Not here: the conversion to pgmpy (`model/pgmpy_bridge.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from model.errors import ModelError, UnknownName
from model.files import replacing
from model.network import Network

FORMATS = ("bif", "xmlbif", "xdsl", "net")

# A GeNIe layout in columns, one a kind of node, read from left to right: pixels.
_COLUMNS = ("context", "cause", "complication", "syndrome", "finding")
_BOX, _GAP, _PER_COLUMN = (150, 50), (40, 20), 12


def _digits(number: float) -> str:
    """Write every digit and no exponent, which some readers do not know."""
    return np.format_float_positional(number, trim="0")


def _nested(table: np.ndarray[Any, Any]) -> str:
    if table.ndim == 0:
        return _digits(float(table))
    return "(" + " ".join(_nested(part) for part in table) + ")"


def _net_text(model: Any) -> str:
    from pgmpy.readwrite import NETWriter

    class ExactNetWriter(NETWriter):  # type: ignore[misc]
        """NETWriter rounds to eight decimals; this one keeps them all."""

        def net_cpd(self, var_name: str) -> str:
            return _nested(np.moveaxis(np.asarray(self.tables[var_name]), 0, -1))

    return str(ExactNetWriter(model))


def _positions(network: Network) -> dict[str, tuple[int, int]]:
    places, columns = {}, 0
    for kind in _COLUMNS:
        names = [node.name for node in network.nodes if node.kind == kind]
        for index, name in enumerate(names):
            column, row = columns + index // _PER_COLUMN, index % _PER_COLUMN
            places[name] = (column * (_BOX[0] + _GAP[0]), row * (_BOX[1] + _GAP[1]))
        columns += -(-len(names) // _PER_COLUMN)
    return places


def _xdsl_text(model: Any, network: Network) -> str:
    from pgmpy.readwrite import XDSLWriter

    class TidyXdslWriter(XDSLWriter):  # type: ignore[misc]
        """XDSLWriter cuts numbers and draws positions at random; this one does neither."""

        def get_cpds(self) -> Any:
            found = super().get_cpds()
            for name, cpd in found.items():
                numbers = np.moveaxis(np.asarray(cpd.values), 0, -1).ravel()
                self.variables[name].find("probabilities").text = " ".join(_digits(float(x)) for x in numbers)
            return found

        def _create_extensions(self) -> None:
            extensions = ElementTree.SubElement(self.root, "extensions")
            about = {"version": "1.0", "app": "Lasegue", "name": self.network_id}
            genie = ElementTree.SubElement(extensions, "genie", about)
            for name, (x, y) in _positions(network).items():
                node = ElementTree.SubElement(genie, "node", {"id": name})
                ElementTree.SubElement(node, "name").text = name  # pyAgrum takes it for the name of the node
                ElementTree.SubElement(node, "interior", {"color": "e5f6f7"})
                ElementTree.SubElement(node, "outline", {"color": "000080"})
                ElementTree.SubElement(node, "font", {"color": "000000", "name": "Arial", "size": "8"})
                ElementTree.SubElement(node, "position").text = f"{x} {y} {x + _BOX[0]} {y + _BOX[1]}"

    writer = TidyXdslWriter(model, network_id="lasegue")
    ElementTree.indent(writer.root)
    return ElementTree.tostring(writer.root, encoding="unicode", xml_declaration=True) + "\n"


def network_text(network: Network, file_format: str) -> str:
    """Return the network as the text of a file.

    Parameters
    ----------
    network : Network
        Ours.
    file_format : str
        One of `FORMATS`.

    Returns
    -------
    str
        Every number to the last digit, every name unchanged.

    Raises
    ------
    UnknownName
        Where the format is none of `FORMATS`.
    """
    if file_format not in FORMATS:
        raise UnknownName("format", file_format, FORMATS)
    from model.pgmpy_bridge import to_pgmpy  # first: it quiets the warnings of pgmpy's import

    from pgmpy.readwrite import BIFWriter, XMLBIFWriter  # isort: skip

    model = to_pgmpy(network)
    model.name = "lasegue"
    if file_format == "net":
        return _net_text(model)
    if file_format == "xdsl":
        return _xdsl_text(model, network)
    return str(BIFWriter(model) if file_format == "bif" else XMLBIFWriter(model))


def export_network(network: Network, file_format: str, path: Path) -> None:
    """Write the network to a file, whole or not at all.

    Raises
    ------
    UnknownName
        Where the format is none of `FORMATS`.
    ModelError
        Where the file cannot be written.
    """
    text = network_text(network, file_format)
    try:
        with replacing(path) as handle:
            handle.write(text)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from None
