"""``lossatlas info``."""

from __future__ import annotations

import click

from lossatlas.cli.options import data_option
from lossatlas.errors import RunNotFoundError
from lossatlas.gallery import Gallery
from lossatlas.manifest import describe_run
from lossatlas.store import run_folder


@click.command("info")
@click.argument("run")
@data_option
def info_command(run: str, gallery: Gallery) -> None:
    """Show one RUN, by its id or the beginning of it."""
    run_id = _only_match(gallery, run)
    manifest = describe_run(gallery.open(run_id))
    click.echo(f"{manifest['title']}\n{run_folder(gallery.data, run_id)}\n")
    for part, values in manifest["config"].items():
        for values_of_one in values if isinstance(values, list) else [values]:
            settings = ", ".join(f"{key} {_plain(value)}" for key, value in values_of_one.items())
            click.echo(f"{part:<10} {settings}")
    click.echo(f"{'network':<10} {manifest['model']['parameters']} parameters, layers {manifest['model']['layers']}")
    frames = manifest["frames"]
    click.echo(f"{'frames':<10} {len(frames)}, epochs {frames[0]} to {frames[-1]}")
    for name, values in manifest["metrics"].items():
        click.echo(f"{name:<15} {values[0]:.4g} → {values[-1]:.4g}")
    click.echo(manifest["outcome"].get("message", manifest["outcome"]["status"]))


def _only_match(gallery: Gallery, beginning: str) -> str:
    ids = gallery.ids()
    matches = [beginning] if beginning in ids else [run_id for run_id in ids if run_id.startswith(beginning)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise RunNotFoundError(f"{beginning!r} is the beginning of {len(matches)} runs: {', '.join(matches[:5])}, …")
    raise RunNotFoundError(f"no run in {gallery.data} begins with {beginning!r}; `lossatlas list` shows them")


def _plain(value: object) -> str:
    return "-".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
