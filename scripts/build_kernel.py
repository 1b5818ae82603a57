"""Compile the WebAssembly kernel: ``python scripts/build_kernel.py [FOLDER]``.

Both modules are compiled from ``src/lossatlas/web/compute/engine/kernel.c`` and committed, so that users need no
compiler. The compiler is part of the PyPI package ``ziglang`` (Clang and LLVM in one wheel). The version is fixed,
because a test compares the bytes, and another version may choose other instructions.
"""

import subprocess
import sys
from pathlib import Path

#: The version of the PyPI package that compiled the committed modules.
ZIGLANG = "0.17.1"
ENGINE = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "compute" / "engine"
#: The flags do not contain -ffast-math, because infinities and NaN must keep their meaning. Contraction is off, because
#: the source names each fused operation.
FLAGS = ("-target", "wasm32-freestanding", "-O3", "-msimd128", "-ffp-contract=off", "-nostdlib", "-g0")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
LINK = ("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--export-memory", "-Wl,--export=__heap_base")
#: The additional flags of each module.
MODULES: dict[str, tuple[str, ...]] = {"kernel.wasm": (), "kernel-relaxed.wasm": ("-mrelaxed-simd", "-DRELAXED")}


def build(folder: Path = ENGINE) -> list[Path]:
    """Compile both modules into a folder. It raises CalledProcessError if the source is not valid."""
    made = [folder / name for name in MODULES]
    for path in made:
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *WARNINGS, *MODULES[path.name], *LINK]
        subprocess.run([*command, str(ENGINE / "kernel.c"), "-o", str(path)], check=True)
    return made


if __name__ == "__main__":
    for path in build(*map(Path, sys.argv[1:2])):
        print(f"{path.name}: {path.stat().st_size} bytes")
