"""The command ``lossatlas list``: list the runs of a gallery."""

from __future__ import annotations

import click

from lossatlas.cli.options import data_option
from lossatlas.store import Gallery, describe_unfinished, iterate_unfinished


@click.command("list")
@data_option
def list_command(gallery: Gallery) -> None:
    """List the runs of a gallery: id, epochs, accuracy on the training and the test points.

    Recordings of which no run has been made yet come last. `lossatlas info` says how an interrupted one continues.
    """
    entries = [*gallery.index()["runs"], *map(describe_unfinished, iterate_unfinished(gallery))]
    if not entries:
        click.echo(f"{gallery.data} holds no runs yet; `lossatlas train` or `lossatlas build` makes some", err=True)
        return
    width = max(len(entry["id"]) for entry in entries)
    click.echo(f"{'run':<{width}}  {'epochs':>7}  {'train':>6}  {'test':>6}  title")
    for entry in entries:
        metrics = entry["metrics"]
        status = {"recording": "being recorded"}.get(entry["outcome"]["status"], entry["outcome"]["status"])
        note = "" if status == "completed" else f"  ({status})"
        click.echo(
            f"{entry['id']:<{width}}  {entry['epochs']:>7}  {_format_share(metrics['train_accuracy'])}  "
            f"{_format_share(metrics['test_accuracy'])}  {entry['title']}{note}"
        )


def _format_share(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.1%}':>6}"
