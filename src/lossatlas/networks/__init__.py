"""Fully connected networks as descriptions: the layout of their parameters in theta, and their activations."""

from lossatlas.networks.activations import ACTIVATIONS
from lossatlas.networks.network import ModelConfig, Network
from lossatlas.networks.parameter_space import ParameterSpace

__all__ = ["ACTIVATIONS", "ModelConfig", "Network", "ParameterSpace"]
