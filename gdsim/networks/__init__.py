"""What is trained: networks of our own and of others, with their data."""

from __future__ import annotations

from gdsim.networks.data import DATA, Data, examples
from gdsim.networks.network import ACTIVATIONS, LOSSES, NETWORKS, Network, layer_of, network, unknown

__all__ = ["ACTIVATIONS", "DATA", "LOSSES", "NETWORKS", "Data", "Network", "examples", "layer_of", "network", "unknown"]
