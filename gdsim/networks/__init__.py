"""Networks as objectives: data, modules, planes of weights, and optimization of the input."""

from __future__ import annotations

from gdsim.networks.checkpoints import MAX_RECORDING_BYTES, last_weights, weights_of
from gdsim.networks.data import DATA, Data, examples
from gdsim.networks.inputs import ImageObjective, input_objective
from gdsim.networks.network import ACTIVATIONS, LOSSES, NETWORKS, Network, layer_of, network, unknown_network
from gdsim.networks.objective import Landscape, NetworkObjective, network_objective, plane_name

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
    "last_weights",
    "layer_of",
    "network",
    "network_objective",
    "plane_name",
    "unknown_network",
    "weights_of",
]
