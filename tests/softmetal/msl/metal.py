"""Runs Metal kernels on NumPy arrays through the executor's C shim."""

from __future__ import annotations

import ctypes
import enum
from dataclasses import dataclass

import numpy as np

MAX_BUFFERS = 31


class CompileError(Exception):
    pass


class ExecutionError(Exception):
    pass


class Order(enum.IntEnum):
    FORWARD = 0
    REVERSE = 1
    SHUFFLED = 2


# MTLDataType of the function constants that the tests use.
DATA_TYPES = {"float": 3, "half": 16, "int": 29, "int2": 30, "uint": 33, "ushort": 41, "bool": 53}
NUMPY_TYPES = {
    "float": np.float32,
    "half": np.float16,
    "int": np.int32,
    "int2": np.int32,
    "uint": np.uint32,
    "ushort": np.uint16,
    "bool": np.bool_,
}


@dataclass(frozen=True)
class Report:
    kind: str
    argument: str
    index: int
    x: int
    line: int
    other_line: int
    count: int
    message: str


class Metal:
    """One loaded shim: programs, kernels and the execution options are the process's."""

    def __init__(self, library: str) -> None:
        self._c = c = ctypes.CDLL(library)
        self._run = c.shim_run
        c.shim_text.restype = ctypes.c_char_p
        for name in ("shim_compile", "shim_specialize", "shim_allocate"):
            getattr(c, name).restype = ctypes.c_void_p
        for name in (
            "shim_free_program",
            "shim_free_kernel",
            "shim_describe_program",
            "shim_describe_kernel",
        ):
            getattr(c, name).argtypes = [ctypes.c_void_p]
        c.shim_run.argtypes = c.shim_run_on_gpu.argtypes = [ctypes.c_void_p] * 6
        c.shim_cuda_code.restype = ctypes.c_size_t
        c.shim_options.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_int, ctypes.c_uint]
        c.shim_allocate.argtypes = [ctypes.c_size_t]
        c.shim_deallocate.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def text(self) -> str:
        return self._c.shim_text().decode()

    def fail(self) -> None:
        kind, _, message = self.text().partition("\n")
        raise {"compile": CompileError, "execution": ExecutionError}.get(kind, RuntimeError)(
            message
        )

    def options(
        self, order: Order = Order.FORWARD, seed: int = 0, check: bool = False, threads: int = 0
    ) -> None:
        self._c.shim_options(order, seed, check, threads)

    def reports(self) -> list[Report]:
        kinds = ("race", "out_of_bounds", "uninitialized_read", "divergent_barrier")
        self._c.shim_reports()
        rows = [line.split("\t") for line in self.text().splitlines()]
        return [
            Report(kinds[int(kind)], argument, *(int(n) for n in numbers), message)
            for kind, argument, *numbers, message in rows
        ]

    def program(self, source: str, macros: dict[str, str] | None = None) -> Program:
        handle = self._c.shim_compile(source.encode(), *_macros(macros))
        if not handle:
            self.fail()
        return Program(self, handle)

    def one_of_each(self, source: str) -> list[str]:
        """The plain kernels and the first instance of each template."""
        self._c.shim_one_of_each(source.encode())
        return self.text().splitlines()

    def use_gpu(self) -> None:
        """From now on programs are the GPU's."""
        if not self._c.shim_use_gpu():
            raise RuntimeError(self.text())
        self._run = self._c.shim_run_on_gpu

    def cuda_code(
        self,
        source: str,
        name: str,
        constants: dict[int, tuple[str, object]] | None = None,
        macros: dict[str, str] | None = None,
    ) -> int:
        """The size of a kernel's machine code for an NVIDIA GPU."""
        size = self._c.shim_cuda_code(
            source.encode(), *_macros(macros), name.encode(), *_constants(constants)
        )
        if not size:
            self.fail()
        return size

    def run(self, source: str, name: str, *arguments, **settings) -> None:
        """Compiles and runs once; see Kernel.__call__."""
        constants = settings.pop("constants", None)
        macros = settings.pop("macros", None)
        self.program(source, macros).kernel(name, constants)(*arguments, **settings)


def _macros(macros: dict[str, str] | None) -> tuple:
    array = ctypes.c_char_p * len(macros or {})
    return (
        len(macros or {}),
        array(*(name.encode() for name in macros or {})),
        array(*(value.encode() for value in (macros or {}).values())),
    )


def _constants(constants: dict[int, tuple[str, object]] | None) -> tuple:
    """Count, indices, types and 16 bytes each."""
    constants = constants or {}
    n = len(constants)
    types = (ctypes.c_uint * n)(*(DATA_TYPES[kind] for kind, _ in constants.values()))
    data = b"".join(
        np.asarray(value, NUMPY_TYPES[kind]).tobytes().ljust(16, b"\0")
        for kind, value in constants.values()
    )
    return n, (ctypes.c_uint * n)(*constants), types, data


class Program:
    def __init__(self, metal: Metal, handle: int) -> None:
        self.metal = metal
        self._handle = handle

    def __del__(self) -> None:
        self.metal._c.shim_free_program(self._handle)

    def describe(self) -> list[list[str]]:
        self.metal._c.shim_describe_program(self._handle)
        return [line.split() for line in self.metal.text().splitlines()]

    def kernel(self, name: str, constants: dict[int, tuple[str, object]] | None = None) -> Kernel:
        """`constants` maps an index to a type's name and a value."""
        handle = self.metal._c.shim_specialize(
            ctypes.c_void_p(self._handle), name.encode(), *_constants(constants)
        )
        if not handle:
            self.metal.fail()
        return Kernel(self.metal, handle)


class Kernel:
    def __init__(self, metal: Metal, handle: int) -> None:
        self.metal = metal
        self._handle = handle

    def __del__(self) -> None:
        self.metal._c.shim_free_kernel(self._handle)

    def describe(self) -> list[list[str]]:
        self.metal._c.shim_describe_kernel(self._handle)
        return [line.split() for line in self.metal.text().splitlines()]

    def __call__(self, *arguments, grid, group, threadgroup: dict[int, int] | None = None) -> None:
        """Binds arrays and NumPy scalars from index 0 on; None leaves one unset."""
        pointers = (ctypes.c_void_p * MAX_BUFFERS)()
        sizes = (ctypes.c_size_t * MAX_BUFFERS)()
        memory = (ctypes.c_size_t * MAX_BUFFERS)()
        held = []
        for i, argument in enumerate(arguments):
            if argument is None:
                continue
            array = argument if isinstance(argument, np.ndarray) else np.array(argument)
            if not array.flags.c_contiguous:
                raise ValueError("arrays must be contiguous")
            held.append(array)
            pointers[i], sizes[i] = array.ctypes.data, array.nbytes
        for index, size in (threadgroup or {}).items():
            memory[index] = size
        grid = (tuple(grid) if isinstance(grid, tuple) else (grid,)) + (1, 1, 1)
        group = (tuple(group) if isinstance(group, tuple) else (group,)) + (1, 1, 1)
        done = self.metal._run(
            self._handle,
            (ctypes.c_uint64 * 3)(*grid[:3]),
            (ctypes.c_uint32 * 3)(*group[:3]),
            pointers,
            sizes,
            memory,
        )
        if not done:
            self.metal.fail()
