"""Make ``python/bitmetal/data/digits.npz`` from the digits that scikit-learn ships.

    pip install scikit-learn
    python examples/digits/make_data.py [--check]

Only whoever wants to verify the committed file needs scikit-learn and this script.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

OUTPUT = Path(__file__).parents[2] / "python" / "bitmetal" / "data" / "digits.npz"


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Return an ``.npz`` file whose bytes depend on the arrays alone.

    Members are stored, not deflated (what deflate gives differs from one zlib to another), and
    date and system are fixed.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            npy = io.BytesIO()
            np.lib.format.write_array(npy, array, version=(1, 0), allow_pickle=False)
            archive.writestr(member, npy.getvalue())
    return file.getvalue()


def main() -> int:
    """Write the file, or compare it with the committed one."""
    parser = argparse.ArgumentParser(description="make the demo's digits")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    digits = load_digits()
    made = npz_bytes(
        {"images": digits.images.astype(np.uint8), "labels": digits.target.astype(np.uint8)}
    )
    if options.check:
        same = OUTPUT.read_bytes() == made
        print(f"{OUTPUT.name}: {'the same bytes' if same else 'DIFFERS'}")
        return 0 if same else 1
    OUTPUT.write_bytes(made)
    print(f"{OUTPUT.name}: {len(made)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
