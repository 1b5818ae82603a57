"""Makes what a browser downloads: the list of choices, the list of the page's files, packed arrays, a static export."""

from lossatlas.site.assets import list_assets
from lossatlas.site.byte_planes import MEDIA_TYPE, to_byte_planes
from lossatlas.site.catalog import describe_catalog
from lossatlas.site.export import export_site

__all__ = ["MEDIA_TYPE", "describe_catalog", "export_site", "list_assets", "to_byte_planes"]
