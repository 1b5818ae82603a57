"""The command ``lossatlas export``: write the page and a gallery as static files, or some runs as a single file."""

from __future__ import annotations

import click

from lossatlas.cli.options import data_option, find_run
from lossatlas.site import export_single_file, export_site
from lossatlas.store import Gallery


@click.command("export")
@click.argument("place")
@data_option
@click.option("--compact", is_flag=True, help="Arrays as gzip, and no weights of large networks: a third of the bytes.")
@click.option("--compress", is_flag=True, help="Add compressed copies of the files, .gz and .br, for hosts like nginx.")
@click.option(
    "--single-file",
    "runs",
    metavar="RUN",
    multiple=True,
    help="Write one HTML file with this run, by its id or the beginning of it. It can be given several times.",
)
@click.option(
    "--story",
    "stories",
    metavar="FILE",
    multiple=True,
    help="A story to add, as the page saves it: ?story=NAME opens NAME.json. It can be given several times.",
)
def export_command(
    place: str, gallery: Gallery, compact: bool, compress: bool, runs: tuple[str, ...], stories: tuple[str, ...]
) -> None:
    """Write the page and a gallery into the folder PLACE as static files.

    All links in it are relative, so it works under any path of any web host. The page says which runs the gallery
    lacks. Exporting again writes only what has changed.

    With --single-file, PLACE is one HTML file that opens by double click, without a host or a network. Its arrays are
    always compact, and it opens with the first story.
    """
    if runs:
        path = export_single_file(gallery, [find_run(gallery, run) for run in runs], place, stories=stories)
        click.echo(f"{path.stat().st_size / 1e6:.1f} MB", err=True)
        click.echo(str(path))
        return
    export = export_site(gallery, place, compact=compact, compress=compress, stories=stories)
    for fault in export.left_out:
        click.echo(f"left out: {fault}", err=True)
    if not export.runs:
        click.echo(f"{gallery.data} holds no runs: `lossatlas build` makes some. The page will say so.", err=True)
    click.echo(f"{len(export.runs)} runs, {export.size / 1e6:.1f} MB, {export.written} files written", err=True)
    click.echo(str(export.site))
