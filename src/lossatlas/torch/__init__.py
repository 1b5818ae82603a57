"""Records somebody's own PyTorch training, of any model, in three lines. It needs the extra ``lossatlas[torch]``.

import lossatlas.torch as lat

with lat.Recorder(model, loss_fn, train_loader, test_loader, name="digits-cnn") as recorder:
    for epoch in range(epochs):
        train_one_epoch(model)
        recorder.snapshot()
"""

from lossatlas.torch.checkpoints import from_checkpoints
from lossatlas.torch.evaluation import TorchHessian, TorchLosses
from lossatlas.torch.model import TorchModel
from lossatlas.torch.recorder import Recorder
from lossatlas.torch.samples import Batch, LossFunction, take_samples

__all__ = [
    "Batch",
    "LossFunction",
    "Recorder",
    "TorchHessian",
    "TorchLosses",
    "TorchModel",
    "from_checkpoints",
    "take_samples",
]
