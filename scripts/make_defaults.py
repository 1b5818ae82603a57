"""Write the file with the default settings for the page: ``python scripts/make_defaults.py``."""

import json
from pathlib import Path

from lossatlas.site.catalog import list_default_settings

WHERE = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "features" / "share" / "defaults.json"

if __name__ == "__main__":
    WHERE.write_text(json.dumps(list_default_settings(), separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{WHERE.name}: {WHERE.stat().st_size} bytes")
