"""Networks as objectives: data, modules, planes of weights, and optimization of the input."""

from __future__ import annotations

from gdsim.networks.data import DATA, Data, examples
from gdsim.networks.network import ACTIVATIONS, LOSSES, NETWORKS, Network, layer_of, network
from gdsim.networks.objective import (
    MAX_RECORDING_BYTES,
    ImageObjective,
    Landscape,
    NetworkObjective,
    input_objective,
    network_objective,
    plane_name,
    weights_of,
)

__all__ = [
    "ACTIVATIONS",
    "DATA",
    "LOSSES",
    "MAX_RECORDING_BYTES",
    "NETWORKS",
    "Data",
    "ImageObjective",
    "Landscape",
    "Network",
    "NetworkObjective",
    "examples",
    "input_objective",
    "layer_of",
    "network",
    "network_objective",
    "plane_name",
    "weights_of",
]
