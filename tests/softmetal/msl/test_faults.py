"""Planted faults: each is reported, with its place."""

from __future__ import annotations

import re

import numpy as np
import pytest
from metal import ExecutionError, Metal, Order

HEADER = "#include <metal_stdlib>\nusing namespace metal;\n"

REVERSE = (
    HEADER
    + """
kernel void reverse(device const int* x, device int* out, uint i [[thread_position_in_threadgroup]],
                    uint n [[threads_per_threadgroup]]) {
  threadgroup int tile[64];
  tile[i] = x[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[i] = tile[n - 1 - i];
}
"""
)
ORDERS = [(Order.FORWARD, 0), (Order.REVERSE, 0), (Order.SHUFFLED, 4)]


def line_of(source: str, text: str) -> int:
    return source[: source.index(text)].count("\n") + 1


def faults(metal: Metal, source: str, name: str, *arguments, **settings) -> list:
    with pytest.raises(ExecutionError) as failure:
        metal.run(source, name, *arguments, **settings)
    reports = metal.reports()
    assert reports[0].message in str(failure.value)
    assert all(f"kernel '{name}'" in report.message for report in reports)
    return reports


def reverse_arguments() -> tuple:
    return np.arange(64, dtype=np.int32), np.zeros(64, np.int32)


@pytest.mark.parametrize(("order", "seed"), ORDERS)
def test_a_missing_barrier_is_a_race_in_every_order(metal: Metal, order, seed):
    source = REVERSE.replace("threadgroup_barrier(mem_flags::mem_threadgroup);", "")
    metal.options(order, seed, check=True)
    reports = faults(metal, source, "reverse", *reverse_arguments(), grid=64, group=64)
    races = [r for r in reports if r.kind == "race"]
    places = {line_of(source, "tile[i] = x"), line_of(source, "out[i] = tile")}
    assert races
    assert all({r.line, r.other_line} == places for r in races)
    assert {r.argument for r in reports} == {"tile"}


def test_a_barrier_for_other_memory_is_a_race(metal: Metal):
    source = REVERSE.replace("mem_flags::mem_threadgroup", "mem_flags::mem_device")
    metal.options(check=True)
    reports = faults(metal, source, "reverse", *reverse_arguments(), grid=64, group=64)
    assert {r.kind for r in reports} == {"race"}


def test_a_simdgroup_barrier_does_not_reach_another_simdgroup(metal: Metal):
    source = REVERSE.replace("threadgroup_barrier(", "simdgroup_barrier(")
    metal.options(check=True)
    reports = faults(metal, source, "reverse", *reverse_arguments(), grid=64, group=64)
    assert any(r.kind == "race" for r in reports)
    metal.run(source, "reverse", *reverse_arguments(), grid=32, group=32)


def test_the_right_kernel_has_no_report(metal: Metal):
    x, out = reverse_arguments()
    metal.options(check=True)
    metal.run(REVERSE, "reverse", x, out, grid=64, group=64)
    np.testing.assert_array_equal(out, x[::-1])
    assert metal.reports() == []


def test_off_by_one_in_a_buffer(metal: Metal):
    source = (
        HEADER
        + """
kernel void shift(device const float* x [[buffer(3)]], device float* out [[buffer(1)]],
                  uint i [[thread_position_in_grid]]) {
  out[i] =
      x[i + 1];
}
"""
    )
    x, out = np.ones(50, np.float32), np.zeros(50, np.float32)
    metal.options(check=True)
    (report,) = faults(metal, source, "shift", None, out, None, x, grid=50, group=32)
    assert (report.kind, report.argument, report.index, report.x) == ("out_of_bounds", "x", 3, 49)
    assert report.line == line_of(source, "x[i + 1]")
    assert "offset 200" in report.message
    assert "200 bytes" in report.message


def test_a_write_before_a_buffer(metal: Metal):
    source = (
        HEADER
        + """
kernel void before(device int* out, uint i [[thread_position_in_grid]]) {
  device int* row = out + i;
  row[-1] = 5;
}
"""
    )
    metal.options(check=True)
    (report,) = faults(metal, source, "before", np.zeros(8, np.int32), grid=8, group=8)
    assert report.kind == "out_of_bounds"
    assert report.line == line_of(source, "row[-1]")
    assert "writes 4 bytes at offset -4" in report.message


