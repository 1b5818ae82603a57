"""Takes the fixed samples on which every loss of a recording is measured, and defines the mean loss over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils.data import DataLoader, Dataset, IterableDataset

from lossatlas.errors import DataError
from lossatlas.torch.undisturbed import same_attributes, same_random_state

#: ``loss(model, batch)`` returns a scalar tensor, or one number per sample.
Loss = Callable[[torch.nn.Module, Any], torch.Tensor]
_SINGLE = "this gives single samples, and batches are needed; give torch.utils.data.DataLoader(dataset, batch_size=128)"


@dataclass(frozen=True)
class Batch:
    """A batch of samples, with the weight of its loss in the mean over all batches.

    Attributes
    ----------
    data
        The samples as the loader gave them: a tuple (inputs, targets), a dict, or whatever the loss takes.
    counted
        The number of terms in its mean loss: its samples, or its targets that are not ignored.
    total
        The sum of ``counted`` over all batches.
    """

    data: Any
    counted: int
    total: int

    def to(self, device: torch.device, dtype: torch.dtype) -> Batch:
        """Return a copy on a device, with floating-point tensors in the given precision."""

        def move(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return leaf
            return leaf.to(device, dtype) if leaf.is_floating_point() else leaf.to(device)

        return replace(self, data=pytree.tree_map(move, self.data))


@dataclass(frozen=True)
class LossFunction:
    """The loss of a batch, and the rule by which the losses of batches give the mean over all samples.

    Attributes
    ----------
    of
        The function ``of(model, batch)``, which returns the loss of the batch.
    name
        A name to show to people, such as ``CrossEntropyLoss``.
    sums
        Whether the function returns the sum over the samples, and not the mean.
    ignored
        The target that the loss ignores, such as a cross-entropy's ``ignore_index``; None if there is none.
    has_outputs
        Whether batches are (inputs, targets), so that ``model(inputs)`` gives the outputs of the model.
    count
        ``count(batch)`` returns the number of terms in the mean loss of a batch, such as its tokens. None: these are
        its samples, or its targets that are not ignored.
    """

    of: Loss
    name: str
    sums: bool = False
    ignored: int | None = None
    has_outputs: bool = False
    count: Callable[[Any], int] | None = None

    @classmethod
    def make(cls, loss_fn: Callable[[Any, Any], torch.Tensor] | None, loss: Loss | LossFunction | None) -> LossFunction:
        """Make a loss function from ``loss_fn(output, target)`` or ``loss(model, batch)``, unless it is one already.

        Returns
        -------
        LossFunction
            The loss function.

        Raises
        ------
        DataError
            If both are given, or neither, or a class.
        """
        if isinstance(given := loss_fn or loss, type):
            raise DataError(f"the loss is the class {given.__name__}; give an instance, {given.__name__}()")
        if loss is not None and loss_fn is None:
            if isinstance(loss, LossFunction):
                return loss
            return cls(loss, getattr(loss, "__name__", type(loss).__name__).replace("<lambda>", "loss"))
        if loss is not None or loss_fn is None:
            raise DataError("give either loss_fn(output, target), or loss=lambda model, batch: …, and not both")
        keywords = loss_fn.keywords if isinstance(loss_fn, partial) else getattr(loss_fn, "__dict__", {})
        whole = loss_fn.func if isinstance(loss_fn, partial) else loss_fn
        ignored = keywords.get("ignore_index")

        def of(model: torch.nn.Module, batch: Any) -> torch.Tensor:
            inputs, targets = batch
            return loss_fn(model(inputs), targets)

        return cls(
            of,
            getattr(whole, "__name__", type(whole).__name__),
            sums=keywords.get("reduction") == "sum",
            ignored=ignored if isinstance(ignored, int) else None,
            has_outputs=True,
        )

    def mean(self, value: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Compute the share of a batch in the mean over all samples. The shares of all batches add up to the mean."""
        scalar, weight = self.weigh(value, batch)
        return scalar * weight

    def weigh(self, value: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, float]:
        """Give a batch's loss as a scalar, and the weight that it has in the mean over all samples."""
        if not isinstance(value, torch.Tensor):
            raise DataError(
                f"the loss is {_describe(value)}, and no tensor; return the tensor whose gradient the training takes"
            )
        if value.ndim and self.ignored is not None:
            return value.sum(), 1 / batch.total  # one number per sample is 0 for ignored targets
        if self.sums:
            return value, 1 / batch.total
        if not batch.counted:  # the mean over no terms would be NaN
            return value.new_zeros(()), 0.0
        return value.mean() if value.ndim else value, batch.counted / batch.total


