"""The corpus: kernels in corpus/*.metal, each with arguments and what NumPy says of the result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

rng = np.random.default_rng(7)
u32, i32, f32, f16, f64 = np.uint32, np.int32, np.float32, np.float16, np.float64
bf16 = ml_dtypes.bfloat16


@dataclass
class Case:
    """`expected` maps an argument's position to its contents after the launch."""

    file: str
    kernel: str
    arguments: list
    expected: dict[int, np.ndarray]
    grid: int | tuple
    group: int | tuple
    tolerance: float = 0.0
    name: str = ""
    constants: dict = field(default_factory=dict)
    macros: dict = field(default_factory=dict)
    threadgroup: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name or self.kernel


CASES: list[Case] = []


def case(**settings) -> None:
    CASES.append(Case(**settings))


def floats(*shape: int, kind=f32) -> np.ndarray:
    return rng.uniform(-2, 2, shape).astype(kind)


def zeros(*shape: int, kind=f32) -> np.ndarray:
    return np.zeros(shape, kind)


# launch.metal
case(file="launch", kernel="no_arguments", arguments=[], expected={}, grid=5, group=2)
a = floats(100)
case(
    file="launch",
    kernel="auto_numbered",
    arguments=[a, zeros(100), f32(1.5)],
    expected={1: a * f32(1.5)},
    grid=100,
    group=32,
)
n = rng.integers(-50, 50, 70).astype(i32)
case(
    file="launch",
    kernel="explicit_numbers",
    arguments=[None, None, n, None, None, zeros(70)],
    expected={5: n / 2},
    grid=70,
    group=64,
)
case(
    file="launch",
    kernel="by_attribute",
    arguments=[zeros(300, kind=u32)],
    expected={0: np.arange(300) * 3},
    grid=300,
    group=128,
)
affine = np.zeros(
    (),
    np.dtype([("scale", f32), ("_", "V12"), ("shift", f32, 4), ("tail", f32, 3), ("count", i32)]),
)
affine["scale"], affine["shift"], affine["tail"], affine["count"] = (
    0.5,
    [1, 2, 3, 0],
    [10, 20, 30],
    6,
)
expected = np.zeros((8, 3), f32)
expected[:6] = 0.5 * np.arange(6)[:, None] + [11, 22, 33]
case(
    file="launch",
    kernel="struct_argument",
    arguments=[affine.reshape(1), zeros(8, 3)],
    expected={1: expected},
    grid=8,
    group=8,
)
case(
    file="launch",
    kernel="early_return",
    arguments=[np.full(64, 99, i32), u32(50)],
    expected={0: np.where(np.arange(64) < 50, np.arange(64) - 7, 99)},
    grid=64,
    group=64,
)
table = np.array([3, 1, 4, 1, 5, 9, 2, 6])
case(
    file="launch",
    kernel="table_lookup",
    arguments=[zeros(20, 2)],
    expected={0: np.stack([table[np.arange(20) % 8] + 0.5, np.arange(20) - 0.25], 1)},
    grid=20,
    group=7,
)