# Each stores an object that a function returns: compilers let the function write it in place.
STORES = {
    "struct": ("struct S { float a, b, c; }; S f(float x) { S s; s.a = s.b = s.c = x; return s; }",
               "S", "f(float(t))", ".a"),
    "five-words": ("struct S { float a, b, c, d, e; }; S f(float x) { return {x, x, x, x, x}; }",
                   "S", "f(float(t))", ".e"),
    "operator": ("", "float4", "float4(t) * float4(2)", ".y"),
    "library": ("", "float4", "fma(float4(t), float4(2), float4(t))", ".w"),
    "bfloat": ("bfloat f(float x) { return bfloat(x); }", "bfloat",
               "t < 64 ? f(float(t)) : bfloat(0)", ""),
    "template": ("template <typename T, int n> T f(float x) { return T(x * n); }", "half4",
                 "t < 64 ? f<half4, 2>(float(t)) : half4(0)", ".z"),
}  # fmt: skip


@pytest.mark.parametrize("barrier", ["threadgroup_barrier(mem_flags::mem_threadgroup);", ""])
@pytest.mark.parametrize("store", STORES)
def test_an_object_stored_in_threadgroup_memory(metal: Metal, store: str, barrier: str):
    helper, kind, value, member = STORES[store]
    source = (
        HEADER
        + f"""{helper}
kernel void keep(device float* out, uint t [[thread_index_in_threadgroup]]) {{
  threadgroup {kind} tile[64];
  if (t < 64) tile[t] = {value};
  {barrier}
  out[t] = float(tile[63 - t]{member});
}}
"""
    )
    metal.options(check=True)
    out = np.zeros(64, np.float32)
    if barrier:
        metal.run(source, "keep", out, grid=64, group=64)
        assert metal.reports() == []
        assert out[62] / out[0] == pytest.approx(1 / 63)
        return
    reports = faults(metal, source, "keep", out, grid=64, group=64)
    races = [r for r in reports if r.kind == "race"]
    places = {line_of(source, "tile[t] ="), line_of(source, "out[t] =")}
    assert races
    assert all({r.line, r.other_line} == places for r in races)


def test_past_a_threadgroup_array(metal: Metal):
    source = REVERSE.replace("tile[n - 1 - i]", "tile[n - i]").replace("tile[64]", "tile[32]")
    metal.options(check=True)
    (report,) = faults(metal, source, "reverse", *reverse_arguments(), grid=32, group=32)
    assert (report.kind, report.argument, report.index, report.x) == (
        "out_of_bounds",
        "tile",
        -1,
        0,
    )


def test_past_dynamic_threadgroup_memory(metal: Metal):
    source = (
        HEADER
        + """
kernel void spill(threadgroup float4* room [[threadgroup(2)]], uint i [[thread_position_in_grid]]) {
  room[i] = 1.0;
}
"""
    )
    metal.options(check=True)
    (report,) = faults(metal, source, "spill", grid=4, group=4, threadgroup={2: 48})
    assert (report.kind, report.argument, report.index, report.x) == ("out_of_bounds", "room", 2, 3)


def test_an_unset_buffer(metal: Metal):
    source = HEADER + "kernel void unset(device int* a, device int* b) { a[0] = b[0]; }"
    metal.options(check=True)
    (report,) = faults(metal, source, "unset", np.zeros(4, np.int32), grid=1, group=1)
    assert (report.kind, report.argument, report.index) == ("out_of_bounds", "b", 1)


def test_an_uninitialised_read(metal: Metal):
    source = REVERSE.replace("tile[i] = x[i];", "if (i != 9) tile[i] = x[i];")
    metal.options(check=True)
    (report,) = faults(metal, source, "reverse", *reverse_arguments(), grid=64, group=64)
    assert (report.kind, report.argument, report.x) == ("uninitialized_read", "tile", 54)
    assert report.line == line_of(source, "out[i] = tile")
    assert "byte 36" in report.message


