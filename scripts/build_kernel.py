"""Compile the WebAssembly kernel anew: python scripts/build_kernel.py [FOLDER]

Both modules come from one source, ``src/lossatlas/web/compute/engine/kernel.c``, and are committed beside it: nobody
needs a compiler to use them. The compiler is the one in the PyPI package ``ziglang`` (Clang and LLVM in one wheel),
in exactly the version below, since another one may choose other instructions: a test compares the bytes.
"""

import subprocess
import sys
from pathlib import Path

#: The version of the PyPI package whose compiler the committed modules come from.
ZIGLANG = "0.17.1"
ENGINE = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "compute" / "engine"
#: No -ffast-math: infinities and NaN must keep their meaning. No contraction: a fused operation is asked for by name.
FLAGS = ("-target", "wasm32-freestanding", "-O3", "-msimd128", "-ffp-contract=off", "-nostdlib", "-g0")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
LINK = ("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--export-memory", "-Wl,--export=__heap_base")
#: What each module is compiled with beyond that.
MODULES: dict[str, tuple[str, ...]] = {"kernel.wasm": (), "kernel-relaxed.wasm": ("-mrelaxed-simd", "-DRELAXED")}


def build(folder: Path = ENGINE) -> list[Path]:
    """Compile both modules into a folder; raises CalledProcessError where the source is not valid."""
    made = [folder / name for name in MODULES]
    for path in made:
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *WARNINGS, *MODULES[path.name], *LINK]
        subprocess.run([*command, str(ENGINE / "kernel.c"), "-o", str(path)], check=True)
    return made


if __name__ == "__main__":
    for path in build(*map(Path, sys.argv[1:2])):
        print(f"{path.name}: {path.stat().st_size} bytes")
