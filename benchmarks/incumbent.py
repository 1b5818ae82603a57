"""Computes the gallery of an earlier app and measures CPU hours, exported bytes and memory.

    python -m benchmarks.incumbent [DATASETS]      (one dataset takes about ten minutes, and all four take forty)

The gallery of yifan0sun/LossLandscapeVisualizer has 16 models (depth 1 to 4, width 10, 25, 50, 100) on 4 datasets, 101
epochs up to 1000 and three zooms, and takes 11.7 GB. This benchmark computes the same at 41 × 41 on one thread. The
numbers of fewer datasets are scaled to four.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import describe_machine
from lossatlas.curvature import CurvatureConfig
from lossatlas.planes import FreshPlane
from lossatlas.runs import RunConfig, compute_run
from lossatlas.showcase import gallery_configs
from lossatlas.site import export_site
from lossatlas.store import Gallery
from lossatlas.training import TrainingConfig

DATASETS = ("corners", "moons", "spirals", "blobs")
MODELS = tuple((width,) * depth for depth in (1, 2, 3, 4) for width in (10, 25, 50, 100))


def main(datasets: int) -> None:
    base = RunConfig(
        training=TrainingConfig(epochs=1000, frames=101), planes=(FreshPlane(),), curvature=CurvatureConfig(frames=0)
    )
    configs = gallery_configs(DATASETS[:datasets], MODELS, base)
    print(describe_machine(), f"{len(configs)} runs", sep="; ")
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery(Path(folder) / "data")
        for config in configs:
            start = time.process_time()
            gallery.save(compute_run(config, threads=1))
            seconds += time.process_time() - start
        site = export_site(gallery, Path(folder) / "site", compact=True)
    share = len(DATASETS) / datasets
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"  CPU hours                {seconds * share / 3600:8.2f}")
    print(f"  compact export           {site.size * share / 1e6:8.1f} MB  (11.7 GB there)")
    print(f"  peak memory              {peak / 1e6:8.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
