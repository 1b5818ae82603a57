"""What a browser is given: the list of choices, the page's own files, arrays packed for the way, a static export."""

from lossatlas.site.assets import list_assets
from lossatlas.site.byte_planes import MEDIA_TYPE, to_byte_planes
from lossatlas.site.catalog import describe_catalog
from lossatlas.site.export import export_site

__all__ = ["MEDIA_TYPE", "describe_catalog", "export_site", "list_assets", "to_byte_planes"]
