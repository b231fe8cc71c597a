"""List the compiled modules; everything else is in pyproject.toml."""

import os
import platform

from Cython.Build import cythonize
from setuptools import Extension, setup

FLAGS = [
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-g0",
]
if platform.machine() in ("x86_64", "AMD64"):
    FLAGS.append("-march=x86-64-v2")  # NumPy's own floor
KERNELS = "src/riata/kernels"
# tiles and losses use fused multiply-adds where the CPU has them (dispatched at run time)
FUSED = ("gram", "factor", "substitution", "dots", "loss")
CONTRACTED = {name: ["-ffp-contract=fast"] for name in FUSED}
HEADERS = [
    *("clones.h", "simd.h", "tile.h", "dots.h", "pool.h", "factor.h", "loss.h", "bounds.h"),
    *("rows.h", "gather.h", "packed.pxd", "pool.pxd", "substitution.pxd"),
    *("simd.pxd", "scalar.pxd", "restricted.pxd", "rank.pxd", "limits.pxd", "factor.pxd"),
    *("columns.pxd", "dots.pxd", "active_set.pxd", "bounds.pxd", "dual.pxd", "signals.pxd"),
    *("bends.pxd", "dense.pxd", "gather.pxd", "loss.pxd", "rows.pxd", "trips.pxd"),
    *("references.pxd", "factored_set.pxd", "line_search.pxd"),
]
MODULES = ["factor", "active_set", "bounds", "checks", "dense", "dots", "sparse", "gram"]
MODULES += ["panel", "ahead", "coordinate", "covariance", "dual", "groups", "loss"]
MODULES += ["bends", "cholesky", "columns", "pool", "references", "room", "rows", "steps"]
MODULES += ["substitution", "trips", "factored_set", "line_search"]

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"riata.kernels.{name}",
                [f"{KERNELS}/{name}.pyx"],
                include_dirs=[KERNELS],
                extra_compile_args=FLAGS + CONTRACTED.get(name, []),
                depends=[f"{KERNELS}/{header}" for header in HEADERS],
            )
            for name in MODULES
        ],
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "freethreading_compatible": True,
        },
    ),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
