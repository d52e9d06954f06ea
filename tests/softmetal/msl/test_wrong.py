"""Wrong programs: refused, with the line, in the form in which Apple's compiler reports."""

from __future__ import annotations

import pytest
from metal import CompileError, Metal

HEADER = "#include <metal_stdlib>\nusing namespace metal;\n"

# A program's third line on, the line of the fault, and a part of the message.
WRONG = {
    "undeclared": ("kernel void f(device int* a) {\n  a[0] = b;\n}", 4, "b"),
    "syntax": ("kernel void f(device int* a) {\n  a[0] = ;\n}", 4, "expected"),
    "double": (
        "kernel void f(device float* a) {\n  double d = a[0];\n}",
        4,
        "'double' is not supported in Metal",
    ),
    "goto": ("kernel void f() {\nagain:\n  goto again;\n}", 5, "goto"),
    "static local": ("kernel void f(device int* a) {\n  static int n;\n}", 4, "static"),
    "not void": (
        "kernel int f(device int* a) { return 0; }",
        3,
        "kernel must have void return type",
    ),
    "no space": ("kernel void f(int* a) {}", 3, "address space"),
    "no attribute": ("kernel void f(uint i) {}", 3, "'i'"),
    "bad attribute": ("kernel void f(uint i [[thread_number]]) {}", 3, "thread_number"),
    "buffer twice": (
        "kernel void f(device int* a [[buffer(1)]],\n device int* b [[buffer(1)]]) {}",
        4,
        "index 1",
    ),
    "buffer 31": ("kernel void f(device int* a [[buffer(31)]]) {}", 3, "between 0 and 30"),
    "global variable": ("int counter = 0;\nkernel void f() {}", 3, "constant address space"),
    "threadgroup in a helper": (
        "void g() {\n  threadgroup float t[4];\n}\nkernel void f() { g(); }",
        4,
        "threadgroup address space",
    ),
    "unknown header": ('#include "other.h"\nkernel void f() {}', 3, "other.h"),
    "swizzle out of range": (
        "kernel void f(device float2* a) {\n  a[0] = a[0].xz;\n}",
        0,
        "out of bounds",
    ),
    "write to constant": ("kernel void f(constant int* a) {\n  a[0] = 1;\n}", 4, "read-only"),
    "too few elements": (
        "kernel void f(device float4* a) {\n  a[0] = float4(1, 2);\n}",
        4,
        "float",
    ),
    "vector conversion": (
        "kernel void f(device float4* a, device int4* b) {\n  a[0] = b[0];\n}",
        4,
        "",
    ),
    "64-bit simd_sum": (
        "kernel void f(device long* a) {\n  a[0] = simd_sum(a[0]);\n}",
        4,
        "simd_sum",
    ),
    "bool shuffle": (
        "kernel void f(device bool* a) {\n  a[0] = simd_shuffle(a[0], 1);\n}",
        4,
        "simd_shuffle",
    ),
    "bfloat shuffle": (
        "kernel void f(device bfloat* a) {\n  a[0] = simd_shuffle(a[0], 1);\n}",
        4,
        "simd_shuffle",
    ),
    "bfloat exp": ("kernel void f(device bfloat* a) {\n  a[0] = exp(a[0]);\n}", 4, "exp"),
    "float atomic max": (
        "kernel void f(device atomic_float* a) {\n"
        "  atomic_fetch_max_explicit(a, 1.0f, memory_order_relaxed);\n}",
        4,
        "atomic_fetch_max_explicit",
    ),
    "ambiguous max": (
        "kernel void f(device float* a) {\n  a[0] = max(a[0], 1);\n}",
        4,
        "ambiguous",
    ),
    "matrix of int": (
        "kernel void f(device int* a) {\n  simdgroup_matrix<int, 8, 8> m;\n}",
        0,
        "simdgroup matrices",
    ),
    "unknown template": (
        'template [[host_name("x")]] [[kernel]] decltype(g<int>) g<int>;\nkernel void f() {}',
        3,
        "'g'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(metal: Metal, name: str):
    body, line, text = WRONG[name]
    with pytest.raises(CompileError) as failure:
        metal.program(HEADER + body)
    log = str(failure.value)
    assert text in log
    if line:
        assert f"program_source:{line}:" in log
        assert ": error: " in log
    assert "/tmp" not in log
    assert "sm_program" not in log


def test_several_errors_are_all_reported(metal: Metal):
    body = "kernel void f(device int* a) {\n  a[0] = b;\n}\n"
    body += "kernel void g(device int* a) {\n  a[0] = c;\n}"
    with pytest.raises(CompileError) as failure:
        metal.program(HEADER + body)
    assert "program_source:4:" in str(failure.value)
    assert "program_source:7:" in str(failure.value)


def test_a_macro_s_fault_is_where_it_is_used(metal: Metal):
    with pytest.raises(CompileError, match="program_source:4:"):
        metal.program(
            HEADER + "#define TWICE(x) (2 * x)\nkernel void f(device int* a) { a[0] = TWICE(b); }"
        )


CONSTANTS = (
    HEADER
    + """
constant int kNeeded [[function_constant(0)]];
constant float kFree [[function_constant(7)]];
kernel void needs(device int* a) { a[0] = kNeeded; }
kernel void may(device float* a) { a[0] = is_function_constant_defined(kFree) ? kFree : 2; }
kernel void neither(device int* a) {}
"""
)


def test_only_the_constants_that_a_kernel_reaches_are_its_own(metal: Metal):
    rows = metal.program(CONSTANTS).describe()
    assert [row for row in rows if row[0] in ("kernel", "constant")] == [
        ["kernel", "needs", "0"],
        ["constant", "kNeeded", "0", "29", "1"],
        ["kernel", "may", "0"],
        ["constant", "kFree", "7", "3", "0"],
        ["kernel", "neither", "0"],
    ]


def test_a_missing_constant_is_named(metal: Metal):
    with pytest.raises(CompileError, match="'kNeeded' at index 0"):
        metal.program(CONSTANTS).kernel("needs")
    metal.program(CONSTANTS).kernel("may")


def test_a_constant_of_another_type_is_refused(metal: Metal):
    with pytest.raises(CompileError, match="MTLDataType 29, the value has 3"):
        metal.program(CONSTANTS).kernel("needs", {0: ("float", 1.0)})


def test_an_unknown_kernel(metal: Metal):
    with pytest.raises(CompileError, match="'other' was not found"):
        metal.program(CONSTANTS).kernel("other")
