"""NumPy's view of ternary panels (metal/ternary_panel.h)."""

import numpy as np
from kernels import ceil_div


def pack(ternary: np.ndarray) -> np.ndarray:
    """Codes of T in {-1, 0, 1}: u8 [panels, blocks, 64]."""
    rows, columns = ternary.shape
    panels, blocks = ceil_div(rows, 16), ceil_div(columns, 16)
    padded = np.ones((panels * 16, blocks * 16), np.uint8)
    padded[:rows, :columns] = ternary + 1
    # [panel, row, block, field, byte] -> [panel, block, row, byte, field]
    fields = padded.reshape(panels, 16, blocks, 4, 4).transpose(0, 2, 1, 4, 3)
    shifts = np.array([0, 2, 4, 6], np.uint8)
    return (fields << shifts).sum(axis=-1, dtype=np.uint8).reshape(panels, blocks, 64)


def spread(scales: np.ndarray) -> np.ndarray:
    """Scales [rows, groups] as f32 [panels, groups, 16], zeros for padding rows."""
    rows, groups = scales.shape
    padded = np.zeros((ceil_div(rows, 16) * 16, groups), np.float32)
    padded[:rows] = scales
    return np.ascontiguousarray(padded.reshape(-1, 16, groups).transpose(0, 2, 1))


def random_weight(
    rows: int, columns: int, group_size: int | None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """T i8 [rows, columns] and scales f32 [rows, groups]."""
    generator = np.random.default_rng(seed)
    ternary = generator.integers(-1, 2, (rows, columns)).astype(np.int8)
    groups = ceil_div(columns, group_size) if group_size else 1
    return ternary, generator.uniform(0.01, 2, (rows, groups)).astype(np.float32)


def dense(ternary: np.ndarray, scales: np.ndarray, group_size: int | None) -> np.ndarray:
    columns = ternary.shape[1]
    spread_out = np.repeat(scales.astype(np.float64), group_size or columns, axis=1)[:, :columns]
    return ternary * spread_out
