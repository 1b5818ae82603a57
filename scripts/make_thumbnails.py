"""Write the file with the thumbnails of the datasets for the page: ``python scripts/make_thumbnails.py``."""

import json
from pathlib import Path

from lossatlas.site.catalog import draw_thumbnails

WHERE = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "thumbnails.json"

if __name__ == "__main__":
    WHERE.write_text(json.dumps(draw_thumbnails(), separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{WHERE.name}: {WHERE.stat().st_size} bytes")
