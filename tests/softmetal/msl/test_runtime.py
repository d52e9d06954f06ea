"""The compile cache, threads and forked processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from metal import CompileError, Metal

SOURCE = """#include <metal_stdlib>
kernel void fill(device uint* out, constant uint& v, uint i [[thread_position_in_grid]]) {
  out[i] = v + i;
}
"""


def in_new_process(library: Path, script: str, **environment: str) -> str:
    setup = f"""
    import sys, time, os, numpy as np
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from metal import *
    metal = Metal({str(library)!r})
    SOURCE = {SOURCE!r}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(setup) + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


TIMED = """
    start = time.perf_counter()
    out = np.zeros(100, np.uint32)
    metal.run(SOURCE, "fill", out, np.uint32(3), grid=100, group=64)
    assert (out == np.arange(100) + 3).all()
    print(time.perf_counter() - start)
"""


def test_the_second_process_compiles_nothing(library: Path, tmp_path: Path):
    environment = {"SOFTMETAL_CACHE_DIR": str(tmp_path)}
    cold = float(in_new_process(library, TIMED, **environment))
    entries = {f.name for f in tmp_path.iterdir()}
    warm = float(in_new_process(library, TIMED, **environment))
    assert {f.name for f in tmp_path.iterdir()} == entries, "nothing was added"
    assert not [name for name in entries if name.startswith("tmp.")], "nothing was left over"
    assert warm < cold


def test_a_damaged_library_is_an_error(library: Path, tmp_path: Path):
    environment = {"SOFTMETAL_CACHE_DIR": str(tmp_path)}
    in_new_process(library, TIMED, **environment)
    for file in tmp_path.glob("*.so"):
        file.write_bytes(b"nothing")
    script = """
    try:
        metal.program(SOURCE).kernel("fill")
    except CompileError as error:
        print(error)
    """
    assert "softmetal: " in in_new_process(library, script, **environment)


def test_without_a_compiler_the_error_says_what_to_do(library: Path, tmp_path: Path):
    script = """
    try:
        metal.program(SOURCE)
    except CompileError as error:
        print(error)
    """
    environment = {"SOFTMETAL_CACHE_DIR": str(tmp_path), "PATH": str(tmp_path)}
    text = in_new_process(library, script, SOFTMETAL_CXX="", **environment)
    assert "g++ 12" in text
    assert "SOFTMETAL_CXX" in text
    text = in_new_process(library, script, SOFTMETAL_CXX="no-such-compiler", **environment)
    assert "no-such-compiler (does not run)" in text


def test_options_come_from_the_environment(library: Path):
    script = """
    try:
        metal.run(SOURCE, "fill", np.zeros(4, np.uint32), np.uint32(0), grid=5, group=5)
    except ExecutionError as error:
        print(error)
    """
    assert "[[buffer(0)]]" in in_new_process(
        library, script, SOFTMETAL_CHECK="1", SOFTMETAL_ORDER="reverse"
    )


def test_a_forked_child_computes(library: Path):
    script = """
    kernel = metal.program(SOURCE).kernel("fill")
    metal.options(threads=4)
    out = np.zeros(100000, np.uint32)
    for _ in range(3):
        kernel(out, np.uint32(1), grid=100000, group=64)
    child = os.fork()
    if child == 0:
        kernel(out, np.uint32(2), grid=100000, group=64)
        os._exit(0 if (out == np.arange(100000) + 2).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    kernel(out, np.uint32(5), grid=100000, group=64)
    assert (out == np.arange(100000) + 5).all()
    """
    in_new_process(library, script)


