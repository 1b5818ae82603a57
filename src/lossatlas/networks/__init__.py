"""Fully connected networks: the order of their parameters in the vector theta, and their activation functions."""

from lossatlas.networks.activations import ACTIVATIONS
from lossatlas.networks.network import ModelConfig, Network
from lossatlas.networks.parameter_space import ParameterSpace

__all__ = ["ACTIVATIONS", "ModelConfig", "Network", "ParameterSpace"]
