"""The command ``lossatlas verify``: check every file of every run."""

from __future__ import annotations

import sys

import click

from lossatlas.cli.options import data_option
from lossatlas.errors import DataFolderError
from lossatlas.store import Gallery


@click.command("verify")
@data_option
def verify_command(gallery: Gallery) -> None:
    """Check every file of every run against its checksum, and write the index again.

    The exit code is 1 if a run is damaged.
    """
    faults = 0
    verdicts = list(gallery.verify())
    for verdict in verdicts:
        if verdict.fault is not None:
            faults += 1
            click.echo(f"{verdict.run_id}: {verdict.fault}")
    if gallery.data.is_dir():
        try:
            gallery.write_index()
        except DataFolderError as error:
            click.echo(f"{error}. The index stays as it is", err=True)
    click.echo(f"{len(verdicts) - faults} of {len(verdicts)} runs are sound")
    if unchecked := sum(not verdict.has_checksums for verdict in verdicts):
        click.echo(f"{unchecked} of them without checksums: an earlier version stored them, and damage may go unseen")
    if faults:
        click.echo("Delete a damaged computed run's folder to have it computed again; keep a recorded one's.", err=True)
        sys.exit(1)
