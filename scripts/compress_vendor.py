"""Compress the vendored Plotly: ``python scripts/compress_vendor.py``.

The highest quality takes seconds and saves a tenth of the bytes, so this script does it once instead of every server.
"""

from pathlib import Path

import brotli

VENDOR = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "vendor"

if __name__ == "__main__":
    for path in VENDOR.glob("plotly-*.js"):
        packed = path.with_name(f"{path.name}.br")
        packed.write_bytes(brotli.compress(path.read_bytes(), quality=11, lgwin=22))
        print(f"{packed.name}: {packed.stat().st_size} bytes")
