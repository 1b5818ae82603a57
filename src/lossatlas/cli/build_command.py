"""``lossatlas build``."""

from __future__ import annotations

import click

from lossatlas.building import build_gallery
from lossatlas.cli.options import SETTINGS, config_from, config_options, data_option, hidden_layers
from lossatlas.cli.progress import progress
from lossatlas.datasets import SOURCES
from lossatlas.errors import ConfigError
from lossatlas.gallery import DEFAULT_MODELS, Gallery, gallery_configs

_GIVEN_BY_DATASET = ("points", "noise")


@click.command("build")
@data_option
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME",
    help=f"Again for each: {', '.join(SOURCES)}.  [default: all]",
)
@click.option(
    "--hidden",
    "models",
    multiple=True,
    metavar="SIZES",
    help="Again for each model: its hidden layers as 16,16, or none.  "
    f"[default: {' and '.join(','.join(map(str, model)) for model in DEFAULT_MODELS)}]",
)
@config_options(*(setting for setting in SETTINGS if setting.key not in _GIVEN_BY_DATASET))
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.  [default: one a core]")
def build_command(
    gallery: Gallery,
    datasets: tuple[str, ...],
    models: tuple[str, ...],
    config_file: str | None,
    workers: int | None,
    **flags: str | None,
) -> None:
    """Fill a gallery: every model on every dataset, on all cores.

    What is there already is skipped. A build that is stopped or killed goes on from there when it is started again.
    """
    unknown = [name for name in datasets if name not in SOURCES]
    if unknown:
        raise ConfigError([("--dataset", f"there is no dataset {unknown[0]!r}; there are {', '.join(SOURCES)}")])
    base = config_from(config_file, flags)
    configs = gallery_configs(datasets or None, [_checked(text) for text in models] or None, base)
    missing = [config for config in configs if config.id not in gallery]
    click.echo(f"{len(configs)} runs, {len(configs) - len(missing)} of them there already", err=True)
    with progress(len(missing), "Building") as step:
        build_gallery(gallery, missing, workers=workers, on_done=lambda _run_id: step())
    click.echo(str(gallery.data))


def _checked(text: str) -> list[int]:
    widths = hidden_layers(text)
    for width in widths:
        if not isinstance(width, int):
            raise ConfigError([("--hidden", f"{text!r} is not allowed: give widths as 16,16, or none")])
    return [width for width in widths if isinstance(width, int)]