def test_launches_from_several_threads(metal: Metal):
    kernel = metal.program(SOURCE).kernel("fill")
    metal.options(threads=3)

    def work(v: int) -> bool:
        out = np.zeros(5000, np.uint32)
        for _ in range(20):
            kernel(out, np.uint32(v), grid=5000, group=96)
        return bool((out == np.arange(5000) + v).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_one_program_with_two_sets_of_constants(metal: Metal):
    source = """
    constant int kValue [[function_constant(0)]];
    constant int kTwice = 2 * kValue;
    kernel void get(device int* out) { out[0] = kTwice; }
    """
    program = metal.program(source)
    kernels = [program.kernel("get", {0: ("int", v)}) for v in (3, 4)]
    for kernel, wanted in zip(kernels * 2, [6, 8, 6, 8], strict=True):
        out = np.zeros(1, np.int32)
        kernel(out, grid=1, group=1)
        assert out[0] == wanted


def test_a_large_file_compiles_only_what_is_asked_for(metal: Metal):
    lines = ["template <int n> kernel void f(device int* out) { out[0] = n; }"]
    lines += [
        f'template [[host_name("f{i}")]] kernel void f<{i}>(device int* out);' for i in range(2000)
    ]
    start = time.perf_counter()
    program = metal.program("\n".join(lines))
    out = np.zeros(1, np.int32)
    program.kernel("f1234")(out, grid=1, group=1)
    assert out[0] == 1234
    assert time.perf_counter() - start < 20
    with pytest.raises(CompileError):
        program.kernel("f2000")


def test_arguments_are_described(metal: Metal):
    source = """
    struct Wide { float4 a; int b; };
    kernel void f(constant Wide& w [[buffer(4)]], device half* h,
                  threadgroup float2* t [[threadgroup(1)]], device const uchar* c [[buffer(0)]]) {
      threadgroup int local[10];
      local[0] = 1;
    }
    """
    rows = metal.program(source).kernel("f").describe()
    assert rows == [
        ["kernel", "f", "0"],
        ["argument", "w", "0", "4", "1", "32", "16"],
        ["argument", "h", "0", "1", "0", "2", "2"],
        ["argument", "t", "1", "1", "0", "8", "8"],
        ["argument", "c", "0", "0", "1", "1", "1"],
        ["threadgroup", "40"],
    ]


def test_a_deep_stack_of_a_thousand_threads(metal: Metal):
    source = """#include <metal_stdlib>
    using namespace metal;
    kernel void deep(device float* out, uint i [[thread_index_in_threadgroup]]) {
      float own[4000];
      for (int k = 0; k < 4000; ++k) own[k] = k + i;
      threadgroup_barrier(mem_flags::mem_none);
      out[i] = own[i] + simd_sum(1.0f);
    }
    """
    out = np.zeros(1024, np.float32)
    metal.run(source, "deep", out, grid=1024, group=1024)
    np.testing.assert_array_equal(out, 2 * np.arange(1024) + 32)


CONDITIONS = """#include <metal_stdlib>
constant bool wanted [[function_constant(0)]];
constant int width [[function_constant(1)]];
constant bool both = wanted && width > 2;
kernel void pick(device int* out [[buffer(0)]],
                 device const int* a [[buffer(1), function_constant(wanted)]],
                 device const int* b [[buffer(2), function_constant(both)]]) {
  out[0] = (wanted ? a[0] : 0) + (both ? b[0] : 0);
}
"""


@pytest.mark.parametrize(
    ("wanted", "width", "names", "sum_"),
    [(0, 5, ["out"], 0), (1, 1, ["out", "a"], 1), (1, 3, ["out", "a", "b"], 11)],
)
def test_arguments_that_constants_leave_away(metal: Metal, wanted, width, names, sum_):
    constants = {0: ("bool", wanted), 1: ("int", width)}
    kernel = metal.program(CONDITIONS).kernel("pick", constants)
    assert [row[1] for row in kernel.describe() if row[0] == "argument"] == names
    out, a, b = np.zeros(1, np.int32), np.array([1], np.int32), np.array([10], np.int32)
    kernel(out, a if wanted else None, b if len(names) == 3 else None, grid=1, group=1)
    assert out[0] == sum_
