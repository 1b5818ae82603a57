"""The command ``lossatlas train``: compute one run and store it."""

from __future__ import annotations

import click

from lossatlas.cli.options import MODEL_SETTINGS, SETTINGS, config_options, data_option, plane_option, read_config
from lossatlas.cli.own_data import KEYS, own_data_options, read_own_dataset, refuse_file_as_name
from lossatlas.cli.progress import show_progress
from lossatlas.runs import Computation, Frame, Run, RunConfig, Setup
from lossatlas.store import Gallery, explain_write_errors, make_synced_folder, run_folder, save_run_or_keep


@click.command("train")
@data_option
@plane_option
@own_data_options
@config_options(*MODEL_SETTINGS, *SETTINGS)
@click.option("--threads", type=click.IntRange(1, 256), help="Threads that compute surfaces.  [default: one per core]")
def train_command(
    gallery: Gallery,
    planes: tuple[str, ...],
    config_file: str | None,
    threads: int | None,
    data_file: str | None,
    **flags: str | bool | None,
) -> None:
    """Train one configuration, and store the run with everything that the app shows.

    With no flags and no file, it trains the default configuration: half moons, two hidden layers of 16. A run that is
    in the gallery already is not computed again. With --data-file it trains on points of yours, and stores them in the
    run.
    """
    refuse_file_as_name(str(flags["dataset"]) if flags["dataset"] is not None else None)
    options = {name: flags.pop(name) for name in KEYS}
    config = read_config(config_file, flags, planes, lambda settings: read_own_dataset(data_file, options, settings))
    if config.id in gallery:
        click.echo(f"{config.id} is there already", err=True)
        gallery.open(config.id)  # raises an error if the run is damaged
    else:
        with explain_write_errors(gallery.data):  # errors appear before the work, not after it
            make_synced_folder(gallery.data)
        run = _compute(config, threads, gallery)
        save_run_or_keep(run, gallery.data)
        gallery.update_index(run.id)
        _report(run)
    click.echo(config.id)
    click.echo(str(run_folder(gallery.data, config.id)))


def _compute(config: RunConfig, threads: int | None, gallery: Gallery) -> Run:
    setup = Setup.of(config)
    computation = Computation(setup, threads, references=gallery.references(config))
    frames: list[Frame] = []
    with show_progress(len(computation.training.epochs), setup.title) as step:
        for frame in computation:
            frames.append(frame)
            step()
    with show_progress(len(config.planes) + 1, "Planes and curvature") as step:
        return computation.finish(frames, lambda _stage: step())


def _report(run: Run) -> None:
    trajectory = run.trajectory
    if trajectory.outcome.message:
        click.echo(trajectory.outcome.message, err=True)
    last = {name: values[-1] for name, values in trajectory.metrics.items()}
    click.echo(
        f"epoch {trajectory.epochs[-1]}: loss {last['train_loss']:.4g} train, {last['test_loss']:.4g} test; "
        f"accuracy {last['train_accuracy']:.1%} train, {last['test_accuracy']:.1%} test",
        err=True,
    )
