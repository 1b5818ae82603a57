"""Records your own PyTorch training, of any model, with three lines of code. It needs the extra ``lossatlas[torch]``.

import lossatlas.torch as lat

with lat.Recorder(model, loss_fn, train_loader, test_loader, name="digits-cnn") as recorder:
    for epoch in range(epochs):
        train_one_epoch(model)
        recorder.snapshot()

The callbacks are imported at their first use (PEP 562), because Lightning and transformers take seconds to import.
"""

from typing import TYPE_CHECKING

from lossatlas.torch.checkpoints import from_checkpoints
from lossatlas.torch.compiled import CompileWarning
from lossatlas.torch.cut import cut
from lossatlas.torch.epoch_recording import RecordingWarning
from lossatlas.torch.evaluation import TorchHessian, TorchLosses
from lossatlas.torch.model import TorchModel
from lossatlas.torch.options import RecorderOptions
from lossatlas.torch.recorder import Recorder
from lossatlas.torch.samples import Batch, LossFunction, take_samples

if TYPE_CHECKING:
    from lossatlas.torch.lightning_callback import LightningCallback as LightningCallback
    from lossatlas.torch.transformers_callback import TransformersCallback as TransformersCallback

__all__ = [
    "Batch",
    "CompileWarning",
    "LossFunction",
    "Recorder",
    "RecorderOptions",
    "RecordingWarning",
    "TorchHessian",
    "TorchLosses",
    "TorchModel",
    "cut",
    "from_checkpoints",
    "take_samples",
]


def __getattr__(name: str) -> object:
    if name == "LightningCallback":
        from lossatlas.torch.lightning_callback import LightningCallback

        return LightningCallback
    if name == "TransformersCallback":
        from lossatlas.torch.transformers_callback import TransformersCallback

        return TransformersCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
