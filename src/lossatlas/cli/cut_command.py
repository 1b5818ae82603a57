"""The command ``lossatlas cut``: cut further planes of a recorded run."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from lossatlas.building import connect_cluster
from lossatlas.cli.options import (
    PLANES,
    data_option,
    find_run,
    read_number,
    read_numbers,
    read_planes,
    refuse_workers_of_cluster,
)
from lossatlas.cli.progress import show_share
from lossatlas.errors import ConfigError, MissingExtraError
from lossatlas.store import Gallery, run_folder


@click.command("cut")
@click.argument("run")
@data_option
@click.option(
    "--plane",
    "planes",
    multiple=True,
    required=True,
    metavar="NAME",
    help=f"Repeat it for each of: {', '.join(PLANES)}; as through:end,start,frame:3 and file:vectors.npy.",
)
@click.option(
    "--model",
    "factory",
    required=True,
    metavar="MODULE:FACTORY",
    help="A function without arguments that returns the model, or (model, loss_fn, train_loader, test_loader).",
)
@click.option(
    "--loss",
    metavar="MODULE:FUNCTION",
    help="loss_fn(output, target), as torch.nn.functional:cross_entropy.  [default: that of the factory]",
)
@click.option("--grid", type=int, metavar="N", help="Samples along each axis of every surface; odd.  [default: 41]")
@click.option("--spans", metavar="VALUE", help="Zooms of every plane, as 1,0.1; the first is shown first.")
@click.option("--plane-seed", metavar="VALUE", help="Seed of random directions.")
@click.option("--name", metavar="NAME", help="Name of the plane in the run.  [default: its kind]")
@click.option("--replace", is_flag=True, help="Replace a plane of the same name.")
@click.option("--budget", type=float, metavar="SECONDS", help="Stay on coarser grids when this time ends.")
@click.option("--device", metavar="NAME", help="Where to evaluate the model: cpu, cuda, cuda:1, mps.")
@click.option("--compile", is_flag=True, help="Use torch.compile, where it saves time.")
@click.option(
    "--batchnorm",
    type=click.Choice(["batch", "running"]),
    help="The statistics that BatchNorm takes.  [default: those of the run's planes]",
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that compute.  [default: this one]")
@click.option(
    "--cluster",
    "address",
    metavar="ADDRESS",
    help="Compute on the Dask workers of this scheduler, HOST:PORT, which see the same folders.",
)
def cut_command(  # noqa: PLR0913 (click passes one argument for each option)
    run: str,
    gallery: Gallery,
    planes: tuple[str, ...],
    factory: str,
    loss: str | None,
    spans: str | None,
    plane_seed: str | None,
    address: str | None,
    **options: Any,
) -> None:
    """Cut further planes of RUN, which was recorded with lossatlas.torch. Its other planes are kept.

    RUN is the id or its beginning. The model is made by your own function, from a module in this folder or an installed
    one. The model is evaluated first: if its losses are not those that were recorded, nothing changes.
    """
    run_id = find_run(gallery, run)
    settings = {"spans": spans and read_numbers(spans), "seed": plane_seed and read_number(plane_seed)}
    configs = read_planes(planes, settings)
    refuse_workers_of_cluster(address, options["workers"])
    with (
        _this_folder_importable(),
        connect_cluster(address) if address else nullcontext() as executor,
        show_share(f"Cutting {', '.join(planes)}") as step,
        _name_flags(),
        _print_warnings(),
    ):
        more = {"data": gallery.data, "executor": executor, "on_progress": step, **options}
        names = _import_torch_part().cut(run_id, configs, factory, loss, **more)
    for each in names:
        click.echo(each)
    click.echo(str(run_folder(gallery.data, run_id)))


@contextmanager
def _this_folder_importable() -> Iterator[None]:
    """Let modules of the working directory be imported. Installed modules of the same name come first."""
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _import_torch_part() -> Any:
    try:
        import lossatlas.torch as found
    except ImportError:
        raise MissingExtraError('cutting a recorded run needs PyTorch: pip install "lossatlas[torch]"') from None
    return found


@contextmanager
def _print_warnings() -> Iterator[None]:
    """Print warnings as plain lines on stderr, without the place in the code."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")
        yield
    for text in dict.fromkeys(str(each.message) for each in found):
        click.echo(f"Warning: {text}", err=True)


@contextmanager
def _name_flags() -> Iterator[None]:
    """Name each fault by the flag that it belongs to."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError([_name_flag(*fault) for fault in error.faults]) from error


def _name_flag(field: str, message: str) -> tuple[str, str]:
    """Name a fault by the flag that it belongs to."""
    flags = {"model": "--model", "loss": "--loss", "planes": "--plane", "name": "--name", "points": "--plane"}
    if "already; replace it" in message:
        message = message.replace("replace it, or give this one another name", "give --replace, or --name for another")
    return flags.get(field.split(".")[0], field), message