def test_unchecked_threadgroup_memory_is_poisoned(metal: Metal):
    source = (
        HEADER
        + """
kernel void poison(device float* out) {
  threadgroup float never[4];
  out[0] = never[2];
}
"""
    )
    out = np.zeros(1, np.float32)
    metal.run(source, "poison", out, grid=1, group=1)
    assert np.isnan(out[0])


def test_a_race_between_threadgroups(metal: Metal):
    source = (
        HEADER
        + """
kernel void count(device int* n) {
  n[0] += 1;
}
"""
    )
    metal.options(check=True)
    reports = faults(metal, source, "count", np.zeros(1, np.int32), grid=2, group=1)
    assert {r.kind for r in reports} == {"race"}
    assert {r.line for r in reports} == {line_of(source, "n[0]")}


def test_an_atomic_beside_a_plain_write(metal: Metal):
    source = (
        HEADER
        + """
kernel void mixed(device atomic_int* n, uint i [[thread_position_in_grid]]) {
  if (i == 0)
    *(device int*)n = 1;
  else
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}
"""
    )
    metal.options(check=True)
    reports = faults(metal, source, "mixed", np.zeros(1, np.int32), grid=4, group=4)
    assert reports[0].kind == "race"
    assert {reports[0].line, reports[0].other_line} == {
        line_of(source, "*(device"),
        line_of(source, "atomic_fetch"),
    }


def test_an_access_in_a_helper_has_the_helper_s_line(metal: Metal):
    source = (
        HEADER
        + """
static float4 read(device const float4* p, int at) {
  return p[at] * 2;
}
kernel void outside(device const float4* x, device float4* out,
                    uint i [[thread_position_in_grid]]) {
  out[i] += read(x, i + 3);
}
"""
    )
    x = np.zeros((4, 4), np.float32)
    metal.options(check=True)
    (report,) = faults(metal, source, "outside", x, x.copy(), grid=4, group=4)
    assert report.line == line_of(source, "return p[at]")


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("way", ["return", "branch"])
def test_a_barrier_that_not_all_reach(metal: Metal, check, way):
    body = {
        "return": "if (i == 5) return;\n threadgroup_barrier(mem_flags::mem_none);",
        "branch": "if (i != 5) threadgroup_barrier(mem_flags::mem_none);",
    }[way]
    source = HEADER + f"kernel void apart(uint i [[thread_index_in_threadgroup]]) {{ {body} }}"
    metal.options(check=check)
    with pytest.raises(
        ExecutionError, match=r"waits at a threadgroup barrier that thread \(5, 0, 0\)"
    ):
        metal.run(source, "apart", grid=64, group=64)
    # The process, and the same kernel's next launch, go on.
    metal.run(source, "apart", grid=5, group=5)


def test_threads_at_different_barriers(metal: Metal):
    source = (
        HEADER
        + """
kernel void apart(uint i [[thread_index_in_threadgroup]]) {
  if (i < 32) threadgroup_barrier(mem_flags::mem_none);
  else threadgroup_barrier(mem_flags::mem_none);
}
"""
    )
    metal.options(check=True)
    (report,) = faults(metal, source, "apart", grid=64, group=64)
    assert report.kind == "divergent_barrier"


def test_reports_are_the_same_every_time(metal: Metal):
    source = REVERSE.replace("threadgroup_barrier(mem_flags::mem_threadgroup);", "")
    metal.options(Order.SHUFFLED, 11, check=True)
    runs = [
        faults(metal, source, "reverse", *reverse_arguments(), grid=256, group=64) for _ in range(3)
    ]
    assert runs[0] == runs[1] == runs[2]


def test_the_launch_is_checked_before_it_runs(metal: Metal):
    source = HEADER + "kernel void nothing() {}"
    with pytest.raises(
        ExecutionError, match=re.escape("a threadgroup has 2048 threads, the limit is 1024")
    ):
        metal.run(source, "nothing", grid=2048, group=2048)
