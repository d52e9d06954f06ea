"""Kernels of one's own: what MSL offers, what is refused, what the checker finds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import bitmetal as bm

DEVICES = [device.kind for device in bm.devices() if device.kind in ("metal", "softmetal")]
pytestmark = pytest.mark.skipif(not DEVICES, reason="this build has no Metal device")

HEADER = "#include <metal_stdlib>\nusing namespace metal;\n"
N = 200
RNG = np.random.default_rng(0)
X = RNG.standard_normal(N).astype(np.float32)
Y = RNG.standard_normal(N).astype(np.float32)
INTS = RNG.integers(0, 1000, N).astype(np.int32)


@dataclass(frozen=True)
class Program:
    """A kernel "k" whose last array is its output, and what that should hold."""

    label: str
    source: str
    inputs: Sequence[Any]
    output: np.ndarray
    expected: np.ndarray
    grid: tuple[int, ...] = (N,)
    threadgroup: tuple[int, ...] = (64,)
    constants: dict[str | int, Any] = field(default_factory=dict)
    memory: dict[int, int] = field(default_factory=dict)
    close: float = 0


def zeros(n: int, dtype: str = "float32") -> np.ndarray:
    return np.zeros(n, dtype)


ARGUMENTS = "[[kernel]] void k(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], "
I = "uint i [[thread_position_in_grid]])"  # noqa: E741

PROGRAMS = [
    Program("scale", ARGUMENTS + I + " { y[i] = 2 * x[i]; }", [X], zeros(N), 2 * X),
    Program(
        "scalar-argument",
        "[[kernel]] void k(device const float* x [[buffer(0)]], constant float& s [[buffer(1)]], "
        "device float* y [[buffer(2)]], " + I + " { y[i] = s + x[i]; }",
        [X, 1.5], zeros(N), np.float32(1.5) + X,
    ),
    Program(
        "record-argument",
        "struct P { float a; int b; }; [[kernel]] void k(constant P& p [[buffer(0)]], "
        "device float* y [[buffer(1)]], " + I + " { y[i] = p.a * float(p.b + int(i)); }",
        [np.array((0.5, 7), [("a", "f4"), ("b", "i4")])[()]],
        zeros(N), np.float32(0.5) * (7 + np.arange(N, dtype=np.float32)),
    ),
    Program(
        "template",
        "template <typename T> [[kernel]] void add(device const T* a [[buffer(0)]], "
        "device const T* b [[buffer(1)]], device T* y [[buffer(2)]], " + I + " { y[i] = a[i] + "
        "b[i]; }\n"
        'template [[host_name("other")]] [[kernel]] decltype(add<int>) add<int>;\n'
        'template [[host_name("k")]] [[kernel]] decltype(add<float>) add<float>;',
        [X, Y], zeros(N), X + Y,
    ),
    Program(
        "function-constant-by-name",
        "constant uint factor [[function_constant(3)]];\n" + ARGUMENTS + I + " { y[i] = x[i] * "
        "factor; }",
        [X], zeros(N), X * 5, constants={"factor": 5},
    ),
    Program(
        "function-constant-by-index",
        "constant bool negate [[function_constant(0)]]; constant float add "
        "[[function_constant(1)]];\n"
        + ARGUMENTS + I + " { y[i] = (negate ? -x[i] : x[i]) + add; }",
        [X], zeros(N), np.float32(0.25) - X, constants={0: True, 1: 0.25},
    ),
    Program(
        "argument-left-away",
        "constant bool with_bias [[function_constant(0)]];\n"
        "[[kernel]] void k(device const float* x [[buffer(0)]], "
        "device const float* bias [[buffer(1), function_constant(with_bias)]], "
        "device float* y [[buffer(2)]], " + I + " { y[i] = x[i]; if (with_bias) y[i] += bias[i]; }",
        [X, None], zeros(N), X, constants={"with_bias": False},
    ),
    Program(
        "simd-sum",
        ARGUMENTS + "uint i [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) "
        "{ float s = simd_sum(x[i]); if (lane == 0) y[i / 32] = s; }",
        [X[:192]], zeros(6), X[:192].reshape(6, 32).sum(1), grid=(192,), close=1e-5,
    ),
    Program(
        "simd-shuffle",
        ARGUMENTS + I + " { y[i] = simd_shuffle_xor(x[i], 1); }",
        [X], zeros(N), X.reshape(-1, 2)[:, ::-1].reshape(-1),
    ),
    Program(
        "simd-prefix",
        ARGUMENTS + I + " { y[i] = simd_prefix_inclusive_sum(x[i]); }",
        [X[:192]], zeros(192), np.cumsum(X[:192].reshape(6, 32), axis=1).reshape(-1),
        grid=(192,), close=1e-5,
    ),
    Program(
        "simd-ballot",
        "[[kernel]] void k(device const int* x [[buffer(0)]], device uint* y [[buffer(1)]], " + I
        + " { y[i] = popcount(uint(ulong(simd_ballot(x[i] > 500)))); }",
        [INTS[:64]], zeros(64, "uint32"),
        np.repeat((INTS[:64].reshape(2, 32) > 500).sum(1), 32).astype(np.uint32), grid=(64,),
    ),
    Program(
        "atomic-histogram",
        "[[kernel]] void k(device const int* x [[buffer(0)]], device atomic_uint* bins "
        "[[buffer(1)]], " + I
        + " { atomic_fetch_add_explicit(&bins[x[i] % 10], 1u, memory_order_relaxed); }",
        [INTS], zeros(10, "uint32"), np.bincount(INTS % 10, minlength=10).astype(np.uint32),
    ),
    Program(
        "atomic-max",
        "[[kernel]] void k(device const int* x [[buffer(0)]], device atomic_int* top "
        "[[buffer(1)]], " + I
        + " { atomic_fetch_max_explicit(top, x[i], memory_order_relaxed); }",
        [INTS], zeros(1, "int32"), INTS.max(keepdims=True),
    ),
    Program(
        "threadgroup-array",
        ARGUMENTS + "uint i [[thread_position_in_grid]], uint t [[thread_index_in_threadgroup]]) "
        "{\n"
        "  threadgroup float tile[64];\n  tile[t] = x[i];\n"
        "  threadgroup_barrier(mem_flags::mem_threadgroup);\n  y[i] = tile[63 - t];\n}",
        [X[:192]], zeros(192), X[:192].reshape(3, 64)[:, ::-1].reshape(-1), grid=(192,),
    ),
    Program(
        "threadgroup-argument",
        "[[kernel]] void k(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], "
        "threadgroup float* tile [[threadgroup(0)]], uint i [[thread_position_in_grid]], "
        "uint t [[thread_index_in_threadgroup]]) {\n  tile[t] = x[i];\n"
        "  threadgroup_barrier(mem_flags::mem_threadgroup);\n  y[i] = tile[t ^ 7];\n}",
        [X[:128]], zeros(128), X[:128].reshape(-1, 8)[:, ::-1].reshape(-1), grid=(128,),
        memory={0: 256},
    ),
    Program(
        "threadgroup-reduction",
        ARGUMENTS + "uint g [[threadgroup_position_in_grid]], uint t "
        "[[thread_index_in_threadgroup]], "
        "uint n [[threads_per_threadgroup]]) {\n  threadgroup float part[64];\n  part[t] = x[g * "
        "n + t];\n"
        "  for (uint half_size = n / 2; half_size > 0; half_size /= 2) {\n"
        "    threadgroup_barrier(mem_flags::mem_threadgroup);\n"
        "    if (t < half_size) part[t] += part[t + half_size];\n  }\n  if (t == 0) y[g] = "
        "part[0];\n}",
        [X[:192]], zeros(3), X[:192].reshape(3, 64).sum(1), grid=(192,), close=1e-5,
    ),
    Program(
        "two-dimensions",
        "[[kernel]] void k(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], "
        "uint2 at [[thread_position_in_grid]], uint2 size [[threads_per_grid]]) "
        "{ y[at.x * size.y + at.y] = x[at.y * size.x + at.x]; }",
        [X], zeros(N), X.reshape(10, 20).T.reshape(-1), grid=(20, 10), threadgroup=(8, 4),
    ),
    Program(
        "vector-types",
        "[[kernel]] void k(device const float4* x [[buffer(0)]], device float* y [[buffer(1)]], "
        "" + I
        + " { y[i] = dot(x[i], float4(1, 2, 3, 4)); }",
        [X], zeros(N // 4), X.reshape(-1, 4) @ np.array([1, 2, 3, 4], np.float32), grid=(N //
        4,), close=1e-5,
    ),
    Program(
        "half",
        "[[kernel]] void k(device const half* x [[buffer(0)]], device half* y [[buffer(1)]], " + I
        + " { y[i] = x[i] * half(2); }",
        [X.astype(np.float16)], zeros(N, "float16"), X.astype(np.float16) * np.float16(2),
    ),
    Program(
        "helper-function",
        "static inline float square(float v) { return v * v; }\n" + ARGUMENTS + I + " { y[i] = "
        "square(x[i]); }",
        [X], zeros(N), X * X,
    ),
    Program(
        "constant-table",
        "constant float table[4] = {1, 10, 100, 1000};\n" + ARGUMENTS + I + " { y[i] = x[i] * "
        "table[i % 4]; }",
        [X], zeros(N), X * np.tile(np.array([1, 10, 100, 1000], np.float32), N // 4),
    ),
    Program(
        "math",
        ARGUMENTS + I + " { y[i] = clamp(fma(x[i], 3.0f, 1.0f), -1.0f, 2.0f) + sqrt(fabs(x[i])); }",
        [X], zeros(N), np.clip(3 * X + 1, -1, 2) + np.sqrt(np.abs(X)), close=1e-6,
    ),
    Program(
        "bits",
        "[[kernel]] void k(device const int* x [[buffer(0)]], device uint* y [[buffer(1)]], " + I
        + " { y[i] = popcount(uint(x[i])) + clz(uint(x[i]) | 1); }",
        [INTS], zeros(N, "uint32"),
        np.array([bin(v).count("1") + 32 - int(v | 1).bit_length() for v in INTS.tolist()],
        np.uint32),
    ),
    Program(
        "simdgroup-matrix",
        "[[kernel]] void k(device const float* a [[buffer(0)]], device const float* b "
        "[[buffer(1)]], "
        "device float* c [[buffer(2)]]) {\n  simdgroup_float8x8 left, right, product;\n"
        "  simdgroup_load(left, a, 8);\n  simdgroup_load(right, b, 8);\n"
        "  simdgroup_multiply(product, left, right);\n  simdgroup_store(product, c, 8);\n}",
        [X[:64], Y[:64]], zeros(64), (X[:64].reshape(8, 8) @ Y[:64].reshape(8, 8)).reshape(-1),
        grid=(32,), threadgroup=(32,), close=1e-5,
    ),
]  # fmt: skip


def on_device(value: Any, device: str) -> Any:
    is_array = isinstance(value, np.ndarray) and value.ndim > 0
    return bm.asarray(value.copy(), device=device) if is_array else value


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.label)
@pytest.mark.parametrize("device", DEVICES)
def test_programs(program: Program, order: str, device: str) -> None:
    if order != "forward" and device != "softmetal":
        pytest.skip("a GPU takes the order that it likes")
    unsigned = program.output.dtype == np.uint32  # which Array has not: the bits are shown as int32
    kernel = bm.Kernel(HEADER + program.source, "k", program.constants, device=device)
    inputs = [on_device(value, device) for value in program.inputs]
    out = on_device(program.output.view(np.int32) if unsigned else program.output, device)
    options: dict[str, Any] = {"threadgroup_memory": program.memory}
    with bm.softmetal.order(order, seed=7) if device == "softmetal" else nullcontext():
        kernel(*inputs, out, grid=program.grid, threadgroup=program.threadgroup, **options)
        result = np.asarray(out)
    result = result.view(np.uint32) if unsigned else result
    np.testing.assert_allclose(result, program.expected, rtol=program.close, atol=program.close)


@pytest.fixture
def checker() -> Callable[[str], str]:
    if "softmetal" not in DEVICES:
        pytest.skip("the checker is softmetal's")

    def run(source: str) -> str:
        kernel = bm.Kernel(HEADER + source, "k", device="softmetal")
        n = 192
        x, y = bm.ones(n, device="softmetal"), bm.zeros(n, device="softmetal")
        bm.softmetal.take_reports()
        with bm.softmetal.checking():
            kernel(x, y, grid=n, threadgroup=64)
            with pytest.raises(bm.DeviceError) as error:
                y.wait()
        assert bm.softmetal.take_reports()
        return str(error.value)

    return run


def test_checker_finds_a_missing_barrier(checker: Callable[[str], str]) -> None:
    text = checker(
        ARGUMENTS
        + "uint i [[thread_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {\n"
        "  threadgroup float tile[64];\n"
        "  tile[t] = x[i];\n"
        "  y[i] = tile[63 - t];\n}"
    )
    assert "race" in text
    assert "tile" in text
    assert "program_source:6" in text


def test_checker_finds_an_index_off_by_one(checker: Callable[[str], str]) -> None:
    text = checker(ARGUMENTS + I + " {\n  y[i] = x[i + 1];\n}")
    assert "thread (191, 0, 0) reads 4 bytes at offset 768 of buffer 'x' [[buffer(0)]]" in text
    assert "which has 768 bytes at program_source:4" in text


def test_checker_holds_a_kernel_to_the_view_it_got(checker: Callable[[str], str]) -> None:
    kernel = bm.Kernel(HEADER + ARGUMENTS + I + " { y[i] = x[i + 1]; }", "k", device="softmetal")
    x = bm.ones(100, device="softmetal")
    with bm.softmetal.checking():
        kernel(x[:65], x[70:], grid=30, threadgroup=30)
        x.wait()
        kernel(x[:30], x[70:], grid=30, threadgroup=30)
        with pytest.raises(bm.DeviceError, match=r"offset 120 of buffer 'x' .* has 120 bytes"):
            x.wait()
    bm.softmetal.take_reports()


PROFILES = """
import bitmetal as bm
bm.softmetal.set_profile("{name}")
H = "#include <metal_stdlib>\\nusing namespace metal;\\n[[kernel]] void k(device float* y "
H += "[[buffer(0)]], threadgroup float* m [[threadgroup(0)]], "
H += "uint i [[thread_index_in_threadgroup]])"
k = bm.Kernel(H + "{{ m[i] = i; y[i] = m[i]; }}", "k", device="softmetal")
y = bm.zeros(1024, device="softmetal")
print(bm.device("softmetal").name, bm.softmetal.profile(), k.max_threads)
def attempt(f):
    try:
        f()
        print("done")
    except Exception as error:
        print(type(error).__name__, error)
