"""Check and time the device `cuda` beside torch on the same GPU, in one call of a few minutes.

Inputs are drawn anew at every run, the memory that results get is poisoned with NaN before, and
the reference is torch's in float64. The figures go to a file, which ``table.py`` turns into the
docs' table.

    python bench/gpu/run.py --output bench/gpu/results/h100.json --commit COMMIT
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bitmetal as bm

ROUNDS = 5
MIB = 1 << 20


@dataclass
class Row:
    """A measurement; times in milliseconds, rates in GB/s, shares of the copy's rate."""

    name: str
    shape: str
    dtype: str
    error: float
    bound: float
    ms: float
    rate: float
    share: float
    torch_ms: float | None = None
    torch_ratio: float | None = None
    tflops: float | None = None
    torch_name: str = ""  # what torch computed, where it is another thing

    def line(self) -> str:
        """The row for the terminal."""
        peer = f"{self.torch_ms:9.4f} {self.torch_ratio:6.2f}x" if self.torch_ms else " " * 17
        speed = f"{self.tflops:7.1f} TFLOP/s" if self.tflops else f"{self.share:6.1%} of copy"
        ok = "ok" if self.error <= self.bound else "WRONG"
        return (
            f"{self.name:<26} {self.dtype:<5} {self.shape:<18} {self.ms:9.4f} ms"
            f" {self.rate:8.0f} GB/s {speed:>16} torch {peer} {self.error:8.1e} {ok}"
        )


def time_ours(run: Callable[[], Any], repeats: int) -> float:
    """GPU milliseconds of one run."""
    for _ in range(2):
        run()
    bm.device().synchronize()
    times = []
    for _ in range(ROUNDS):
        with bm.batch() as job:
            for _ in range(repeats):
                run()
        job.wait()
        times.append(1e3 * job.gpu_seconds / repeats)
    return statistics.median(times)


def time_torch(run: Callable[[], Any], repeats: int) -> float:
    """GPU milliseconds of one run."""
    for _ in range(2):
        run()
    times = []
    for _ in range(ROUNDS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(repeats):
            run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / repeats)
    return statistics.median(times)


def time_wall(run: Callable[[], Any], wait: Callable[[], Any], repeats: int) -> float:
    """Milliseconds of one run until its result is there: for what the host takes part in."""
    run()
    wait()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        wait()
        times.append(1e3 * (time.perf_counter() - start) / repeats)
    return statistics.median(times)


def poison(shape: tuple[int, ...], dtype: str) -> None:
    """Leaves NaN (integers: 77) in the memory that the next array of this size gets."""
    bm.full(shape, 77 if "int" in dtype else float("nan"), dtype)


def nmse(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Mean squared error over mean square; infinite where NaN is found."""
    difference = found.double() - wanted.double()
    error = float((difference**2).sum() / (wanted.double() ** 2).sum().clamp_min(1e-300))
    return error if error == error else float("inf")


class Bench:
    """Collects rows."""

    def __init__(self, select: str) -> None:
        self.select = select
        self.rows: list[Row] = []
        self.copy_rate = 0.0
        self.generator = torch.Generator(device="cuda").manual_seed(time.time_ns() % (1 << 31))

    def random(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Normal variates on the GPU."""
        return torch.randn(*shape, device="cuda", generator=self.generator).to(dtype)

    def row(
        self,
        name: str,
        dtype: str,
        shape: tuple[int, ...],
        ours: Callable[[], Any],
        wanted: Callable[[], torch.Tensor],
        bound: float,
        moved: int,
        peer: Callable[[], Any] | None = None,
        out: tuple[tuple[int, ...], str] | None = None,
        repeats: int = 20,
        flops: float | None = None,
        peer_name: str = "",
        result: Callable[[Any], bm.Array] = lambda r: r,
        wall: bool = False,
    ) -> None:
        """Check, time, and print one operation."""
        if self.select not in name:
            return
        try:
            if out:
                poison(*out)
            made = result(ours()).wait()
            error = nmse(torch.from_dlpack(made), wanted())
            if wall:
                ms = time_wall(ours, bm.device().synchronize, repeats)
                torch_ms = time_wall(peer, torch.cuda.synchronize, repeats) if peer else None
            else:
                ms = time_ours(ours, repeats)
                torch_ms = time_torch(peer, repeats) if peer else None
        except Exception as failure:  # a row that fails must not cost the others
            print(f"{name} {dtype} {shape}: FAILED {type(failure).__name__}: {str(failure)[:500]}")
            return
        rate = moved / ms / 1e6
        if name == "copy":
            self.copy_rate = max(self.copy_rate, moved / torch_ms / 1e6 if torch_ms else rate)
        self.rows.append(
            Row(
                name,
                "x".join(map(str, shape)),
                dtype,
                error,
                bound,
                ms,
                rate,
                rate / self.copy_rate if self.copy_rate else 0.0,
                torch_ms,
                torch_ms / ms if torch_ms else None,
                flops / ms / 1e9 if flops else None,
                peer_name,
            )
        )
        print(self.rows[-1].line(), flush=True)


SHORT = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
LONG = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}
NMSE = {torch.float32: 1e-13, torch.float16: 2.4e-7, torch.bfloat16: 1.6e-5}


