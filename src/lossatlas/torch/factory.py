"""Imports the function that makes a model. Its name comes from the caller, and never from a run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

import torch

from lossatlas.errors import ConfigError
from lossatlas.torch.samples import Loss

_RETURNS = "(model, loss_fn, train_loader, test_loader), of which the model is enough, or a dict with these names"


@dataclass(frozen=True)
class FactoryResult:
    """The model that a factory returned, with its loss and loaders.

    Attributes
    ----------
    model
        The model. Its parameters need not be trained.
    loss_fn, train_loader, test_loader, loss
        The same as those of :class:`~lossatlas.torch.Recorder`.
    """

    model: torch.nn.Module
    loss_fn: Callable[[Any, Any], torch.Tensor] | None = None
    train_loader: Iterable[Any] | None = None
    test_loader: Iterable[Any] | None = None
    loss: Loss | None = None


def call_factory(factory: str | Callable[[], Any]) -> FactoryResult:
    """Call a factory without arguments. If it is given as ``package.module:factory``, it is imported first.

    Returns
    -------
    FactoryResult
        The model, and the loss and the loaders if the factory returned them.

    Raises
    ------
    ConfigError
        If there is no such module or attribute, or the factory fails or returns something else.
    """
    if not isinstance(factory, str):
        name = getattr(factory, "__name__", type(factory).__name__)
        return _read_returned(name, _call(factory, name, "model"))
    return _read_returned(factory, _call(import_attribute(factory, "model"), factory, "model"))


def complete(
    made: FactoryResult,
    loss_fn: Callable[[Any, Any], torch.Tensor] | str | None = None,
    train_loader: Iterable[Any] | None = None,
    test_loader: Iterable[Any] | None = None,
    loss: Loss | None = None,
) -> FactoryResult:
    """Combine the result of a factory with the caller's own loss and loaders, which take precedence.

    Returns
    -------
    FactoryResult
        A model with a loss.

    Raises
    ------
    ConfigError
        If there is no loss.
    """
    function = import_loss(loss_fn) if isinstance(loss_fn, str) else loss_fn
    own = function is not None or loss is not None
    completed = FactoryResult(
        made.model,
        function if own else made.loss_fn,
        made.train_loader if train_loader is None else train_loader,
        made.test_loader if test_loader is None else test_loader,
        loss if own else made.loss,
    )
    if completed.loss_fn is None and completed.loss is None:
        raise ConfigError([("loss", "there is none; give package.module:function, or let the factory return it too")])
    return completed


def import_loss(reference: str) -> Callable[[Any, Any], torch.Tensor]:
    """Import a function ``loss_fn(output, target)``; a class, such as ``torch.nn:CrossEntropyLoss``, is instantiated.

    Returns
    -------
    Callable
        The function.

    Raises
    ------
    ConfigError
        If there is no such module or attribute, or it cannot be called.
    """
    function = import_attribute(reference, "loss")
    if isinstance(function, type):
        function = _call(function, reference, "loss")
    if not callable(function):
        kind = type(function).__name__
        raise ConfigError([("loss", f"{reference} is a {kind}, and no function of (output, target)")])
    found: Callable[[Any, Any], torch.Tensor] = function
    return found


def import_attribute(reference: str, field: str) -> Any:
    """Import ``package.module:name``.

    Returns
    -------
    Any
        The object with this name.

    Raises
    ------
    ConfigError
        If there is no such module or name. The fault is that of ``field``.
    """
    module_name, colon, name = reference.partition(":")
    if module_name.endswith(".py") or "/" in module_name:
        meant = module_name.removesuffix(".py").strip("./").replace("/", ".")
        raise ConfigError([(field, f"{reference!r} is a file; give its module, as {meant}:{name or 'make'}")])
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), *name.split("."))):
        raise ConfigError([(field, f"{reference!r} is not of the form package.module:name")])
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            fault = f"there is no module {error.name!r}, neither installed nor in this folder"
        else:
            fault = f"{module_name} cannot be imported, because it needs {error.name!r}, which is not installed"
        raise ConfigError([(field, fault)]) from error
    except (Exception, SystemExit) as error:
        raise ConfigError([(field, f"{module_name} cannot be imported: {_describe(error)}")]) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise ConfigError([(field, f"{module_name} has no {name!r}{_name_others(found)}")])
        found = getattr(found, part)
    return found


def _name_others(module: Any) -> str:
    """Name the functions of a module that a person may have meant."""
    names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    own = [name for name in names if getattr(getattr(module, name), "__module__", None) == module.__name__]
    return f"; it has {', '.join(own[:5])}" if own else ""


def _call(function: Any, reference: str, field: str) -> Any:
    if not callable(function):
        raise ConfigError([(field, f"{reference} is a {type(function).__name__}, and no function that can be called")])
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise ConfigError([(field, f"{reference}() failed: {_describe(error)}")]) from error


def _read_returned(reference: str, returned: Any) -> FactoryResult:
    names = [each.name for each in fields(FactoryResult)]
    if isinstance(returned, Mapping):
        if unknown := [str(name) for name in returned if name not in names]:
            fault = f"{reference}() returns {unknown[0]!r}; the names are {', '.join(names)}"
            raise ConfigError([("model", fault)])
        values = dict(returned)
    else:
        parts = returned if isinstance(returned, tuple | list) else (returned,)
        if not 1 <= len(parts) <= 4:
            raise ConfigError([("model", f"{reference}() returns {len(parts)} things; return {_RETURNS}")])
        values = dict(zip(names, parts, strict=False))
    if not isinstance(values.get("model"), torch.nn.Module):
        kind = type(values.get("model")).__name__
        raise ConfigError([("model", f"{reference}() returns a {kind}, and no torch.nn.Module; return {_RETURNS}")])
    return FactoryResult(**values)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