attempt(lambda: (k(y, grid=1024, threadgroup=1024, threadgroup_memory={{0: 4096}}), y.wait()))
attempt(lambda: (k(y, grid=64, threadgroup=64, threadgroup_memory={{0: 20000}}), y.wait()))
attempt(lambda: (k(y, grid=64, threadgroup=64, threadgroup_memory={{0: 40000}}), y.wait()))
attempt(lambda: bm.Kernel(H.replace("threadgroup float* m [[threadgroup(0)]], ", "") +
    "{{ threadgroup float m[5000]; m[i] = i; y[i] = m[i]; }}", "k", device="softmetal"))
attempt(lambda: bm.empty((1 << 28) + 1, "uint8", device="softmetal"))
attempt(lambda: bm.softmetal.set_profile("apple8"))
"""


@pytest.mark.parametrize("name", ["apple7", "apple3"])
def test_limits_of_another_gpu(name: str) -> None:
    """A kernel, or an array, beyond what the GPU can do fails as it does there."""
    if "softmetal" not in DEVICES:
        pytest.skip("profiles are softmetal's")
    done = subprocess.run(
        [sys.executable, "-c", PROFILES.format(name=name)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    shown, threads, memory, more_memory, static_memory, buffer, late = done.stdout.splitlines()
    assert more_memory.startswith("ValueError kernel 'k': 40000 bytes of threadgroup memory")
    assert late.startswith("DeviceError softmetal.set_profile: the device has been used already")
    if name == "apple7":
        assert shown == "softmetal (as Apple M1) apple7 1024"
        assert [threads, memory, static_memory, buffer] == ["done"] * 4
    else:
        assert shown == "softmetal (as Apple A9) apple3 512"
        assert threads.startswith(
            "ValueError kernel 'k': threadgroup has 1024 threads, at most 512"
        )
        assert memory.endswith("20000 bytes of threadgroup memory, the device has 16384")
        assert static_memory.startswith("CompileError")
        assert "16384" in static_memory
        assert buffer.startswith("MemoryError")


def test_compile_errors_have_their_line() -> None:
    with pytest.raises(bm.CompileError, match=r"program_source:4:\d+: error: .*'missing'"):
        bm.Kernel(HEADER + ARGUMENTS + I + " {\n  y[i] = missing;\n}", "k")
    with pytest.raises(bm.CompileError, match="other"):
        bm.Kernel(HEADER + ARGUMENTS + I + " { y[i] = x[i]; }", "other")


def test_same_name_other_source() -> None:
    out = bm.zeros(1, device=DEVICES[0])
    for value in (1, 2, 1):
        kernel = bm.Kernel(
            f"[[kernel]] void k(device float* y [[buffer(0)]]) {{ y[0] = {value}; }}", "k"
        )
        kernel(out, grid=1, threadgroup=1)
        assert out.item() == value


def test_bad_calls() -> None:
    source = HEADER + ARGUMENTS + I + " { y[i] = x[i]; }"
    kernel = bm.Kernel(source, "k")
    x, y = bm.zeros(4, device=DEVICES[0]), bm.zeros(4, device=DEVICES[0])
    with pytest.raises(TypeError, match=r"kernel 'k': argument 1 \('y'\) is missing"):
        kernel(x, grid=4, threadgroup=4)
    with pytest.raises(
        TypeError, match=r"argument 1 \('y'\) is written, expected a bitmetal.Array"
    ):
        kernel(x, 3.0, grid=4, threadgroup=4)
    with pytest.raises(bm.DeviceError, match=r"argument 0 \('x'\) is on 'cpu'"):
        kernel(bm.zeros(4, device="cpu"), y, grid=4, threadgroup=4)
    with pytest.raises(ValueError, match="threadgroup has 4096 threads"):
        kernel(x, y, grid=4, threadgroup=4096)
    with pytest.raises(ValueError, match=r"grid is \(0,\)"):
        kernel(x, y, grid=0, threadgroup=4)
    with pytest.raises(ValueError, match="has no function constant 'n'"):
        bm.Kernel(source, "k", {"n": 1})
    with pytest.raises(bm.CapabilityError, match="device 'cpu' runs no Metal kernels"):
        bm.Kernel(source, "k", device="cpu")
