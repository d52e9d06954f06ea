"""The demo's files: real handwritten digits and the networks trained on them.

Source, licence and split are told in README.md beside this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

DIGITS = Path(__file__).with_name("digits.npz")
NETWORK = Path(__file__).with_name("digits.safetensors")

TRAINING_IMAGES = 1437
"""The first 1437 images are for training, the last 360 are held out."""


class Digits(NamedTuple):
    """Images ``u8[n, 8, 8]`` of values 0..16 (ink) and their labels ``u8[n]``, 0..9."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def inputs(self) -> npt.NDArray[np.float32]:
        """Return the images as network inputs: ``f32[n, 64]`` of values 0..1."""
        return self.images.reshape(len(self.images), -1).astype(np.float32) / np.float32(16)


def load_digits() -> tuple[Digits, Digits]:
    """Return the training part and the held-out part."""
    with np.load(DIGITS, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    n = TRAINING_IMAGES
    return Digits(images[:n], labels[:n]), Digits(images[n:], labels[n:])
