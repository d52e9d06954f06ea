"""Every kernel once more under softmetal's checker: no race, nothing read or written out of bounds,
no threadgroup memory read before it is written."""

from collections.abc import Iterator

import kernels
import numpy as np
import pytest
import test_kernel_blockwise as blockwise
import test_kernel_copy as on_copy
import test_kernel_int8 as on_int8
import test_kernel_linalg as on_linalg
import test_kernel_matmul as on_matmul
import test_kernel_products as products
import test_kernel_reduce as on_reduce
import test_kernel_rows as on_rows
import test_kernel_scan as on_scan
import test_kernel_ternary as on_ternary
from kernels import random, set_options, take_reports


@pytest.fixture(autouse=True)
def checked() -> Iterator[None]:
    set_options("shuffled", check=True)
    take_reports()
    yield
    set_options()
    assert take_reports() == ""


@pytest.mark.parametrize("kernel", ["rows", "long_rows", "columns", "partial"])
@pytest.mark.parametrize("op", on_reduce.OPERATIONS)
def test_reduce_op(op: str, kernel: str) -> None:
    shape = (1, 600, 1) if kernel == "partial" else (3, 70, 5)
    on_reduce.check(op, "f32", on_reduce.sample(op, "f32", shape), kernel)


@pytest.mark.parametrize("kernel", ["rows", "long_rows", "columns", "partial"])
@pytest.mark.parametrize("op", ["sum", "argmax"])
def test_reduce_bytes(op: str, kernel: str) -> None:
    shape = (1, 600, 1) if kernel == "partial" else (3, 70, 5)
    on_reduce.check(op, "i8", random(shape, "i8"), kernel)


@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_rows_kernels(dtype: str) -> None:
    on_rows.test_softmax((3, 300), dtype)
    on_rows.test_rms_norm((3, 300), dtype, True)
    on_rows.test_layer_norm((3, 300), dtype, on_rows.WEIGHT | on_rows.BIAS)


@pytest.mark.parametrize("kernel", ["rows", "blocks", "columns"])
def test_scans(kernel: str) -> None:
    on_scan.check("sum", "f32", (2, 1100, 1), kernel)
    on_scan.check("prod", "i64", (2, 1100, 1), kernel)


def test_copies() -> None:
    on_copy.test_fill(8, "u8", 100)
    on_copy.test_flat_copy("f32", "i8")
    on_copy.test_strided_copy(lambda a: a.T)


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
def test_ternary_kernels(dtype: str) -> None:
    on_ternary.test_quantize((5, 37), "tensor", 0, dtype)
    on_ternary.test_quantize((5, 37), "group", 32, dtype)
    on_ternary.test_pack_and_unpack((5, 37))
    on_ternary.test_dequantize((5, 37), dtype, 48)


@pytest.mark.parametrize("engine", on_matmul.ENGINES)
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
def test_matmul_edges(engine: str, dtype: str) -> None:
    a, b = random((2, 70, 40), dtype, 1), random((2, 40, 24), dtype, 2)  # rows of 16 bytes
    constants = on_matmul.ALONG_A | on_matmul.VECTOR_A | on_matmul.VECTOR_B
    on_matmul.close(on_matmul.matmul(engine, dtype, a, b, constants), a, b, dtype)
    on_matmul.close(on_matmul.matmul(engine, dtype, a, b, 0), a, b, dtype)


@pytest.mark.parametrize("kernel", ["matvec", "matvec_columns"])
def test_matvec_edges(kernel: str) -> None:
    on_matmul.test_matvec(kernel, "f16", 3)


@pytest.mark.parametrize("group_size", [None, 16])
def test_ternary_products(group_size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "SIZES", [(5, 37), (20, 70)])
    monkeypatch.setattr(
        products, "zip", lambda a, b, strict: zip(a, b, strict=False), raising=False
    )
    products.test_matvec(3, "f16", group_size)
    products.test_matmul("", "f16", group_size)
    products.test_matmul("_plain", "f16", group_size)
    for kernel in products.KERNELS:
        products.test_bitlinear(kernel, "f16", True, group_size)
    products.test_quantize((3, 37), "f16")
    products.test_normalized(True)


@pytest.mark.parametrize("kernel", ["f16_b16", "tall_f32_b2"])
def test_ternary_matrices(kernel: str) -> None:
    products.test_decoded_matrices(kernel)


def test_cholesky_and_triangular() -> None:
    on_linalg.test_cholesky("32", 64, 31)
    on_linalg.test_cholesky("64", 256, 40)
    on_linalg.test_cholesky_goes_on_where_nothing_failed()
    on_linalg.test_triangular(30, False, True)
    on_linalg.test_copies()


def test_update() -> None:
    on_linalg.test_update("", 64, 128)
    on_linalg.test_update("_plain", 64, 256)


@pytest.mark.parametrize("held", [0, 1, 2])
def test_panels(held: int) -> None:
    threads = 96 if held == 1 else 64
    on_linalg.test_qr((70, 20), held, threads)
    on_linalg.test_lu((70, 20), held, threads)


def test_jacobi() -> None:
    on_linalg.test_jacobi(17)


@pytest.mark.parametrize("name", ["book4", "book8", "nvfp4", "affine3", "affine8"])
def test_blockwise_kernels(name: str) -> None:
    rows, columns, block = blockwise.sizes(name, (64, 24))[1]
    for fast in (False, True):
        blockwise.product("matvec", name, "f16", 3, rows, columns, block, fast=fast)
        blockwise.product("_plain", name, "f16", 3, rows, columns, block, fast=fast)
        blockwise.product("", name, "f16", 3, rows, columns, block, biased=True, fast=fast)
    blockwise.test_dequantize(name, "f16")


def test_blockwise_quantize() -> None:
    for bits, block in [(4, 64), (4, 1024), (8, 256), (8, 100)]:
        blockwise.test_quantize(bits, block, "bf16")
    blockwise.test_quantize_microscaling("nvfp4", 16, "f32")


def test_matvec_of_pairs() -> None:
    blockwise.test_matvec_of_pairs(True, "f16")


def test_int8_kernels() -> None:
    on_int8.test_quantize_rows((3, 37), 1.5, "f16")
    on_int8.test_dequantize("f32", True)
    for kernel in ["matvec", *on_int8.TILES]:
        a, b = random((5, 37), "i8", 1), random((9, 37), "i8", 2)
        on_int8.matmul(kernel, a, b, 0)


def test_a_planted_race_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker would speak: a barrier taken out of a reduction is reported."""
    whole = kernels.source("reduce.metal")
    broken = whole.replace(b"threadgroup_barrier(mem_flags::mem_threadgroup);", b"", 1)
    assert broken != whole
    monkeypatch.setattr(kernels, "source", lambda name: broken)
    a = np.ones((1, 600, 1), np.float32)
    with pytest.raises(AssertionError, match="data race on threadgroup memory 'shared'"):
        on_reduce.reduce("sum", "f32", a, "long_rows")
    take_reports()
