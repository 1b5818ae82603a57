"""The command ``lossatlas export``: write the page and a gallery as static files."""

from __future__ import annotations

import click

from lossatlas.cli.options import data_option
from lossatlas.site import export_site
from lossatlas.store import Gallery


@click.command("export")
@click.argument("site_dir")
@data_option
@click.option("--compact", is_flag=True, help="Arrays as gzip, and no weights of large networks: a third of the bytes.")
def export_command(site_dir: str, gallery: Gallery, compact: bool) -> None:
    """Write the page and a gallery into SITE_DIR as static files.

    All links in it are relative, so it works under any path of any web host. The page says which runs the gallery
    lacks.
    """
    export = export_site(gallery, site_dir, compact=compact)
    for fault in export.left_out:
        click.echo(f"left out: {fault}", err=True)
    if not export.runs:
        click.echo(f"{gallery.data} holds no runs: `lossatlas build` makes some. The page will say so.", err=True)
    click.echo(f"{len(export.runs)} runs, {export.size / 1e6:.1f} MB", err=True)
    click.echo(str(export.site))
