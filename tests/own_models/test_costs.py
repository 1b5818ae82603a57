"""Tests that recording adds no hook to training steps, and that lossatlas alone does not import PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

import lossatlas.torch as lat
from tests.own_models.trainings import convolutional, images, train

HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
)


def test_a_recorded_step_is_the_step_itself(tmp_path: Path) -> None:
    model, loader = convolutional(), [images().tensors]
    methods = [vars(module).keys() for module in model.modules()]
    pointers = [parameter.data_ptr() for parameter in model.parameters()]
    recorder = lat.Recorder(model, torch.nn.CrossEntropyLoss(), loader, data=tmp_path)
    recorder.snapshot()
    train(model, loader, 1, recorder.snapshot)
    for module, attributes in zip(model.modules(), methods, strict=True):
        assert vars(module).keys() == attributes
        assert not [name for name in HOOKS if getattr(module, name)]
    for parameter, pointer in zip(model.parameters(), pointers, strict=True):
        assert parameter.data_ptr() == pointer
        assert not parameter._backward_hooks
        assert not parameter._post_accumulate_grad_hooks


def test_lossatlas_imports_no_torch() -> None:
    code = "import sys, lossatlas, lossatlas.cli, lossatlas.store; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