def places(grid: tuple, group: tuple) -> np.ndarray:
    rows = []
    for z in range(grid[2]):
        for y in range(grid[1]):
            for x in range(grid[0]):
                at = (x, y, z)
                groups = [-(-g // s) for g, s in zip(grid, group, strict=True)]
                tile = [p // s for p, s in zip(at, group, strict=True)]
                local = [p % s for p, s in zip(at, group, strict=True)]
                size = [min(s, g - t * s) for s, g, t in zip(group, grid, tile, strict=True)]
                index = (local[2] * size[1] + local[1]) * size[0] + local[0]
                code = [1, 100, 10000]
                rows.append(
                    [
                        *local,
                        tile[0] + 10 * tile[1] + 100 * tile[2],
                        np.dot(size, code),
                        np.dot(group, code),
                        index,
                        index % 32,
                        index // 32,
                        np.dot(groups, code),
                        -(-int(np.prod(size)) // 32),
                        32,
                    ]
                )
    return np.array(rows)


for grid, group in [((10, 7, 3), (4, 4, 2)), ((64, 1, 1), (64, 1, 1)), ((9, 9, 1), (9, 5, 1))]:
    case(
        file="launch",
        kernel="places",
        name=f"places-{grid}",
        arguments=[zeros(int(np.prod(grid)), 12, kind=u32)],
        expected={0: places(grid, group)},
        grid=grid,
        group=group,
    )
case(
    file="launch",
    kernel="macro_step",
    arguments=[zeros(9, kind=i32)],
    expected={0: np.arange(9) * -4},
    grid=9,
    group=9,
    macros={"STEP": "(-4)"},
)

# templates.metal
a = floats(64)
h = floats(64, kind=f16)
case(
    file="templates",
    kernel="square_f32",
    arguments=[a, zeros(64)],
    expected={1: a * a},
    grid=32,
    group=8,
)
case(
    file="templates",
    kernel="twice_f16_x4",
    arguments=[h, zeros(64, kind=f16)],
    expected={1: h + h},
    grid=16,
    group=16,
)
case(
    file="templates",
    kernel="square_i32",
    arguments=[n[:60].copy(), zeros(60, kind=i32)],
    expected={1: n[:60] ** 2},
    grid=60,
    group=32,
)
s = rng.integers(-99, 99, 40).astype(np.int16)
case(
    file="templates",
    kernel="plus_one_i16",
    arguments=[s.copy()],
    expected={0: s + 1},
    grid=40,
    group=40,
)
for negate, bias, scale in [(False, 3, None), (True, -5, 0.5)]:
    constants = {0: ("bool", negate), 1: ("int", bias), 3: ("bool", False)}
    if scale is not None:
        constants[2] = ("float", scale)
    value = (np.arange(10) + 2 * bias) * (scale or 1)
    case(
        file="templates",
        kernel="constants",
        name=f"constants-{negate}",
        arguments=[zeros(10)],
        expected={0: -value if negate else value},
        grid=10,
        group=10,
        constants=constants,
    )
case(
    file="templates",
    kernel="constants",
    name="constants-extra",
    arguments=[zeros(10), a[:10].copy()],
    expected={0: np.arange(10) + 2 + a[:10]},
    grid=10,
    group=10,
    constants={0: ("bool", False), 1: ("int", 1), 3: ("bool", True)},
    tolerance=1e-6,
)
a = floats(16)
case(
    file="templates",
    kernel="address_spaces",
    arguments=[a, zeros(1)],
    expected={1: 3 * a.astype(f64).sum(keepdims=True)},
    grid=16,
    group=16,
    tolerance=1e-5,
)
x = np.linspace(-2, 2, 20).astype(f32)
case(
    file="templates",
    kernel="own_erf",
    arguments=[x.copy()],
    expected={0: np.array([math.erf(v) for v in x])},
    grid=20,
    group=20,
    tolerance=1e-5,
)

# simd.metal
n = rng.integers(-9, 9, 64).astype(i32)
rows = n.reshape(2, 32)
reduced = [
    rows.sum(1),
    rows.max(1),
    rows.min(1),
    np.bitwise_and.reduce(rows, 1),
    np.bitwise_or.reduce(rows, 1),
    np.bitwise_xor.reduce(rows, 1),
    np.multiply.reduce(rows | 1, 1, dtype=i32),
]
case(
    file="simd",
    kernel="reductions",
    arguments=[n, zeros(64, 7, kind=i32)],
    expected={1: np.repeat(np.stack(reduced, 1), 32, 0)},
    grid=64,
    group=64,
)
p = rng.uniform(0.8, 1.2, 32).astype(f32)
wide = p.astype(f64)
case(
    file="simd",
    kernel="prefixes",
    arguments=[p, zeros(32, 4)],
    expected={
        1: np.stack(
            [
                wide.cumsum(),
                wide.cumsum() - wide,
                wide.cumprod(),
                np.append(1, wide.cumprod()[:-1]),
            ],
            1,
        )
    },
    grid=32,
    group=32,
    tolerance=1e-5,
)
lane = np.arange(32)
v = 100 + lane
case(
    file="simd",
    kernel="shuffles",
    arguments=[zeros(32, 9, kind=i32)],
    expected={
        0: np.stack(
            [
                v[::-1],
                np.where(lane >= 3, v - 3, v),
                np.where(lane < 29, v + 3, v),
                100 + (lane ^ 5),
                100 + (lane - 3) % 32,
                100 + (lane + 3) % 32,
                np.full(32, 117),
                np.full(32, 100),
                np.where(lane >= 2, v - 2, -(100 + (lane - 2) % 32)),
            ],
            1,
        )
    },
    grid=32,
    group=32,
)
a = floats(32)
quads = a.astype(f64).reshape(8, 4)
case(
    file="simd",
    kernel="quads",
    arguments=[a, zeros(32, 4)],
    expected={
        1: np.stack(
            [
                np.repeat(quads.sum(1), 4),
                np.repeat(quads.max(1), 4),
                a[lane ^ 1],
                np.repeat(quads[:, 2], 4),
            ],
            1,
        )
    },
    grid=32,
    group=32,
    tolerance=1e-6,
)
case(
    file="simd",
    kernel="votes",
    arguments=[zeros(32, 4, kind=u32)],
    expected={
        0: np.stack(
            [
                np.full(32, sum(1 << i for i in range(0, 32, 3))),
                np.full(32, 3),
                lane == 0,
                np.where(lane < 10, (1 << 10) - 1, 0),
            ],
            1,
        )
    },
    grid=32,
    group=32,
)
a = floats(32, 4)
case(
    file="simd",
    kernel="vectors",
    arguments=[a.copy()],
    expected={0: a.astype(f64).sum(0) + a[lane ^ 1]},
    grid=32,
    group=32,
    tolerance=1e-5,
)
case(
    file="simd",
    kernel="two_sides",
    arguments=[zeros(32, kind=i32)],
    expected={0: np.where(lane % 2 == 0, lane[::2].sum(), 31) + 32},
    grid=32,
    group=32,
)
case(
    file="simd",
    kernel="one_helper",
    arguments=[zeros(32, kind=i32)],
    expected={0: np.where(lane < 12, 12, 20)},
    grid=32,
    group=32,
)
loops = np.array([sum(8 * (4 - i) for i in range(k % 4 + 1)) for k in lane])
loops += np.array([sum(1000 * (32 - 8 * (r + 1)) for r in range(k // 8)) for k in lane])
case(
    file="simd",
    kernel="uneven_loops",
    arguments=[zeros(32, kind=i32)],
    expected={0: loops + 3200000},
    grid=32,
    group=32,
)
case(
    file="simd",
    kernel="parted_in_a_loop",
    arguments=[zeros(32, kind=i32)],
    expected={
        0: lane
        + 3 * 320000
        + np.where(lane < 16, 3 * 1600, 0)
        + (32 << 20)
        + np.where(lane >= 16, 16 << 20, 0)
    },
    grid=32,
    group=32,
)
case(
    file="simd",
    kernel="leavers",
    arguments=[zeros(32, kind=i32)],
    expected={0: np.where(lane < 20, 20, -1)},
    grid=32,
    group=32,
)
case(
    file="simd",
    kernel="short_group",
    arguments=[zeros(45, kind=i32)],
    expected={0: np.where(np.arange(45) < 32, 32, 13)},
    grid=45,
    group=45,
)

# threadgroup.metal
n = rng.integers(0, 1000, 300).astype(i32)
case(
    file="threadgroup",
    kernel="reverse",
    arguments=[n, zeros(300, kind=i32)],
    expected={1: np.concatenate([n[:128][::-1], n[128:256][::-1], n[256:][::-1]])},
    grid=300,
    group=128,
)
a = floats(96)
case(
    file="threadgroup",
    kernel="dynamic_memory",
    arguments=[a, zeros(96)],
    expected={1: np.roll(a, -1) + np.roll(np.arange(96), -1).astype(f32)},
    grid=96,
    group=96,
    threadgroup={0: 96 * 4, 1: 96 * 8},
    tolerance=1e-6,
)
a = floats(1000)
case(
    file="threadgroup",
    kernel="tree_sum",
    arguments=[a, zeros(4), u32(1000)],
    expected={1: np.pad(a, (0, 24)).astype(f64).reshape(4, 256).sum(1)},
    grid=1024,
    group=256,
    tolerance=1e-4,
)
a = floats(21, 30)
case(
    file="threadgroup",
    kernel="transpose",
    arguments=[a, zeros(30, 21), np.array([30, 21], u32)],
    expected={1: a.T},
    grid=(32, 24),
    group=(8, 8),
)
a = floats(64)
case(
    file="threadgroup",
    kernel="first_max_64",
    arguments=[a, zeros(1, kind=i32)],
    expected={1: a.argmax(keepdims=True)},
    grid=64,
    group=64,
)
n = rng.integers(0, 1000, 100).astype(i32)
case(
    file="threadgroup",
    kernel="rotate",
    arguments=[n.copy(), i32(5)],
    expected={0: np.roll(n, -5)},
    grid=100,
    group=100,
)
n = rng.integers(0, 1000, 64).astype(i32)
case(
    file="threadgroup",
    kernel="simdgroup_exchange",
    arguments=[n.copy()],
    expected={0: n[np.arange(64) ^ 31]},
    grid=64,
    group=64,
)

# types.metal
a = floats(10, 4)
s = a.copy()
s[:, [0, 1]] = s[:, [1, 0]]
s[:, 2:] += s[:, :1]
s[:, 2] *= 2
w = s[:, [2, 1, 0]].copy()
w[:, 1], w[:, 2] = w[:, 0].copy(), 7
case(
    file="types",
    kernel="swizzles",
    arguments=[a, zeros(10, 4)],
    expected={1: np.stack([w[:, 0], w[:, 2], s[:, 3], s[:, 0]], 1) + s[:, ::-1]},
    grid=10,
    group=10,
)
a, b = floats(40, kind=f16), floats(40, kind=f16)
case(
    file="types",
    kernel="halves",
    arguments=[a, b, zeros(40, 2, kind=f16), zeros(40)],
    expected={
        2: np.stack([a * b + a, (a.astype(f64) * b + 1.5).astype(f16)], 1),
        3: a.astype(f32) * 3 + b.astype(f32),
    },
    grid=40,
    group=32,
)
a, b = floats(40, kind=bf16), floats(40, kind=bf16)
case(
    file="types",
    kernel="bfloats",
    arguments=[a, b, zeros(40, kind=bf16), zeros(40)],
    expected={2: (a * b + bf16(1)) - a * bf16(2), 3: a.astype(f32) + f32(0.1)},
    grid=40,
    group=32,
)
a = floats(9, 3)
packed = 3 * a
packed[:, 1] = (a * a).sum(1)
padded = np.zeros((9, 4), f32)
padded[:, :3] = np.cross(a, a[:, [2, 0, 1]])
case(
    file="types",
    kernel="packed",
    arguments=[a, zeros(9, 3), zeros(9, 4)],
    expected={1: packed},
    grid=9,
    group=9,
    tolerance=1e-6,
)
u = rng.integers(0, 2**32, 30, dtype=u32)
u[:3] = [0, 1, 0xFFFFFFFF]
w64 = u.astype(np.uint64)
bits = [f"{x:032b}" for x in u]
signed = u.astype(i32).astype(np.int64)
case(
    file="types",
    kernel="integers",
    arguments=[u, zeros(30, 10, kind=u32)],
    expected={
        1: np.stack(
            [
                [s.count("1") for s in bits],
                [len(s) - len(s.lstrip("0")) for s in bits],
                [len(s) - len(s.rstrip("0")) for s in bits],
                [int(s[::-1], 2) for s in bits],
                (w64 << np.uint64(7) | w64 >> np.uint64(25)) & np.uint64(0xFFFFFFFF),
                w64 * np.uint64(0x9E3779B9) >> np.uint64(32),
                w64 >> np.uint64(5) & np.uint64(511),
                (w64 & ~np.uint64(0x7F8)) | np.uint64((0x155 & 0xFF) << 3),
                np.minimum(w64 + np.uint64(0x80000000), np.uint64(0xFFFFFFFF)),
                np.abs(signed - (1 - (u >> 1).astype(i32).astype(np.int64))) & 0xFFFFFFFF,
            ],
            1,
        ).astype(u32)
    },
    grid=30,
    group=30,
)
a = floats(50)
w = a.astype(f64)
t = np.clip((w + 1) / 2, 0, 1)
with np.errstate(invalid="ignore"):
    case(
        file="types",
        kernel="mathematics",
        arguments=[a, zeros(50, 12)],
        expected={
            1: np.stack(
                [
                    np.exp(w),
                    np.tanh(w),
                    1 / np.sqrt(np.abs(w) + 1),
                    np.clip(w, -0.5, 0.5),
                    w + (1 - w) * 0.25,
                    t * t * (3 - 2 * t),
                    np.sin(np.pi * w),
                    w - np.floor(w),
                    np.sign(w) * (w >= 0),
                    np.where(w < 0, 9, w),
                    -w,
                    np.sqrt(w * w + 5) + 3 * w + np.maximum(w, 0),
                ],
                1,
            )
        },
        grid=50,
        group=50,
        tolerance=2e-6,
    )
a = floats(20, 4)
w = a.astype(f64)
flags = (a > 1).any(1) + 2 * (a > -3).all(1) + 4
case(
    file="types",
    kernel="vector_math",
    arguments=[a, zeros(20, 4), zeros(20, kind=i32)],
    expected={1: np.where(w < 0, -w, 2 * w + 1) + np.trunc(w) + np.minimum(w, 0.25), 2: flags},
    grid=20,
    group=20,
    tolerance=1e-6,
)
case(
    file="types",
    kernel="limits",
    arguments=[zeros(8)],
    expected={
        0: np.array([np.finfo(f32).max, 65504, 2.0**-7, -(2.0**31), 255, -np.inf, np.pi, 3]).astype(
            f32
        )
    },
    grid=1,
    group=1,
)
a = rng.uniform(-0.2, 1.2, (16, 4)).astype(f32)
codes = np.rint(np.clip(a, 0, 1) * f32(255)).astype(u32)
case(
    file="types",
    kernel="packing",
    arguments=[a, zeros(16, kind=u32), zeros(16, 4)],
    expected={1: codes @ np.array([1, 1 << 8, 1 << 16, 1 << 24], u32), 2: codes / 255},
    grid=16,
    group=16,
    tolerance=1e-6,
)
m, a = floats(4, 4), floats(4, 4)  # Metal stores the columns, so NumPy sees the transpose
case(
    file="types",
    kernel="matrices",
    arguments=[m, a, zeros(4, 4)],
    expected={2: a @ m + a @ m.T + m @ m.T},
    grid=4,
    group=4,
    tolerance=1e-5,
)
c = rng.integers(-128, 128, (12, 4)).astype(np.int8)
case(
    file="types",
    kernel="char_vectors",
    arguments=[c, zeros(12, kind=i32)],
    expected={1: c.astype(i32) @ [1, 2, 3, 4] + (c[:, 0] >> 1)},
    grid=12,
    group=12,
)

# atomics.metal
x = rng.integers(0, 256, 500).astype(np.uint8)
case(
    file="atomics",
    kernel="histogram",
    arguments=[x, zeros(16, kind=u32), u32(500)],
    expected={1: np.bincount(x // 16, minlength=16)},
    grid=512,
    group=64,
)
i = np.arange(200)
case(
    file="atomics",
    kernel="atomic_kinds",
    arguments=[zeros(5, kind=i32), zeros(1)],
    expected={
        0: np.array([199, -199, (1 << 31) - 1, np.bitwise_xor.reduce(i), -400]),
        1: np.array([100]),
    },
    grid=200,
    group=64,
)
a = rng.uniform(0, 9, 300).astype(f32)
case(
    file="atomics",
    kernel="float_max",
    arguments=[a, zeros(1)],
    expected={1: a.max(keepdims=True)},
    grid=300,
    group=64,
)

# matrix.metal
for name, kind, tolerance in [
    ("gemm_f32", f32, 1e-5),
    ("gemm_f16", f16, 1e-5),
    ("gemm_bf16", bf16, 1e-5),
]:
    a, b = floats(32, 24, kind=kind), floats(24, 16, kind=kind)
    case(
        file="matrix",
        kernel=name,
        arguments=[a, b, zeros(32, 16), np.array([32, 16, 24], u32)],
        expected={2: a.astype(f64) @ b.astype(f64)},
        grid=(2 * 64, 2),
        group=64,
        tolerance=tolerance,
    )
a = floats(8, 8)
quad = lane // 4
row, column = (quad & 4) + lane // 2 % 4, (quad & 2) * 2 + lane % 2 * 2
first = a.copy()
first[row, column] += 100
case(
    file="matrix",
    kernel="fragments",
    arguments=[a, zeros(128), zeros(32, 2)],
    expected={
        1: np.concatenate([2 * a.T.ravel(), first.ravel()]),
        2: np.stack([a[row, column], a[row, column + 1]], 1),
    },
    grid=32,
    group=32,
)


def check(run: Callable[..., None], it: Case) -> None:
    """Runs a case on copies of its arguments and compares what it should have written."""
    arguments = [x.copy() if isinstance(x, np.ndarray) else x for x in it.arguments]
    run(*arguments, grid=it.grid, group=it.group, threadgroup=it.threadgroup)
    for i, expected in it.expected.items():
        found = arguments[i]
        wanted = np.asarray(expected).reshape(found.shape)
        if it.tolerance:
            np.testing.assert_allclose(
                found.astype(f64), wanted.astype(f64), rtol=it.tolerance, atol=it.tolerance
            )
        else:
            np.testing.assert_array_equal(found, wanted.astype(found.dtype))