def ours_of(tensor: torch.Tensor) -> bm.Array:
    """The same numbers as an array."""
    if tensor.dtype == torch.bfloat16:
        return bm.asarray(tensor.float().cpu().numpy()).astype("bfloat16")
    return bm.asarray(tensor.cpu().numpy())


def memory_rows(bench: Bench, dtype: torch.dtype) -> None:
    """Everything that should run at the memory's speed, over 256 MiB."""
    columns = 1024
    rows = 256 * MIB // columns // dtype.itemsize
    x = bench.random(rows, columns, dtype=dtype)
    a = ours_of(x)
    n = x.nbytes
    label, shape, long = SHORT[dtype], (rows, columns), LONG[dtype]
    target = torch.empty_like(x)
    same = (shape, long)
    bench.row("copy", label, shape, a.copy, lambda: x, 0.0, 2 * n, lambda: target.copy_(x), same)
    bench.row("sum of all", label, shape, lambda: bm.sum(a), x.double().sum, 1e-6, n, x.sum)
    bench.row(
        "sum of rows",
        label,
        shape,
        lambda: bm.sum(a, axis=1),
        lambda: x.double().sum(1),
        NMSE[dtype] * 10,
        n,
        lambda: x.sum(1),
        ((rows,), long),
    )
    bench.row(
        "sum of columns",
        label,
        shape,
        lambda: bm.sum(a, axis=0),
        lambda: x.double().sum(0),
        NMSE[dtype] * 10,
        n,
        lambda: x.sum(0),
        ((columns,), long),
    )
    bench.row(
        "max of rows",
        label,
        shape,
        lambda: bm.max(a, axis=1),
        lambda: x.amax(1),
        0.0,
        n,
        lambda: x.amax(1),
        ((rows,), long),
    )
    bench.row(
        "softmax",
        label,
        shape,
        lambda: bm.softmax(a),
        lambda: x.double().softmax(-1),
        NMSE[dtype],
        2 * n,
        lambda: x.softmax(-1),
        same,
    )
    weight = bench.random(columns, dtype=dtype)
    w = ours_of(weight)
    bench.row(
        "RMSNorm",
        label,
        shape,
        lambda: bm.rms_norm(a, w),
        lambda: torch.nn.functional.rms_norm(x.double(), (columns,), weight.double(), 1e-5),
        NMSE[dtype],
        2 * n,
        lambda: torch.nn.functional.rms_norm(x, (columns,), weight, 1e-5),
        same,
    )
    if hasattr(bm, "add"):
        y = bench.random(rows, columns, dtype=dtype)
        b = ours_of(y)
        bench.row(
            "add",
            label,
            shape,
            lambda: bm.add(a, b),
            lambda: x.double() + y.double(),
            NMSE[dtype],
            3 * n,
            lambda: x + y,
            same,
        )
    bench.row(
        "transpose",
        label,
        shape,
        a.T.copy,
        lambda: x.T,
        0.0,
        2 * n,
        x.T.contiguous,
        ((columns, rows), long),
    )


