"""The fixed samples that every loss of a recording is measured on: a few batches of the training's own loaders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils.data import DataLoader

from lossatlas.errors import DataError
from lossatlas.torch.undisturbed import same_random_state

#: ``loss(model, batch)``: a scalar tensor, or one number a sample.
Loss = Callable[[torch.nn.Module, Any], torch.Tensor]


@dataclass(frozen=True)
class Batch:
    """A batch of samples, with the weight of its loss in the mean over all batches.

    Attributes
    ----------
    data
        As the loader gave it: a tuple (inputs, targets), a dict, or whatever the loss takes.
    counted
        How many terms its mean loss is taken over: its samples, or its targets that are not ignored.
    total
        The sum of ``counted`` over all batches.
    """

    data: Any
    counted: int
    total: int

    def to(self, device: torch.device, dtype: torch.dtype) -> Batch:
        """Move it to a device; numbers that are not whole into the precision that the model is evaluated in."""

        def move(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return leaf
            return leaf.to(device, dtype) if leaf.is_floating_point() else leaf.to(device)

        return replace(self, data=pytree.tree_map(move, self.data))


@dataclass(frozen=True)
class LossFunction:
    """The loss of a batch, and how batches are put together to the mean over all samples.

    Attributes
    ----------
    of
        ``of(model, batch)``: the batch's loss.
    name
        A name to show to people, such as ``CrossEntropyLoss``.
    sums
        Whether it adds over the samples, where others take the mean.
    ignored
        The target that the loss ignores, such as a cross-entropy's ``ignore_index``; None if there is none.
    has_outputs
        Whether batches are (inputs, targets), so that ``model(inputs)`` is the model's answer.
    """

    of: Loss
    name: str
    sums: bool = False
    ignored: int | None = None
    has_outputs: bool = False

    @classmethod
    def make(cls, loss_fn: Callable[[Any, Any], torch.Tensor] | None, loss: Loss | None) -> LossFunction:
        """Take ``loss_fn(output, target)``, or ``loss(model, batch)``.

        Returns
        -------
        The loss of a batch.

        Raises
        ------
        DataError
            Unless there is exactly one of them.
        """
        if loss is not None and loss_fn is None:
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
        """Compute a batch's part of the mean over all samples; the parts of all batches add up to it."""
        if value.ndim and self.ignored is not None:
            return value.sum() / batch.total  # of what is ignored, a loss of single terms says 0
        if self.sums:
            return value / batch.total
        if not batch.counted:  # the mean over nothing is not a number
            return value.new_zeros(())
        return value.mean() * (batch.counted / batch.total)


def take_samples(loader: Iterable[Any], count: int, batch_size: int, loss: LossFunction) -> list[Batch]:
    """Take the first samples that a loader gives, and put them into even batches, without drawing from the training.

    Where the samples cannot be put together (texts of different lengths, say), the loader's own batches are kept.

    Returns
    -------
    Batches of about one size, as BatchNorm's batch statistics are those of a batch.

    Raises
    ------
    DataError
        If there are none, if the loader can be gone through only once, or if a batch is not what the loss takes.
    """
    with same_random_state(_generators_of(loader)):
        if iter(loader) is loader:  # for a DataLoader, iter() alone draws a number
            raise DataError(f"{loader!r} can be gone through only once; give a DataLoader, or a list of batches")
        found, total = [], 0
        for batch in _without_workers(loader):
            if loss.has_outputs and not (isinstance(batch, list | tuple) and len(batch) == 2):
                raise DataError(
                    f"a batch is {_describe(batch)}, and loss_fn takes (inputs, targets); "
                    "give loss=lambda model, batch: … instead"
                )
            size = samples_in(batch)
            found.append(_part(batch, slice(0, count - total)) if size > count - total else batch)
            total += samples_in(found[-1])
            if total >= count:
                break
    if not total:
        raise DataError("the loader gives no samples; give one that has some")
    return _weigh(_even(_join(found), batch_size), loss)


def samples_in(batch: Any) -> int:
    """Count the samples of a batch: the length of its tensors along their first axis."""
    sizes = {leaf.shape[0] for leaf in _tensors(batch) if leaf.ndim}
    if len(sizes) > 1:
        sizes = {next(leaf.shape[0] for leaf in _tensors(batch) if leaf.ndim)}
    if not sizes:
        raise DataError(f"a batch is {_describe(batch)}, with no tensor in it; give batches of tensors")
    return int(sizes.pop())


def _weigh(batches: list[Any], loss: LossFunction) -> list[Batch]:
    counts = [_counted(batch, loss) for batch in batches]
    return [Batch(batch, count, sum(counts)) for batch, count in zip(batches, counts, strict=True)]


def _counted(batch: Any, loss: LossFunction) -> int:
    """How many terms a batch's mean is taken over: its samples, or its targets that are not ignored."""
    if loss.ignored is None or not loss.has_outputs or batch[1].is_floating_point():
        return samples_in(batch)
    return int((batch[1] != loss.ignored).sum())


def _tensors(batch: Any) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(batch) if isinstance(leaf, torch.Tensor)]


def _part(batch: Any, rows: slice) -> Any:
    size = samples_in(batch)
    return pytree.tree_map(lambda x: x[rows] if _is_rows(x, size) else x, batch)


def _is_rows(leaf: Any, size: int) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.ndim > 0 and leaf.shape[0] == size


def _join(batches: list[Any]) -> list[Any]:
    """All batches in one where every tensor of one fits those of the others; else as they are."""
    batches = [dict(batch) if isinstance(batch, Mapping) else batch for batch in batches]
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


def _even(batches: list[Any], batch_size: int) -> list[Any]:
    """Cut what is longer than a batch into even parts."""
    parts = []
    for batch in batches:
        size = samples_in(batch)
        count = -(-size // batch_size)
        edges = [size * part // count for part in range(count + 1)]
        parts += [_part(batch, slice(*edges[part : part + 2])) for part in range(count)]
    return parts


def _generators_of(loader: Any) -> list[torch.Generator]:
    """Find the generators of its own that going through a loader draws from."""
    holders = [loader, getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None)]
    holders.append(getattr(holders[2], "sampler", None))
    found = {id(g): g for holder in holders if isinstance(g := getattr(holder, "generator", None), torch.Generator)}
    return list(found.values())


def _without_workers(loader: Iterable[Any]) -> Iterator[Any]:
    """Go through a loader in this process: its own workers, which may be kept from epoch to epoch, see none of it."""
    if not isinstance(loader, DataLoader) or loader.num_workers == 0:
        return iter(loader)
    order: dict[str, Any] = {"batch_sampler": loader.batch_sampler}
    if loader.batch_sampler is None or isinstance(loader.dataset, torch.utils.data.IterableDataset):
        order = {"batch_size": loader.batch_size}
    return iter(DataLoader(loader.dataset, collate_fn=loader.collate_fn, **order))


def _describe(batch: Any) -> str:
    kinds = ", ".join(type(part).__name__ for part in batch) if isinstance(batch, list | tuple) else ""
    return f"a {type(batch).__name__}{f' of {kinds}' if kinds else ''}"
