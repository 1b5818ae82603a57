"""The command ``lossatlas info``: show the settings and numbers of one run."""

from __future__ import annotations

from typing import Any

import click

from lossatlas.cli.options import data_option, find_run
from lossatlas.runs import RecordedRun
from lossatlas.store import (
    Gallery,
    Recording,
    describe_run,
    describe_unfinished,
    is_recorded,
    iterate_unfinished,
    open_stored,
    run_folder,
)


@click.command("info")
@click.argument("run")
@data_option
def info_command(run: str, gallery: Gallery) -> None:
    """Show one RUN, by its id or the beginning of it."""
    if (unfinished := _find_unfinished(gallery, run)) is not None:
        _show_unfinished(unfinished)
        return
    run_id = find_run(gallery, run)
    opened = open_stored(run_folder(gallery.data, run_id))
    manifest = opened.manifest if isinstance(opened, RecordedRun) else describe_run(opened)
    click.echo(f"{manifest['title']}\n{run_folder(gallery.data, run_id)}\n")
    for part, values in _select_settings(manifest).items():
        for values_of_one in values if isinstance(values, list) else [values]:
            settings = ", ".join(
                f"{key} {_format_value(value)}" for key, value in values_of_one.items() if key != "own"
            )
            click.echo(f"{part:<10} {settings}")
    click.echo(f"{'network':<10} {_describe_network(manifest['model'])}")
    frames = manifest["frames"]
    click.echo(f"{'frames':<10} {len(frames)}, epochs {frames[0]} to {frames[-1]}")
    for name, values in manifest["metrics"].items():
        click.echo(f"{name:<15} {_format_number(values[0])} → {_format_number(values[-1])}")
    for plane in manifest["planes"]:
        click.echo(f"{'plane':<10} {_describe_plane(plane)}")
    for plane in manifest["left_out"]:
        click.echo(f"{'left out':<10} {plane['name']}: {plane['why']}")
    if curvature := manifest.get("curvature"):
        click.echo(f"{'curvature':<10} {_describe_curvature(curvature, frames)}")
    click.echo(manifest["outcome"].get("message", manifest["outcome"]["status"]))


def _find_unfinished(gallery: Gallery, beginning: str) -> Recording | None:
    """Find the only recording without a run whose id begins with a text, if no run has such an id."""
    if any(run_id.startswith(beginning) for run_id in gallery.ids()):
        return None
    found = [recording for recording in iterate_unfinished(gallery) if recording.id.startswith(beginning)]
    return found[0] if len(found) == 1 else None


def _show_unfinished(recording: Recording) -> None:
    """Show a recording of which no run has been made yet."""
    entry = describe_unfinished(recording)
    frames = recording.frames
    click.echo(f"{entry['title']}\n{recording.folder}\n")
    click.echo(f"{'network':<10} {_describe_network(entry['model'])}")
    click.echo(f"{'frames':<10} {len(frames)}, epochs {frames[0].epoch} to {frames[-1].epoch}")
    click.echo(entry["outcome"].get("message", "being recorded"))


def _select_settings(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of the configuration; for a recorded run, its planes and the samples of its losses."""
    if not is_recorded(manifest):
        return dict(manifest["config"])
    recorded = {"recording": manifest["id"], "samples": manifest["dataset"].get("samples"), "loss": manifest["loss"]}
    return {"source": recorded, "planes": manifest["config"]["planes"]}


def _describe_network(model: dict[str, Any]) -> str:
    layers = f", layers {model['layers']}" if "layers" in model else f", {model['title']}"
    return f"{model['parameters']} parameters{layers}"


def _format_number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _describe_plane(plane: dict[str, Any]) -> str:
    """Describe a plane, and how much of the path lies in it."""
    share = f"{plane['explained_variance']:.1%} of the path's variance"
    if plane["random_walk"] is not None:
        share += f" (a random walk: {plane['random_walk']:.1%})"
    angle = "orthonormal" if plane["orthonormal"] else f"cosine {plane['cosine']:.3f}"
    return f"{plane['name']}: {plane['title']}; {share}; {angle}"


def _describe_curvature(curvature: dict[str, Any], epochs: list[int]) -> str:
    """Describe the Hessian at the last frame where it was measured."""
    numbers = {key: curvature[key][-1] for key in ("largest", "smallest", "trace", "adaptive_sharpness")}
    parts = [
        f"{key.replace('_', ' ')} {'not finite' if value is None else f'{value:.4g}'}" for key, value in numbers.items()
    ]
    if curvature["negative"] is not None:
        parts.append(f"{curvature['negative'][-1]} of {curvature['parameters']} eigenvalues negative")
    if curvature["stability"] is not None:
        formula = curvature.get("stability_formula")
        parts.append(f"stable up to {f'{formula} = ' if formula else ''}{curvature['stability']:.4g}")
    return f"at epoch {epochs[curvature['frames'][-1]]}: {', '.join(parts)}"


def _format_value(value: object) -> str:
    return "-".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