def quantize_rows(bench: Bench) -> None:
    """Quantization and back, over 256 MiB of float32."""
    side = 8192
    x = bench.random(side, side)
    a = ours_of(x)
    n = x.nbytes
    shape = (side, side)
    scale = x.abs().double().mean().float()
    codes = (x / scale).round().clamp(-1, 1)
    w = bm.ternary.quantize(a)
    bench.row(
        "ternary quantize",
        "f32",
        shape,
        lambda: bm.ternary.quantize(a),
        lambda: codes,
        1e-6,
        2 * n + n // 16,
        result=lambda q: q.codes(),
        repeats=10,
    )
    bench.row(
        "ternary dequantize",
        "f32",
        shape,
        lambda: w.dequantize("float32"),
        lambda: codes * scale,
        1e-6,
        n + n // 16,
        out=(shape, "float32"),
    )
    for form, bits in (("nf4", 4), ("int8", 8)):
        if not hasattr(bm, "blockwise"):
            continue
        try:
            q = bm.blockwise.quantize(a, form, block_size=64)
        except Exception as failure:
            print(f"{form}: FAILED {failure}")
            continue
        packed = n * bits // 32 + n // 64
        bench.row(
            f"{form} quantize",
            "f32",
            shape,
            lambda form=form: bm.blockwise.quantize(a, form, block_size=64),
            lambda: x,
            0.02,
            n + packed,
            result=lambda q: q.dequantize("float32"),
            repeats=10,
        )
        bench.row(
            f"{form} dequantize",
            "f32",
            shape,
            lambda q=q: q.dequantize("float32"),
            lambda: x,
            0.02,
            n + packed,
            out=(shape, "float32"),
        )


def product_rows(bench: Bench) -> None:
    """Products with a weight of 65536 x 8192."""
    rows, columns = 65536, 8192
    if bench.select in "ternary mat-vec NF4 mat-vec":
        dense = bench.random(rows, columns, dtype=torch.float16)
        a = ours_of(dense)
        w = bm.ternary.quantize(a)
        codes = torch.from_dlpack(w.codes().wait())
        scale = float(np.asarray(w.scale))
        half = dense.bfloat16()
        for batch in (1, 8, 32):
            for dtype in (torch.float16, torch.float32) if batch == 1 else (torch.float16,):
                x = bench.random(batch, columns, dtype=dtype)
                xs, xt = ours_of(x), x.bfloat16()
                bench.row(
                    f"ternary mat-vec {batch}",
                    SHORT[dtype],
                    (batch, columns, rows),
                    lambda xs=xs: bm.ternary.matmul(xs, w),
                    lambda x=x: torch.cat(
                        [x.double() @ c.double().T * scale for c in codes.split(8192)], dim=1
                    ),
                    NMSE[dtype] * 10,
                    rows * columns // 4,
                    lambda xt=xt: xt @ half.T,
                    ((batch, rows), LONG[dtype]),
                    flops=2.0 * batch * rows * columns,
                    peer_name="bf16 mat-vec",
                )
        del codes
        if hasattr(bm, "blockwise"):
            q = bm.blockwise.quantize(a, "nf4", block_size=64)
            plain = torch.from_dlpack(q.dequantize("float16").wait())
            for batch in (1, 8, 32):
                x = bench.random(batch, columns, dtype=torch.float16)
                xs, xt = ours_of(x), x.bfloat16()
                bench.row(
                    f"NF4 mat-vec {batch}",
                    "f16",
                    (batch, columns, rows),
                    lambda xs=xs: bm.blockwise.matmul(xs, q),
                    lambda x=x: torch.cat(
                        [x.double() @ c.double().T for c in plain.split(8192)], dim=1
                    ),
                    1e-6,
                    rows * columns // 2 + rows * columns // 16,
                    lambda xt=xt: xt @ half.T,
                    ((batch, rows), "float16"),
                    flops=2.0 * batch * rows * columns,
                    peer_name="bf16 mat-vec",
                )


