"""Makes what a browser downloads: the list of choices, the list of the page's files, packed arrays, a static export."""

from lossatlas.site.assets import Assets, list_sources, make_assets
from lossatlas.site.byte_planes import MEDIA_TYPE, to_byte_planes
from lossatlas.site.catalog import describe_catalog
from lossatlas.site.export import export_site
from lossatlas.site.policies import DOCUMENT_HEADERS, PAGE_DIRECTIVES, WORKER_DIRECTIVES, format_policy, hash_source
from lossatlas.site.single_file import export_single_file
from lossatlas.site.stories import MOST_STORY_BYTES, STORY_NAME

__all__ = [
    "DOCUMENT_HEADERS",
    "MEDIA_TYPE",
    "MOST_STORY_BYTES",
    "PAGE_DIRECTIVES",
    "STORY_NAME",
    "WORKER_DIRECTIVES",
    "Assets",
    "describe_catalog",
    "export_single_file",
    "export_site",
    "format_policy",
    "hash_source",
    "list_sources",
    "make_assets",
    "to_byte_planes",
]
