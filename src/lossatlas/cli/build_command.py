"""The command ``lossatlas build``: fill a gallery with many runs, on all cores or on a cluster."""

from __future__ import annotations

from contextlib import nullcontext

import click

from lossatlas.building import build_gallery, connect_cluster, find_unfinished
from lossatlas.cli.options import (
    SETTINGS,
    config_options,
    data_option,
    plane_option,
    read_config,
    read_hidden_layers,
    refuse_workers_of_cluster,
)
from lossatlas.cli.progress import show_progress
from lossatlas.datasets import SOURCES
from lossatlas.errors import ConfigError
from lossatlas.networks import ModelConfig
from lossatlas.showcase import DEFAULT_MODELS, gallery_configs
from lossatlas.store import Gallery

_GIVEN_BY_DATASET = ("points", "noise")


@click.command("build")
@data_option
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME",
    help=f"Repeat it for each of: {', '.join(SOURCES)}.  [default: all]",
)
@click.option(
    "--hidden",
    "models",
    multiple=True,
    metavar="SIZES",
    help="Repeat it for each model: its hidden layers as 16,16, or none.  "
    f"[default: {' and '.join(','.join(map(str, model)) for model in DEFAULT_MODELS)}]",
)
@plane_option
@config_options(*(setting for setting in SETTINGS if setting.key not in _GIVEN_BY_DATASET))
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.  [default: one per core]")
@click.option(
    "--cluster",
    "address",
    metavar="ADDRESS",
    help="Compute on the Dask workers of this scheduler, HOST:PORT, in place of processes here.",
)
def build_command(  # noqa: PLR0913 (click passes one argument for each option)
    gallery: Gallery,
    datasets: tuple[str, ...],
    models: tuple[str, ...],
    planes: tuple[str, ...],
    config_file: str | None,
    workers: int | None,
    address: str | None,
    **flags: str | bool | None,
) -> None:
    """Fill a gallery: every model on every dataset, on all cores.

    Runs that exist already are skipped. A build that was stopped or killed continues when it is started again.
    """
    _refuse_unknown_datasets(datasets)
    base = read_config(config_file, flags, planes)
    # The dataset and the model of the file are built, unless flags name others.
    named = (base.dataset.name,) if "name" in base.dataset.model_fields_set else None
    sized = (base.model.hidden,) if "hidden" in base.model.model_fields_set else None
    configs = gallery_configs(datasets or named, [_check_hidden(text) for text in models] or sized, base)
    missing = [config for config in configs if config.id not in gallery]
    click.echo(f"{len(configs)} runs, {len(configs) - len(missing)} of them exist already", err=True)
    refuse_workers_of_cluster(address, workers)
    with (
        connect_cluster(address) if address else nullcontext() as executor,
        show_progress(len(missing), "Building") as step,
    ):
        build_gallery(gallery, configs, workers=workers, executor=executor, on_done=lambda _run_id: step())
    for run_id, size in find_unfinished(gallery.data).items():
        click.echo(
            f"{run_id} is unfinished and belongs to another build: {size / 1e6:.1f} MB in runs/.partial-{run_id}; "
            "start the same command again to continue, or delete the folder",
            err=True,
        )
    click.echo(str(gallery.data))


def _refuse_unknown_datasets(names: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        raise ConfigError([("--dataset", f"there is no dataset {unknown[0]!r}; there are {', '.join(SOURCES)}")])


def _check_hidden(text: str) -> tuple[int, ...]:
    try:
        return ModelConfig.from_mapping({"hidden": read_hidden_layers(text)}).hidden
    except ConfigError as error:
        raise ConfigError([("--hidden", message) for _, message in error.faults]) from None