def square_rows(bench: Bench) -> None:
    """Dense products, of 4096 x 4096."""
    n = 4096
    torch.backends.cuda.matmul.allow_tf32 = False
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        x, y = bench.random(n, n, dtype=dtype), bench.random(n, n, dtype=dtype)
        a, b = ours_of(x), ours_of(y)
        bench.row(
            "matmul",
            SHORT[dtype],
            (n, n, n),
            lambda a=a, b=b: a @ b,
            lambda x=x, y=y: x.double() @ y.double(),
            max(NMSE[dtype], n / 6 * 2.0**-48) * 4,
            3 * n * n * dtype.itemsize,
            lambda x=x, y=y: x @ y,
            ((n, n), LONG[dtype]),
            repeats=5,
            flops=2.0 * n**3,
        )


def linalg_rows(bench: Bench) -> None:
    """Batched factorizations beside torch.linalg, on the clock: theirs wait for the GPU, too.

    Of QR and SVD the product of the factors is held against the matrix.
    """
    linalg = bm.linalg
    for batch, n in ((1024, 64), (64, 256), (4, 1024)):
        x = bench.random(batch, n, n)
        positive = x @ x.mT + n * torch.eye(n, device="cuda")
        a, p = ours_of(x), ours_of(positive)
        shape = (batch, n, n)
        moved = x.nbytes
        bench.row(
            "Cholesky",
            "f32",
            shape,
            lambda p=p: linalg.cholesky(p),
            lambda m=positive: torch.linalg.cholesky(m.double()),
            1e-12,
            2 * moved,
            lambda m=positive: torch.linalg.cholesky(m),
            repeats=3,
            flops=batch * n**3 / 3,
            wall=True,
        )
        bench.row(
            "QR",
            "f32",
            shape,
            lambda a=a: linalg.qr(a),
            lambda x=x: x,
            (4 * n * 2.0**-24) ** 2,
            3 * moved,
            lambda x=x: torch.linalg.qr(x),
            repeats=3,
            flops=batch * 8 * n**3 / 3,
            result=lambda factors: factors[0] @ factors[1],
            wall=True,
        )
        if n > 256:
            continue
        bench.row(
            "SVD",
            "f32",
            shape,
            lambda a=a: linalg.svd(a, full_matrices=False),
            lambda x=x: x,
            (4 * n * 2.0**-24) ** 2,
            4 * moved,
            lambda x=x: torch.linalg.svd(x, full_matrices=False),
            repeats=1,
            result=lambda f: (f[0] * f[1][:, None, :]) @ f[2],
            wall=True,
        )


def card() -> dict[str, str]:
    """What nvidia-smi says of the GPU."""
    fields = "name,driver_version,memory.total,clocks.max.sm,clocks.max.memory"
    text = subprocess.run(
        ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return dict(zip(fields.split(","), (part.strip() for part in text.split(",")), strict=False))


def main() -> None:
    """Run what was asked for and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the results file")
    parser.add_argument("--commit", default="", help="what was measured")
    parser.add_argument("--select", default="", help="only rows whose name contains this")
    arguments = parser.parse_args()
    bm.set_default_device("cuda")
    bench = Bench(arguments.select)
    for rows in (
        partial(memory_rows, dtype=torch.float32),
        partial(memory_rows, dtype=torch.float16),
        quantize_rows,
        square_rows,
        product_rows,
        linalg_rows,
    ):
        try:
            rows(bench)
        except bm.CapabilityError as failure:
            print("not there yet:", failure)
        bm.memory.trim()
        torch.cuda.empty_cache()
    wrong = [row.name for row in bench.rows if not row.error <= row.bound]
    report = {
        "card": card(),
        "torch": torch.__version__,
        "commit": arguments.commit,
        "date": time.strftime("%Y-%m-%d"),
        "copy_rate": bench.copy_rate,
        "rows": [asdict(row) for row in bench.rows],
    }
    arguments.output.write_text(json.dumps(report, indent=1) + "\n")
    print("wrong:", wrong or "none")


if __name__ == "__main__":
    main()
