"""Write the file with the points of the measured datasets for the page: ``python scripts/make_measured.py``."""

import json
from pathlib import Path

from lossatlas.site.catalog import list_measured_points

WHERE = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "compute" / "datasets" / "measured.json"

if __name__ == "__main__":
    WHERE.write_text(json.dumps(list_measured_points(), separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{WHERE.name}: {WHERE.stat().st_size} bytes")
