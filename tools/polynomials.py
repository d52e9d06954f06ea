"""Print the polynomials of cpp/cpu/kernels/elementwise_math.inl, exp.inl, log.inl and power.inl.

Each agrees with its function at the Chebyshev nodes of the interval, computed in 200 bits, and is
shown with the largest relative error that it leaves: `python tools/polynomials.py` (needs mpmath).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise

import mpmath as mp

mp.mp.prec = 200
Function = Callable[[mp.mpf], mp.mpf]


def polynomial(f: Function, low: float, high: float, degree: int) -> list[mp.mpf]:
    """Coefficients, lowest first, of the interpolant at the Chebyshev nodes."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    nodes = [
        middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * degree + 2)) for i in range(degree + 1)
    ]
    matrix = mp.matrix(degree + 1, degree + 1)
    values = mp.matrix(degree + 1, 1)
    for i, x in enumerate(nodes):
        values[i] = f(x)
        for j in range(degree + 1):
            matrix[i, j] = x**j
    return list(mp.lu_solve(matrix, values))


def show(
    name: str,
    f: Function,
    low: float,
    high: float,
    degree: int,
    whole: Callable[[mp.mpf, mp.mpf], mp.mpf],
) -> None:
    """`whole(x, p)` is the function that p serves; its relative error is what counts."""
    coefficients = [mp.mpf(float(mp.nstr(c, 17))) for c in polynomial(f, low, high, degree)]
    worst = mp.mpf(0)
    for i in range(2001):
        x = mp.mpf(low) + (mp.mpf(high) - low) * i / 2000
        if x == low or abs(x) < 1e-15:  # may be where the formula is 0 / 0
            continue
        exact = whole(x, f(x))
        approximate = whole(x, mp.polyval(coefficients[::-1], x))
        worst = max(worst, abs(approximate / exact - 1))
    print(f"// {name}, degree {degree}, error 2^{float(mp.log(worst, 2)):.1f}")
    print("{" + ", ".join(mp.nstr(c, 17) for c in coefficients) + "}\n")


def mills(t: mp.mpf) -> mp.mpf:
    """Phi(-t) e^(t^2 / 2)."""
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


def exp_tail(r: mp.mpf) -> mp.mpf:
    """(e^r - 1 - r) / r^2."""
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > 1e-20 else (1 + r / 3) / 2


def main() -> None:
    """All of them."""
    r2 = mp.sqrt(2)
    show(
        "log: (log(1 + f) - f + f^2 / 2) / f^3",
        lambda f: (mp.log1p(f) - f + f * f / 2) / f**3,
        float(1 / r2 - 1),
        float(r2 - 1),
        8,
        lambda f, p: f - f * f / 2 + f**3 * p,
    )
    end = float(mp.pi / 4) ** 2
    show(
        "sin: (sin(r) - r) / r^3 in r^2",
        lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        0,
        end,
        3,
        lambda z, p: 1 + z * p,
    )
    show(
        "cos: (cos(r) - 1 + r^2 / 2) / r^4 in r^2",
        lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
        0,
        end,
        2,
        lambda z, p: 1 - z / 2 + z * z * p,
    )
    show(
        "erf: erf(x) / x - 1 in x^2, for |x| < 1",
        lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1,
        0,
        1,
        6,
        lambda z, p: 1 + p,
    )
    show(
        "erfc: log(erfc(x)) / x in x, for x from 1 to 4",
        lambda x: mp.log(mp.erfc(x)) / x,
        1,
        4,
        7,
        lambda x, p: 1 - mp.exp(x * p),
    )
    half = float(mp.log(2) / 2)
    show(
        "exp: (e^r - 1 - r) / r^2, |r| <= log(2) / 2",
        exp_tail,
        -half,
        half,
        4,
        lambda r, p: 1 + r + r * r * p,
    )

    def t_of(s: mp.mpf) -> mp.mpf:
        return 4 * (1 + s) / (1 - s)

    show(
        "Mills: (t + 4) Phi(-t) e^(t^2 / 2) in s = (t - 4) / (t + 4), for t from 0 to 15",
        lambda s: (t_of(s) + 4) * mills(t_of(s)),
        -1,
        11 / 19,
        9,
        lambda s, p: p,
    )
    show(
        "tanh: ((e^2r - 1) / 2 - r) / r^2, |r| <= log(2) / 4",
        lambda r: 2 * exp_tail(2 * r),
        -half / 2,
        half / 2,
        4,
        lambda r, p: r + r * r * p,
    )
    show(
        "tanh: (tanh(x) / x - 1) / x^2 in x^2, for |x| < 0.35",
        lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        0,
        0.35**2,
        3,
        lambda z, p: 1 + z * p,
    )
    table()
    near = 0.0297597
    show(
        "log of double: (log(1 + r) - r) / r^2 where the table leaves r",
        lambda r: (mp.log1p(r) - r) / r**2 if abs(r) > 1e-20 else r / 3 - mp.mpf(1) / 2,
        -near,
        near,
        8,
        lambda r, p: r + r * r * p,
    )
    show(
        "power of double: 2 (log(1 + r) - r + r^2 / 2) / r^3",
        lambda r: 2 * (mp.log1p(r) - r + r * r / 2) / r**3 if abs(r) > 1e-15 else mp.mpf(2) / 3,
        -near,
        near,
        8,
        lambda r, p: r - r * r / 2 + r**3 * p / 2,
    )
    show(
        "power of float: log2(1 + r) / r",
        lambda r: mp.log1p(r) / r / mp.log(2),
        -near,
        near,
        5,
        lambda r, p: p,
    )
    show(
        "power of float: (2^r - 1) / r, |r| <= 1/32",
        lambda r: (mp.mpf(2) ** r - 1) / r if abs(r) > 1e-20 else mp.log(2),
        -1 / 32,
        1 / 32,
        2,
        lambda r, p: 1 + r * p,
    )
    for name, end, degree in (("float16", 5.8, 7), ("bfloat16", 14, 9)):
        show(
            f"gelu of {name}: log2(Phi(-t)) in t",
            lambda t: mp.log(mp.erfc(t / r2) / 2, 2),
            0,
            end,
            degree,
            lambda t, p: mp.mpf(2) ** p,
        )
    show("gelu of halves: 2^r, |r| <= 1/2", lambda r: mp.mpf(2) ** r, -0.5, 0.5, 4, lambda r, p: p)


def table() -> None:
    """Sixteen intervals for logarithms, as LogConstants<double> has them."""
    first, step = 0x3F32AAAB, 1 << 19  # bits of float32, three of four below 1 where 1 is inside
    starts = [struct.unpack("f", struct.pack("I", first + i * step))[0] for i in range(17)]
    bounds = list(pairwise(starts))
    inverse = [1.0 if a < 1 < b else round(8192 / (a + b)) / 4096 for a, b in bounds]
    print("// inverse, its log2 and log (high, low) negated; largest |r|:", end=" ")
    print(max(abs(m * c - 1) for ends, c in zip(bounds, inverse, strict=True) for m in ends))
    for c in inverse:
        log = -mp.log(c)
        high = mp.nint(log * 2**42) / 2**42
        print(c, *(mp.nstr(v, 17) for v in (-mp.log(c, 2), high, log - high)))
    for j in range(16):  # 2^(j / 16), its bits less j * 2^48
        bits = struct.unpack("Q", struct.pack("d", 2 ** (j / 16)))[0] - (j << 48)
        print(struct.unpack("d", struct.pack("Q", bits))[0].hex())
    print()


if __name__ == "__main__":
    main()