def take_samples(loader: Iterable[Any], count: int, batch_size: int, loss: LossFunction) -> list[Batch]:
    """Take the first samples that a loader gives, and divide them into batches of nearly equal size.

    The random numbers of the training are not used up. If the samples cannot be joined (for example, texts of different
    lengths), the loader's own batches are kept.

    Returns
    -------
    list
        The batches. Their sizes are nearly equal, because BatchNorm computes its statistics from one batch.

    Raises
    ------
    DataError
        If there are no samples, the loader can be iterated only once, or a batch does not fit the loss.
    """
    loader = getattr(loader, "base_dataloader", loader)  # a loader of Accelerate counts its iterations
    with same_attributes(parts := _parts_of(loader)), same_random_state(_generators_of(parts)):
        if not isinstance(loader, DataLoader) and iter(loader) is loader:
            raise DataError(f"{loader!r} can be gone through only once; give a DataLoader, or a list of batches")
        if isinstance(loader, Dataset) and not isinstance(loader, IterableDataset):
            raise DataError(_SINGLE)
        found, total = [], 0
        for given in _without_workers(loader):
            batch = dict(given) if isinstance(given, Mapping) else given
            if loss.has_outputs and not (isinstance(batch, list | tuple) and len(batch) == 2):
                raise DataError(
                    f"a batch is {_describe(batch)}, and loss_fn takes (inputs, targets); give a loader of such pairs, "
                    "as [(inputs, targets)], or loss=lambda model, batch: …"
                )
            if loss.has_outputs and isinstance(batch[1], torch.Tensor) and not batch[1].ndim:
                raise DataError(_SINGLE)
            size = samples_in(batch)
            found.append(take_part(batch, slice(0, count - total)) if size > count - total else batch)
            total += samples_in(found[-1])
            if total >= count:
                break
    if not total:
        raise DataError("the loader gives no samples; give one that has some")
    return _weigh(_divide(_join(found), batch_size), loss)


def samples_in(batch: Any) -> int:
    """Count the samples of a batch: the length of its tensors along their first axis."""
    sizes = {leaf.shape[0] for leaf in _tensors(batch) if leaf.ndim}
    if len(sizes) > 1:
        sizes = {next(leaf.shape[0] for leaf in _tensors(batch) if leaf.ndim)}
    if not sizes:
        raise DataError(f"a batch is {_describe(batch)}, with no tensor in it; give batches of tensors")
    return int(sizes.pop())


def _weigh(batches: list[Any], loss: LossFunction) -> list[Batch]:
    counts = [count_terms(batch, loss) for batch in batches]
    return [Batch(batch, count, sum(counts)) for batch, count in zip(batches, counts, strict=True)]


def count_terms(batch: Any, loss: LossFunction) -> int:
    """Return the number of terms in the mean loss of a batch."""
    if loss.count is not None:
        return loss.count(batch)
    if loss.ignored is None or not loss.has_outputs or batch[1].is_floating_point():
        return samples_in(batch)
    return int((batch[1] != loss.ignored).sum())


def _tensors(batch: Any) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(batch) if isinstance(leaf, torch.Tensor)]


def take_part(batch: Any, rows: slice) -> Any:
    """Take some samples of a batch, of whatever form."""
    size = samples_in(batch)
    return pytree.tree_map(lambda x: x[rows] if _is_rows(x, size) else x, batch)


def halve(batch: Batch, loss: LossFunction) -> list[Batch]:
    """Divide a batch into two of nearly equal size, which together have its weight; a single sample is not divided."""
    middle = samples_in(batch.data) // 2
    if not middle:
        return [batch]
    parts = [take_part(batch.data, rows) for rows in (slice(middle), slice(middle, None))]
    return [Batch(part, count_terms(part, loss), batch.total) for part in parts]


def _is_rows(leaf: Any, size: int) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.ndim > 0 and leaf.shape[0] == size


def _join(batches: list[Any]) -> list[Any]:
    """Join all batches into one if their tensors fit together; else return them unchanged."""
    leaves, specs = zip(*(pytree.tree_flatten(batch) for batch in batches), strict=True)
    fits = all(spec == specs[0] for spec in specs) and all(
        all(
            _is_rows(x, samples_in(batch)) and x.shape[1:] == first.shape[1:]
            for x, first in zip(own, leaves[0], strict=True)
        )
        for own, batch in zip(leaves, batches, strict=True)
    )
    if not fits:
        return batches
    return [pytree.tree_unflatten([torch.cat(columns) for columns in zip(*leaves, strict=True)], specs[0])]


def _divide(batches: list[Any], batch_size: int) -> list[Any]:
    """Divide batches that are larger than ``batch_size`` into parts of nearly equal size."""
    parts = []
    for batch in batches:
        size = samples_in(batch)
        count = -(-size // batch_size)
        edges = [size * part // count for part in range(count + 1)]
        parts += [take_part(batch, slice(*edges[part : part + 2])) for part in range(count)]
    return parts


def _parts_of(loader: Any) -> list[Any]:
    """Find the objects that decide on the order of a loader's samples: itself and its samplers, also nested ones."""
    found: dict[int, Any] = {}
    ahead = [loader]
    while ahead:
        part = ahead.pop()
        if part is not None and id(part) not in found:
            found[id(part)] = part
            ahead += [getattr(part, name, None) for name in ("batch_sampler", "sampler")]
    return list(found.values())


def _generators_of(parts: list[Any]) -> list[torch.Generator]:
    """Find the random generators that belong to these objects. Iterating a loader draws numbers from them."""
    found = {id(g): g for part in parts if isinstance(g := getattr(part, "generator", None), torch.Generator)}
    return list(found.values())


def _without_workers(loader: Iterable[Any]) -> Iterator[Any]:
    """Iterate a loader in this process. Its worker processes, which may live for several epochs, are not disturbed."""
    if not isinstance(loader, DataLoader) or loader.num_workers == 0:
        return iter(loader)
    order: dict[str, Any] = {"batch_sampler": loader.batch_sampler}
    if loader.batch_sampler is None or isinstance(loader.dataset, IterableDataset):
        order = {"batch_size": loader.batch_size}
    return iter(DataLoader(loader.dataset, collate_fn=loader.collate_fn, **order))


def _describe(batch: Any) -> str:
    kinds = ", ".join(type(part).__name__ for part in batch) if isinstance(batch, list | tuple) else ""
    return f"a {type(batch).__name__}{f' of {kinds}' if kinds else ''}"
