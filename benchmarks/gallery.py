"""Measures a build of the default gallery on all cores: seconds, bytes, and the largest memory of a worker.

python -m benchmarks.gallery
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from benchmarks.measure import describe_machine
from lossatlas.building import build_gallery
from lossatlas.showcase import gallery_configs
from lossatlas.store import Gallery


def main() -> None:
    configs = gallery_configs()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        build_gallery(Gallery(Path(folder)), configs)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"{describe_machine()}; {len(configs)} runs")
    print(f"  {seconds:.0f} s, {size / 1e6:.0f} MB; peak memory of a worker {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
