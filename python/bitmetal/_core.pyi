"""The compiled part of bitmetal."""

from typing import overload


from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NoReturn, overload

from numpy import dtype as NumpyDType
from numpy import ndarray as NumpyArray

from bitmetal._results import EighResult, LstsqResult, QRResult, SlogdetResult, SVDResult
from bitmetal._types import ArrayLike, DeviceLike, DTypeLike, Index, ShapeLike, SupportsDLPack

bool_: DType = ...

def compiler() -> str:
    """The compiler that built this module."""

class DType:
    """An element type. Equal to NumPy's dtype of that name."""

    def __init__(self, name: DTypeLike) -> None:
        """From a name ("float32", "f32") or another library's type."""

    @property
    def name(self) -> str:
        """NumPy's name of the type; "bfloat16" is ml_dtypes'."""

    @property
    def itemsize(self) -> int:
        """Bytes an element."""

    @property
    def dtype(self) -> NumpyDType[Any]:
        """The numpy.dtype, so that NumPy takes this type."""

    def __repr__(self) -> str: ...

    def __hash__(self) -> int: ...

    def __eq__(self, other: object, /) -> bool: ...

    def __reduce__(self) -> tuple[type[DType], tuple[str]]: ...

float32: DType = ...

float16: DType = ...

bfloat16: DType = ...

float64: DType = ...

int8: DType = ...

uint8: DType = ...

int32: DType = ...

int64: DType = ...

class Device:
    """
    A device: where arrays live and operations run.

    ``with device:`` makes it the default for this thread until the block is left.
    """

    @property
    def kind(self) -> str:
        """"metal", "cuda", "cpu" or "softmetal"."""

    @property
    def name(self) -> str:
        """What the hardware calls itself."""

    @property
    def unified_memory(self) -> bool:
        """Whether the host reads and writes its arrays in place."""

    @property
    def capabilities(self) -> dict[str, bool | int | list[str]]:
        """
        What the device can do, as it was found by asking it.

        Every device: ``memory_bytes``, of which arrays get no more. The cpu device: ``instruction_sets``,
        worst first. A GPU: ``families`` (``"apple7"``, ``"metal3"``, ...), ``simd_width``,
        ``simdgroup_matrix``, ``bfloat16``, ``tensors`` (Metal 4's), ``residency_sets``,
        ``max_buffer_bytes``, ``max_threadgroup_bytes``, ``max_threads_per_threadgroup`` and
        ``working_set_bytes``, which the system recommends to stay below.

        Raises
        ------
        CompileError
            If the GPU cannot build a kernel, of which ``simd_width`` is asked.
        """

    def synchronize(self) -> None:
        """
        Wait for everything that was started on the device.

        Raises
        ------
        DeviceError
            If a command buffer failed that nobody waited for before.
        """

    def __repr__(self) -> str: ...

    def __enter__(self) -> Device: ...

    def __exit__(self, *args: object) -> None: ...

def devices() -> list[Device]:
    """The devices of this machine, best first."""

def device(kind: DeviceLike | None = None) -> Device:
    """
    Find a device.

    Parameters
    ----------
    kind : str or Device, optional
        "metal", "cuda", "cpu" or "softmetal"; the default device if None.

    Returns
    -------
    Device
        Also a context manager: ``with bitmetal.device("cpu"):``.

    Raises
    ------
    DeviceError
        If the machine has no such device; the message says why.
    """

def set_default_device(device: DeviceLike) -> None:
    """Set the device that new arrays of this process get."""

def availability() -> list[tuple[str, bool, str]]:
    """Each kind of device, whether it is available, and why."""

def batch_begin(arg: Device, /) -> int: ...

def batch_end(arg: Device, /) -> int: ...

def batch_wait(arg0: Device, arg1: int, arg2: int, /) -> None: ...

def batch_done(arg0: Device, arg1: int, /) -> bool: ...

def batch_seconds(arg0: Device, arg1: int, arg2: int, /) -> float: ...

def num_threads() -> int:
    """
    The number of threads that the cpu device uses.

    The default is one a processor that this process may use (its affinity mask, and the container's CPU
    quota rounded up), or ``BITMETAL_NUM_THREADS``.
    """

def set_num_threads(count: int) -> None:
    """
    Set the number of threads of the cpu device.

    Parameters
    ----------
    count : int
        From 1 to 4096; 0 puts back the default.
    """

def cpu_isa() -> str:
    """
    The instruction set that the cpu device uses (see ``BITMETAL_CPU_ISA``).
    """

def cpu_isas() -> list[str]:
    """The instruction sets that this processor supports."""

def set_cpu_isa(name: str) -> None:
    """
    Use another instruction set from now on; for tests. No operation may be running.
    """

def cpu_limits() -> tuple[float, float, float]:
    """
    Measure what the cpu device can do at most with its threads and instruction set.

    Returns
    -------
    tuple of float
        Bytes a second of a copy (read plus written) and of reading, both from memory, and 8-bit
        multiplications and additions a second (0 for the generic instruction set).
    """

def set_blas_path(path: str) -> None:
    """
    Where the BLAS library lies; read when the first matrix product asks for it.
    """

def memory_stats(device: DeviceLike | None = None) -> dict[str, int]:
    """
    Counters of a device's buffer pool.

    Parameters
    ----------
    device : Device or str, optional
        The device; the default one if None.

    Returns
    -------
    dict
        ``active_bytes``, ``active_blocks``: in use by arrays. ``cached_bytes``, ``cached_blocks``: kept for
        reuse. ``peak_bytes``: the most ever in use. ``hits``, ``misses``, ``evictions``: requests served from
        the cache, served by the system, and blocks given back to it. ``limit_bytes``, ``cache_limit_bytes``,
        ``object_limit``: see `set_limit`, `set_cache_limit` and `set_object_limit`. ``private_bytes``: of
        those in use and kept, what the device alone reaches.
    """

def memory_set_limit(bytes: int, device: DeviceLike | None = None) -> None:
    """
    Bound the bytes that the pool holds, in use and cached together.

    Cached blocks are freed first; where the arrays alone would pass the limit, allocation raises
    MemoryError. The default is the machine's memory (the container's limit where that is lower).

    Parameters
    ----------
    bytes : int
        The limit.
    device : Device or str, optional
        The device; the default one if None.
    """

def memory_set_cache_limit(bytes: int, device: DeviceLike | None = None) -> None:
    """
    Bound the bytes that are kept for reuse; the default is an eighth of the memory.

    Parameters
    ----------
    bytes : int
        The limit.
    device : Device or str, optional
        The device; the default one if None.
    """

def memory_set_object_limit(count: int, device: DeviceLike | None = None) -> None:
    """
    Bound the number of blocks, in use and cached together, past which none is kept for reuse.

    The default is half of the 499,000 at which Apple's driver gives up.

    Parameters
    ----------
    count : int
        The limit.
    device : Device or str, optional
        The device; the default one if None.
    """

def memory_pressure(critical: bool) -> None:
    """What happens when the system says that memory is short; for tests."""

def memory_trim(keep: int = 0, device: DeviceLike | None = None) -> None:
    """
    Give cached memory back to the system.

    Parameters
    ----------
    keep : int
        Bytes that may stay cached.
    device : Device or str, optional
        The device; the default one if None.
    """

class ProfileRecorder:
    """Records events from its construction until stop()."""

    def __init__(self) -> None: ...

    def stop(self) -> None:
        """Wait for what is under way, and record no more."""

    def events(self) -> list[tuple[str, str, float, float, int, int]]:
        """
        Name, kind of device, begin and end in seconds, bytes, and thread (0: the GPU).
        """

class Array:
    """
    An n-dimensional array on a device.

    Made by `asarray`, `empty`, `zeros`, `ones`, `full` and by every operation. Views (``a[1:]``, ``a.T``,
    `reshape` where strides allow) share memory. NumPy reads an array in place: ``numpy.asarray(a)``.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions."""

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one index to the next."""

    @property
    def dtype(self) -> DType:
        """The element type."""

    @property
    def ndim(self) -> int:
        """The number of dimensions."""

    @property
    def size(self) -> int:
        """The number of elements."""

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""

    @property
    def device(self) -> Device:
        """The device that it lives on."""

    @property
    def readonly(self) -> bool:
        """Whether its memory must not be written."""

    @property
    def shares_memory(self) -> bool:
        """Whether its memory belongs to another library's object."""

    @property
    def T(self) -> Array:
        """A view with the axes reversed."""

    def reshape(self, *shape: int | Sequence[int]) -> Array:
        """
        The same elements with another shape; one size may be -1. A view where strides allow it.
        """

    def permute(self, *axes: int | Sequence[int]) -> Array:
        """A view with the axes in another order."""

    def transpose(self, *axes: int | Sequence[int]) -> Array:
        """A view with the axes reversed, or in the order given."""

    def astype(self, dtype: DTypeLike) -> Array:
        """
        A copy with another element type: correctly rounded; floats truncate to integers.
        """

    def copy(self) -> Array:
        """A row-major copy."""

    def to(self, device: DeviceLike) -> Array:
        """The array on a device; the array itself if it is there."""

    def wait(self) -> Array:
        """
        Return the array once its elements are computed.

        Raises
        ------
        DeviceError
            If the device failed to compute them.
        """

    def numpy(self) -> NumpyArray:
        """A NumPy view of the memory; nothing is copied."""

    def item(self) -> int | float | bool:
        """The one element as a Python number."""

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""

    def __getitem__(self, key: Index, /) -> Array: ...

    def __setitem__(self, key: Index, value: ArrayLike, /) -> None: ...

    def __len__(self) -> int: ...

    def __matmul__(self, other: ArrayLike, /) -> Array: ...

    def __rmatmul__(self, other: ArrayLike, /) -> Array: ...

    def __bool__(self) -> bool: ...

    def __float__(self) -> float: ...

    def __int__(self) -> int: ...

    def __repr__(self) -> str: ...

    def __array__(self, dtype: NumpyDType[Any] | None = None, copy: bool | None = None) -> NumpyArray: ...

    @property
    def __array_interface__(self) -> dict[str, object]: ...

    def __dlpack__(self, *, stream: object = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> object: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...

    def __add__(self, other: ArrayLike, /) -> Array: ...

    def __radd__(self, other: ArrayLike, /) -> Array: ...

    def __iadd__(self, other: ArrayLike, /) -> Array: ...

    def __sub__(self, other: ArrayLike, /) -> Array: ...

    def __rsub__(self, other: ArrayLike, /) -> Array: ...

    def __isub__(self, other: ArrayLike, /) -> Array: ...

    def __mul__(self, other: ArrayLike, /) -> Array: ...

    def __rmul__(self, other: ArrayLike, /) -> Array: ...

    def __imul__(self, other: ArrayLike, /) -> Array: ...

    def __truediv__(self, other: ArrayLike, /) -> Array: ...

    def __rtruediv__(self, other: ArrayLike, /) -> Array: ...

    def __itruediv__(self, other: ArrayLike, /) -> Array: ...

    def __floordiv__(self, other: ArrayLike, /) -> Array: ...

    def __rfloordiv__(self, other: ArrayLike, /) -> Array: ...

    def __ifloordiv__(self, other: ArrayLike, /) -> Array: ...

    def __mod__(self, other: ArrayLike, /) -> Array: ...

    def __rmod__(self, other: ArrayLike, /) -> Array: ...

    def __imod__(self, other: ArrayLike, /) -> Array: ...

    def __pow__(self, other: ArrayLike, /) -> Array: ...

    def __rpow__(self, other: ArrayLike, /) -> Array: ...

    def __ipow__(self, other: ArrayLike, /) -> Array: ...

    def __and__(self, other: ArrayLike, /) -> Array: ...

    def __rand__(self, other: ArrayLike, /) -> Array: ...

    def __iand__(self, other: ArrayLike, /) -> Array: ...

    def __or__(self, other: ArrayLike, /) -> Array: ...

    def __ror__(self, other: ArrayLike, /) -> Array: ...

    def __ior__(self, other: ArrayLike, /) -> Array: ...

    def __xor__(self, other: ArrayLike, /) -> Array: ...

    def __rxor__(self, other: ArrayLike, /) -> Array: ...

    def __ixor__(self, other: ArrayLike, /) -> Array: ...

    def __lshift__(self, other: ArrayLike, /) -> Array: ...

    def __rlshift__(self, other: ArrayLike, /) -> Array: ...

    def __ilshift__(self, other: ArrayLike, /) -> Array: ...

    def __rshift__(self, other: ArrayLike, /) -> Array: ...

    def __rrshift__(self, other: ArrayLike, /) -> Array: ...

    def __irshift__(self, other: ArrayLike, /) -> Array: ...

    def __eq__(self, other: ArrayLike, /) -> Array: ...  # type: ignore[override]

    def __ne__(self, other: ArrayLike, /) -> Array: ...  # type: ignore[override]

    def __lt__(self, other: ArrayLike, /) -> Array: ...

    def __le__(self, other: ArrayLike, /) -> Array: ...

    def __gt__(self, other: ArrayLike, /) -> Array: ...

    def __ge__(self, other: ArrayLike, /) -> Array: ...

    def __neg__(self) -> Array: ...

    def __abs__(self) -> Array: ...

    def __invert__(self) -> Array: ...

    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __buffer__(self, flags: int, /) -> memoryview: ...

    __array_priority__: int = 1000

    def sum(self, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.sum`."""

    def prod(self, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.prod`."""

    def mean(self, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.mean`."""

    def max(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.max`."""

    def min(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.min`."""

    def argmax(self, axis: int | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.argmax`."""

    def argmin(self, axis: int | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.argmin`."""

    def var(self, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, ddof: float = 0, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.var`."""

    def std(self, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, ddof: float = 0, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.std`."""

    def all(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.all`."""

    def any(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
        """As `bitmetal.any`."""

    def cumsum(self, axis: int | None = None, *, dtype: DTypeLike | None = None, out: Array | None = None) -> Array:
        """As `bitmetal.cumsum`."""

    def cumprod(self, axis: int | None = None, *, dtype: DTypeLike | None = None, out: Array | None = None) -> Array:
        """As `bitmetal.cumprod`."""

def empty(shape: ShapeLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array with arbitrary contents.

    Parameters
    ----------
    shape : int or sequence of int
        Sizes of the dimensions, at most 16 of them.
    dtype : dtype-like
        The element type.
    device : Device or str, optional
        Where the array lives; the default device if None.

    Returns
    -------
    Array
        Row-major; its memory is page-aligned and comes from the device's pool.

    Raises
    ------
    MemoryError
        If there is no memory left, or the limit set with `bitmetal.memory.set_limit` would be passed.
    """

def zeros(shape: ShapeLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array of zeros.

    Parameters
    ----------
    shape : int or sequence of int
        Sizes of the dimensions, at most 16 of them.
    dtype : dtype-like
        The element type.
    device : Device or str, optional
        Where the array lives; the default device if None.

    Returns
    -------
    Array
        Row-major; its memory is page-aligned and comes from the device's pool.

    Raises
    ------
    MemoryError
        If there is no memory left, or the limit set with `bitmetal.memory.set_limit` would be passed.
    """

def ones(shape: ShapeLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array of ones.

    Parameters
    ----------
    shape : int or sequence of int
        Sizes of the dimensions, at most 16 of them.
    dtype : dtype-like
        The element type.
    device : Device or str, optional
        Where the array lives; the default device if None.

    Returns
    -------
    Array
        Row-major; its memory is page-aligned and comes from the device's pool.

    Raises
    ------
    MemoryError
        If there is no memory left, or the limit set with `bitmetal.memory.set_limit` would be passed.
    """

def full(shape: ShapeLike, fill_value: ArrayLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array of one value, rounded to the element type; of several, where they broadcast to the shape.

    Parameters
    ----------
    shape : int or sequence of int
        Sizes of the dimensions, at most 16 of them.
    dtype : dtype-like
        The element type.
    device : Device or str, optional
        Where the array lives; the default device if None.

    Returns
    -------
    Array
        Row-major; its memory is page-aligned and comes from the device's pool.

    Raises
    ------
    MemoryError
        If there is no memory left, or the limit set with `bitmetal.memory.set_limit` would be passed.
    """

def empty_like(a: ArrayLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array with arbitrary contents, in the shape of another one.

    Parameters
    ----------
    a : array-like
        Gives the shape, and what is not given.
    dtype : dtype-like, optional
        The element type; that of `a` if None.
    device : Device or str, optional
        Where the array lives; where `a` does if None.

    Returns
    -------
    Array
        Row-major.
    """

def zeros_like(a: ArrayLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array of zeros in the shape of another one.

    Parameters
    ----------
    a : array-like
        Gives the shape, and what is not given.
    dtype : dtype-like, optional
        The element type; that of `a` if None.
    device : Device or str, optional
        Where the array lives; where `a` does if None.

    Returns
    -------
    Array
        Row-major.
    """

def ones_like(a: ArrayLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array of ones in the shape of another one.

    Parameters
    ----------
    a : array-like
        Gives the shape, and what is not given.
    dtype : dtype-like, optional
        The element type; that of `a` if None.
    device : Device or str, optional
        Where the array lives; where `a` does if None.

    Returns
    -------
    Array
        Row-major.
    """

def full_like(a: ArrayLike, fill_value: ArrayLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    A new array of one value in the shape of another one.

    Parameters
    ----------
    a : array-like
        Gives the shape, and what is not given.
    dtype : dtype-like, optional
        The element type; that of `a` if None.
    device : Device or str, optional
        Where the array lives; where `a` does if None.

    Returns
    -------
    Array
        Row-major.
    """

def arange(start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    start, start + step, ... up to, and without, stop.

    Parameters
    ----------
    start, stop, step : int or float
        With one of them, from 0 to it. `step` is not 0.
    dtype : dtype-like, optional
        int64 where all three are ints, else float32.
    device : Device or str, optional
        Where the array lives; the default device if None.

    Returns
    -------
    Array
        ceil((stop - start) / step) elements, none if that is negative.
    """

def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array:
    """
    Numbers at equal distances from start to stop.

    Parameters
    ----------
    start, stop : float
        The first one, and the last one or its successor.
    num : int
        How many.
    endpoint : bool
        Whether `stop` is the last one.
    dtype : dtype-like, optional
        float32 if None.
    device : Device or str, optional
        Where the array lives; the default device if None.

    Returns
    -------
    Array
    """

def asarray(object: ArrayLike, dtype: DTypeLike | None = None, *, device: DeviceLike | None = None, copy: bool | None = None) -> Array:
    """
    An array from anything that holds numbers.

    Memory is shared, not copied, for objects with the buffer protocol, ``__array_interface__`` or DLPack
    (NumPy, PyTorch, MLX, memoryview, ...), as long as it is aligned to its elements; `Array.shares_memory`
    tells. Python floats become float32 and ints int64.

    Parameters
    ----------
    object : array-like
        What to read.
    dtype : dtype-like, optional
        Convert to this type.
    device : Device or str, optional
        Where the array is to live; if None, an Array stays where it is and anything else goes to the default
        device.
    copy : bool, optional
        True always copies; False raises where a copy is needed; None copies where it must.

    Returns
    -------
    Array

    Raises
    ------
    TypeError
        If the elements have no counterpart here (complex numbers, big-endian, strings, ...).
    ValueError
        If ``copy=False`` and a copy is needed.
    """

def from_dlpack(object: SupportsDLPack) -> Array:
    """
    An array over the memory of an object with ``__dlpack__``; nothing is copied.

    Parameters
    ----------
    object : object with ``__dlpack__``
        Its memory is the host's, or a buffer of one of the Metal devices (PyTorch's ``mps`` tensors). What
        others have under way on a buffer must be done before it is used here: synchronize them first.

    Returns
    -------
    Array
        On the cpu device, or on the buffer's.
    """

def matmul(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Matrix product, as `numpy.matmul`.

    Parameters
    ----------
    a : array-like
        ``[..., m, k]`` or ``[k]``, of a floating-point type.
    b : array-like
        ``[..., k, n]`` or ``[k]``. Leading dimensions broadcast.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        ``[..., m, n]``; a vector's dimension is dropped. Of the common type: float16 with bfloat16 gives
        float32.

    Raises
    ------
    TypeError
        If an operand is not of a floating-point type.
    ValueError
        If the shapes do not fit.

    Notes
    -----
    float16 and bfloat16 are accumulated in float32 and rounded once.
    """

def softmax(a: ArrayLike, axis: int = -1, *, out: Array | None = None) -> Array:
    """
    Softmax: exp(a - max(a)) / sum(exp(a - max(a))) along an axis.

    Parameters
    ----------
    a : array-like
        At least 1 dimension, of a floating-point type.
    axis : int
        The axis that sums to 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        Of the shape and type of `a`.
    """

def rms_norm(a: ArrayLike, weight: ArrayLike | None = None, eps: float = 1e-5, *, out: Array | None = None) -> Array:
    """
    Root-mean-square normalization over the last axis: a / sqrt(mean(a^2) + eps) * weight.

    Parameters
    ----------
    a : array-like
        ``[..., n]``, of a floating-point type.
    weight : array-like, optional
        ``[n]``.
    eps : float
        Added to the mean square.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        Of the shape and type of `a`.

    References
    ----------
    Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

def layer_norm(a: ArrayLike, weight: ArrayLike | None = None, bias: ArrayLike | None = None, eps: float = 1e-5, *, out: Array | None = None) -> Array:
    """
    Layer normalization over the last axis: (a - mean(a)) / sqrt(var(a) + eps) * weight + bias.

    Parameters
    ----------
    a : array-like
        ``[..., n]``, of a floating-point type.
    weight, bias : array-like, optional
        ``[n]``.
    eps : float
        Added to the variance.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        Of the shape and type of `a`.

    References
    ----------
    Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """

def permute(a: ArrayLike, axes: Sequence[int]) -> Array:
    """
    A view with the axes in another order, as `numpy.transpose`.

    Parameters
    ----------
    a : array-like
        Any shape.
    axes : sequence of int
        Each axis once.

    Returns
    -------
    Array
    """

def transpose(a: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """
    A view with the axes reversed, or in the order given.

    Parameters
    ----------
    a : array-like
        Any shape.
    axes : sequence of int, optional
        Each axis once.

    Returns
    -------
    Array
    """

def reshape(a: ArrayLike, shape: ShapeLike) -> Array:
    """
    The same elements with another shape; a view where strides allow it.

    Parameters
    ----------
    a : array-like
        Any shape.
    shape : int or sequence of int
        The new sizes; one may be -1.

    Returns
    -------
    Array
    """

def negative(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    -a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Integers wrap. TypeError for bool.
    """

def absolute(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    |a|.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    The least signed integer is its own absolute value.
    """

def sign(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    -1, 0 or 1 with the sign of a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    NaN stays NaN. TypeError for bool.
    """

def square(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a * a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.
    """

def reciprocal(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    1 / a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def sqrt(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Square root.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def rsqrt(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    1 / sqrt(a).

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def exp(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    e^a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def expm1(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    e^a - 1, exact near 0.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def log(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Natural logarithm.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def log1p(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    log(1 + a), exact near 0.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def sin(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Sine of radians of any size.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def cos(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Cosine of radians of any size.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def tanh(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Hyperbolic tangent.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def sigmoid(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    1 / (1 + e^-a).

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def erf(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Error function, 2 / sqrt(pi) times the integral of e^-t^2 from 0 to a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.
    """

def relu(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    max(a, 0).

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    NaN stays NaN.
    """

def silu(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a * sigmoid(a).

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.

    Notes
    -----
    Also called swish.
    """

def floor(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    The greatest integer that is not above a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of the shape and type of `a`; integers and booleans are returned as they are.
    """

def ceil(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    The least integer that is not below a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of the shape and type of `a`; integers and booleans are returned as they are.
    """

def round(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    The nearest integer, the even one of two.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of the shape and type of `a`; integers and booleans are returned as they are.
    """

def trunc(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a without its fraction.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of the shape and type of `a`; integers and booleans are returned as they are.
    """

def isnan(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Whether a is NaN.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def isinf(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Whether a is an infinity.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def isfinite(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Whether a is neither NaN nor an infinity.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def logical_not(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Whether a is 0.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def bitwise_not(a: ArrayLike, *, out: Array | None = None) -> Array:
    """
    ~a.

    Parameters
    ----------
    a : array-like
        Any shape.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Of booleans: logical_not. TypeError for floating-point types.
    """

def add(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a + b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Integers wrap. Of booleans: logical_or.
    """

def subtract(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a - b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Integers wrap. TypeError for booleans.
    """

def multiply(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a * b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Integers wrap. Of booleans: logical_and.
    """

def divide(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a / b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common floating-point type;
        float32 for integers and booleans.

    Notes
    -----
    Integers are divided in float32 (NumPy: float64, which no GPU has).
    """

def floor_divide(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    The greatest integer not above a / b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Integers: x // 0 is 0, and the least integer // -1 is itself.
    """

def remainder(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a - b * floor(a / b), with the sign of b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Integers: x % 0 is 0.
    """

def power(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a^b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Integers wrap; x^-n is the integer part of 1 / x^n, and 0 for x = 0.
    """

def minimum(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    The lesser of a and b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    NaN wins.
    """

def maximum(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    The greater of a and b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    NaN wins.
    """

def equal(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a == b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def not_equal(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a != b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def less(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a < b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def less_equal(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a <= b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def greater(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a > b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def greater_equal(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a >= b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def logical_and(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Whether neither a nor b is 0.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def logical_or(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Whether a or b is not 0.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def logical_xor(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    Whether one of a and b is 0 and the other is not.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        Of bool, in the shape that the operands broadcast to.
    """

def bitwise_and(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a & b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    TypeError for floating-point types.
    """

def bitwise_or(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a | b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    TypeError for floating-point types.
    """

def bitwise_xor(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a ^ b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    TypeError for floating-point types.
    """

def left_shift(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a << b.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Shifting by the type's bits or more, or by a negative number, shifts all of them out.
    """

def right_shift(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a >> b, with copies of the sign.

    Parameters
    ----------
    a, b : array-like
        Any shapes that broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    Shifting by the type's bits or more, or by a negative number, leaves copies of the sign.
    """

def where(condition: ArrayLike, a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    The elements of `a` where a condition holds, those of `b` elsewhere.

    Parameters
    ----------
    condition : array-like
        Booleans, or anything whose elements are tested against 0.
    a, b : array-like
        What to choose from. The three broadcast against each other.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of the common type of `a` and `b`.
    """

def clip(a: ArrayLike, min: ArrayLike | None = None, max: ArrayLike | None = None, *, out: Array | None = None) -> Array:
    """
    min(max(a, lower bound), upper bound), in one pass.

    Parameters
    ----------
    a : array-like
        Any shape.
    min, max : array-like, optional
        The bounds; they broadcast against `a`. At least one of them.
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

    Returns
    -------
    Array
        In the shape that the operands broadcast to, of their common type.

    Notes
    -----
    NaN stays NaN. Where the lower bound is above the upper one, the upper one is the result.
    """

def gelu(a: ArrayLike, approximate: str = 'none', *, out: Array | None = None) -> Array:
    """
    Gaussian error linear unit: a times the normal distribution's integral up to a.

    Parameters
    ----------
    a : array-like
        Any shape.
    approximate : {"none", "tanh"}
        "none" is exact; "tanh" is 0.5 a (1 + tanh(sqrt(2 / pi) (a + 0.044715 a^3))).
    out : Array, optional
        Where to write the result: its shape must fit and its type be able to hold it. It may be `a`.

    Returns
    -------
    Array
        Of the shape of `a` and its type; float32 for integers and booleans.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """

def linalg_cholesky(a: ArrayLike, *, upper: bool = False) -> Array:
    """
    Cholesky factor of symmetric positive definite matrices: a = L @ L.T.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32. The
        lower triangle alone is read (the upper one with `upper`).
    upper : bool
        Give U of a = U.T @ U in place of L.

    Returns
    -------
    Array
        ``[..., n, n]``; zero in the other triangle.

    Raises
    ------
    LinAlgError
        If a matrix is not positive definite; ``error.index`` is the order of the first leading minor
        that is not positive, ``error.matrix`` which matrix of the batch it is.
    """

@overload
def linalg_qr(a: ArrayLike, mode: Literal['reduced', 'complete'] = 'reduced') -> QRResult:
    """
    Factor a = Q @ R with orthonormal columns in Q and zeros below the diagonal of R.

    Parameters
    ----------
    a : array-like
        ``[..., m, n]``: float32, float64 (on the cpu device) or integers, which become float32.
    mode : str
        "reduced": Q is ``[..., m, k]`` and R ``[..., k, n]`` with k = min(m, n); "complete": Q is
        ``[..., m, m]`` and R ``[..., m, n]``; "r": the reduced R alone, an Array.

    Returns
    -------
    QRResult
        A named tuple (Q, R).

    Notes
    -----
    Householder reflections. The diagonal of R may have any sign. NaN and infinity spread.
    """

@overload
def linalg_qr(a: ArrayLike, mode: Literal['r']) -> Array: ...

@overload
def linalg_svd(a: ArrayLike, full_matrices: bool = True, compute_uv: Literal[True] = True) -> SVDResult:
    """
    Singular value decomposition: a = U @ diag(S) @ Vh.

    Parameters
    ----------
    a : array-like
        ``[..., m, n]``: float32, float64 (on the cpu device) or integers, which become float32.
    full_matrices : bool
        U is ``[..., m, m]`` and Vh ``[..., n, n]``; if False ``[..., m, k]`` and ``[..., k, n]`` with
        k = min(m, n).
    compute_uv : bool
        If False S alone is computed and returned, an Array.

    Returns
    -------
    SVDResult
        A named tuple (U, S, Vh); S is ``[..., k]`` in descending order.

    Raises
    ------
    LinAlgError
        If a matrix holds NaN or infinity, or the iteration does not converge.
    """

@overload
def linalg_svd(a: ArrayLike, full_matrices: bool = True, *, compute_uv: Literal[False]) -> Array: ...

def linalg_svdvals(a: ArrayLike) -> Array:
    """
    Singular values, in descending order: `svd` without its vectors.

    Parameters
    ----------
    a : array-like
        ``[..., m, n]``, as for `svd`.

    Returns
    -------
    Array
        ``[..., min(m, n)]``.

    Raises
    ------
    LinAlgError
        As `svd`.
    """

def linalg_eigh(a: ArrayLike, UPLO: Literal['L', 'U'] = 'L') -> EighResult:
    """
    Eigenvalues and eigenvectors of symmetric matrices: a = V @ diag(w) @ V.T.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32.
    UPLO : str
        "L" or "U": the triangle that is read.

    Returns
    -------
    EighResult
        A named tuple (eigenvalues, eigenvectors): ``[..., n]`` in ascending order, and ``[..., n, n]``
        with the eigenvectors as columns.

    Raises
    ------
    LinAlgError
        If the triangle holds NaN or infinity, or the iteration does not converge.
    """

def linalg_eigvalsh(a: ArrayLike, UPLO: Literal['L', 'U'] = 'L') -> Array:
    """
    Eigenvalues of symmetric matrices, in ascending order: `eigh` without its vectors.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``, as for `eigh`.
    UPLO : str
        "L" or "U": the triangle that is read.

    Returns
    -------
    Array
        ``[..., n]``.

    Raises
    ------
    LinAlgError
        As `eigh`.
    """

def linalg_solve(a: ArrayLike, b: ArrayLike) -> Array:
    """
    Solve a @ x = b by LU factorization with partial pivoting.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32.
    b : array-like
        ``[n]``, one vector, or ``[..., n, k]``: as in NumPy 2. Leading dimensions broadcast.

    Returns
    -------
    Array
        ``[..., n]`` for a vector, else ``[..., n, k]``; float64 where an argument is.

    Raises
    ------
    LinAlgError
        If a pivot is exactly zero; ``error.index`` is its place, counted from 1, and ``error.matrix``
        which matrix of the batch it is.
    """

def linalg_solve_triangular(a: ArrayLike, b: ArrayLike, *, upper: bool = False, trans: bool = False, unit_diagonal: bool = False) -> Array:
    """
    Solve a @ x = b, or a.T @ x = b, with triangular matrices.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32. The
        lower triangle alone is read (the upper one with `upper`).
    b : array-like
        ``[n]``, one vector, or ``[..., n, k]``. Leading dimensions broadcast.
    upper : bool
        Which triangle `a` has: False, lower, as a Cholesky factor (SciPy's `lower` is the opposite).
    trans : bool
        Solve with a.T, SciPy's ``trans="T"``; `upper` still says what is stored in `a`.
    unit_diagonal : bool
        Take the diagonal for ones; it is not read then.

    Returns
    -------
    Array
        ``[..., n]`` for a vector, else ``[..., n, k]``; float64 where an argument is.

    Raises
    ------
    LinAlgError
        If an element of the diagonal is zero (as SciPy; PyTorch gives infinities): ``error.index`` is
        its place, counted from 1, and ``error.matrix`` which matrix of the batch it is.
    """

def linalg_inv(a: ArrayLike) -> Array:
    """
    Inverse of square matrices: `solve` with the identity.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``, as for `solve`.

    Returns
    -------
    Array
        ``[..., n, n]``.

    Raises
    ------
    LinAlgError
        As `solve`.
    """

def linalg_lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> LstsqResult:
    """
    The x of least norm among those for which the norm of b - a @ x is least.

    Parameters
    ----------
    a : array-like
        ``[..., m, n]``: float32, float64 (on the cpu device) or integers, which become float32.
    b : array-like
        ``[m]`` or ``[..., m, k]`` with the leading dimensions of `a`.
    rcond : float, optional
        Singular values at most `rcond` times the largest count as zero; if None max(m, n) times the
        machine epsilon of the type.

    Returns
    -------
    LstsqResult
        A named tuple (x, residuals, rank, s): the solution, ``[n]`` or ``[..., n, k]``; the squared
        norms of the columns of b - a @ x, ``[..., k]``, or an empty array where a matrix has rank below n
        or m <= n; the rank, an int, or for a batch an int32 Array; the singular values of `a`.

    Raises
    ------
    LinAlgError
        As `svd`, by which it is computed.
    """

def linalg_pinv(a: ArrayLike, rcond: float | None = None) -> Array:
    """
    Moore-Penrose pseudo-inverse, by the singular value decomposition.

    Parameters
    ----------
    a : array-like
        ``[..., m, n]``, as for `svd`.
    rcond : float, optional
        Singular values at most `rcond` times the largest count as zero; if None max(m, n) times the
        machine epsilon of the type, as in PyTorch (NumPy's 1e-15 means nothing in float32).

    Returns
    -------
    Array
        ``[..., n, m]``.

    Raises
    ------
    LinAlgError
        As `svd`.
    """

def linalg_slogdet(a: ArrayLike) -> SlogdetResult:
    """
    Sign and logarithm of the absolute value of the determinant.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``, as for `solve`.

    Returns
    -------
    SlogdetResult
        A named tuple (sign, logabsdet), each ``[...]``; 0 and -inf for a singular matrix.
    """

def linalg_det(a: ArrayLike) -> Array:
    """
    Determinant, from the pivots of an LU factorization.

    Parameters
    ----------
    a : array-like
        ``[..., n, n]``, as for `solve`.

    Returns
    -------
    Array
        ``[...]``.
    """

class Traced:
    """What stands for an array in a function that `fuse` traces."""

    @property
    def dtype(self) -> DType:
        """The element type."""

    def astype(self, dtype: DTypeLike) -> Traced:
        """The value converted to another element type."""

    def __bool__(self) -> bool: ...

    def __float__(self) -> float: ...

    def __int__(self) -> int: ...

    def __index__(self) -> int: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> NoReturn: ...

    def __getitem__(self, key: object, /) -> NoReturn: ...

    def __getattr__(self, name: str, /) -> NoReturn: ...

    def __add__(self, other: ArrayLike, /) -> Traced: ...

    def __radd__(self, other: ArrayLike, /) -> Traced: ...

    def __sub__(self, other: ArrayLike, /) -> Traced: ...

    def __rsub__(self, other: ArrayLike, /) -> Traced: ...

    def __mul__(self, other: ArrayLike, /) -> Traced: ...

    def __rmul__(self, other: ArrayLike, /) -> Traced: ...

    def __truediv__(self, other: ArrayLike, /) -> Traced: ...

    def __rtruediv__(self, other: ArrayLike, /) -> Traced: ...

    def __floordiv__(self, other: ArrayLike, /) -> Traced: ...

    def __rfloordiv__(self, other: ArrayLike, /) -> Traced: ...

    def __mod__(self, other: ArrayLike, /) -> Traced: ...

    def __rmod__(self, other: ArrayLike, /) -> Traced: ...

    def __pow__(self, other: ArrayLike, /) -> Traced: ...

    def __rpow__(self, other: ArrayLike, /) -> Traced: ...

    def __and__(self, other: ArrayLike, /) -> Traced: ...

    def __rand__(self, other: ArrayLike, /) -> Traced: ...

    def __or__(self, other: ArrayLike, /) -> Traced: ...

    def __ror__(self, other: ArrayLike, /) -> Traced: ...

    def __xor__(self, other: ArrayLike, /) -> Traced: ...

    def __rxor__(self, other: ArrayLike, /) -> Traced: ...

    def __lshift__(self, other: ArrayLike, /) -> Traced: ...

    def __rlshift__(self, other: ArrayLike, /) -> Traced: ...

    def __rshift__(self, other: ArrayLike, /) -> Traced: ...

    def __rrshift__(self, other: ArrayLike, /) -> Traced: ...

    def __eq__(self, other: ArrayLike, /) -> Traced: ...  # type: ignore[override]

    def __ne__(self, other: ArrayLike, /) -> Traced: ...  # type: ignore[override]

    def __lt__(self, other: ArrayLike, /) -> Traced: ...

    def __le__(self, other: ArrayLike, /) -> Traced: ...

    def __gt__(self, other: ArrayLike, /) -> Traced: ...

    def __ge__(self, other: ArrayLike, /) -> Traced: ...

    def __neg__(self) -> Traced: ...

    def __abs__(self) -> Traced: ...

    def __invert__(self) -> Traced: ...

    __hash__: ClassVar[None]  # type: ignore[assignment]

    __array_ufunc__: None = None

class Fused:
    """A function of arrays that runs as one pass; made by `fuse`."""

    def __call__(self, *arguments: ArrayLike, out: Array | None = None) -> Array: ...

    @property
    def function(self) -> Callable[..., Any]:
        """The function that was traced."""

def fuse(function: Callable[..., Any]) -> Fused:
    """
    Make one pass of a function that combines arrays element by element.

    The function is called with stand-ins for the arrays, once for each combination of element types; what
    it does with them becomes one expression, which every later call computes in one pass over memory.

    Parameters
    ----------
    function : callable
        Takes arrays and returns one value computed from them with operators, the element-wise functions of
        this module, `where`, `clip` and `astype`. It must not depend on the elements' values.

    Returns
    -------
    Fused
        To be called with arrays that broadcast against each other, and with numbers, which become part of
        the expression (give what changes with every call as a 0-d array); ``out=`` takes the result.

    Raises
    ------
    TypeError
        At the call, for what cannot be traced: control flow on values, reductions, indexing, arrays that
        are not arguments, more than 12 arrays or 64 operations.

    Notes
    -----
    float16 and bfloat16 are computed in float32 and rounded once, in the result or by `astype`; operation
    by operation they are rounded each time.

    Examples
    --------
    >>> axpy = bm.fuse(lambda a, x, y: a * x + y)
    >>> axpy(2.0, bm.ones((3,)), bm.ones((3,))).tolist()
    [3.0, 3.0, 3.0]
    """

def concatenate(arrays: Sequence[ArrayLike], axis: int | None = 0, *, out: Array | None = None) -> Array:
    """
    Arrays one after another along an axis.

    Parameters
    ----------
    arrays : sequence of array-like
        At least one; equal shapes but for that axis.
    axis : int, optional
        The axis; None joins the elements of all arrays in row-major order.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        Of the arrays' common type.
    """

def stack(arrays: Sequence[ArrayLike], axis: int = 0, *, out: Array | None = None) -> Array:
    """
    Arrays of one shape along a new axis.

    Parameters
    ----------
    arrays : sequence of array-like
        At least one; of equal shapes.
    axis : int
        Where the new axis stands in the result.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        Of the arrays' common type.
    """

def take(a: ArrayLike, indices: ArrayLike, axis: int | None = None, *, out: Array | None = None) -> Array:
    """
    The elements with given indices along an axis.

    Parameters
    ----------
    a : array-like
        Any shape.
    indices : array-like
        int64 or int32, any shape; negative ones count from the end.
    axis : int, optional
        The axis; None takes from all elements in row-major order.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        The shape of `a` with that of `indices` in place of the axis.

    Raises
    ------
    IndexError
        If an index is out of range. The host looks at the indices, and so waits for them.
    """

def expand_dims(a: ArrayLike, axis: int | Sequence[int]) -> Array:
    """
    A view with new axes of size 1.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or sequence of int
        Where they stand in the result.

    Returns
    -------
    Array
    """

def squeeze(a: ArrayLike, axis: int | Sequence[int] | None = None) -> Array:
    """
    A view without axes of size 1.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or sequence of int, optional
        Which of them; all if None.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        If one of them has another size.
    """

def sum(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Sum of elements.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    dtype : dtype, optional
        Elements are converted to it first; also that of the result.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    Integers and booleans are summed in int64 (modulo 2^64). float16, bfloat16 and float32 are
    accumulated in float32 by blocks (pairwise) or better, the same bits for any number of threads.
    """

def prod(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Product of elements.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    dtype : dtype, optional
        Elements are converted to it first; also that of the result.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    Integers and booleans are multiplied in int64 (modulo 2^64). Of nothing, 1.
    """

def mean(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Arithmetic mean of elements.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    dtype : dtype, optional
        Elements are converted to it first; also that of the result.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    Accumulates as `sum` does. The mean of integers is float32; of nothing, NaN.
    """

def max(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Largest element.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    NaN wins. Raises ValueError where there is nothing to reduce over.
    """

def min(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Smallest element.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    NaN wins. Raises ValueError where there is nothing to reduce over.
    """

def argmax(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Index of the largest element (int64).

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int, optional
        The axis to reduce; all of them, in row-major order, if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    The first of equals; the first NaN where there is one.
    """

def argmin(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Index of the smallest element (int64).

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int, optional
        The axis to reduce; all of them, in row-major order, if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    The first of equals; the first NaN where there is one.
    """

def var(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, ddof: float = 0, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Variance: sum((a - mean(a))^2) / (n - ddof).

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    dtype : dtype, optional
        Elements are converted to it first; also that of the result.
    ddof : float
        Taken from the number of elements that the squares are divided by.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    Squares of distances from the mean of each block; blocks are joined by T. F. Chan's formula,
    so that no large sums are subtracted. Of integers float32, computed from float64 on the cpu
    device and from float32 on a GPU. Of nothing, NaN.
    """

def std(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, dtype: DTypeLike | None = None, ddof: float = 0, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Standard deviation: the square root of `var`.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    dtype : dtype, optional
        Elements are converted to it first; also that of the result.
    ddof : float
        Taken from the number of elements that the squares are divided by.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    Squares of distances from the mean of each block; blocks are joined by T. F. Chan's formula,
    so that no large sums are subtracted. Of integers float32, computed from float64 on the cpu
    device and from float32 on a GPU. Of nothing, NaN.
    """

def all(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Whether every element is nonzero (bool).

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    NaN is not zero. Of nothing, True.
    """

def any(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Whether some element is nonzero (bool).

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    NaN is not zero. Of nothing, False.
    """

def cumsum(a: ArrayLike, axis: int | None = None, *, dtype: DTypeLike | None = None, out: Array | None = None) -> Array:
    """
    Running sum.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int, optional
        The axis to run along; over all elements in row-major order, as a vector, if None.
    dtype : dtype, optional
        Elements are converted to it first; also that of the result.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    Integers and booleans are accumulated in int64 (modulo 2^64), floating types in float64 on
    the cpu device and in float32 on a GPU, sums there in two float32.
    """

def cumprod(a: ArrayLike, axis: int | None = None, *, dtype: DTypeLike | None = None, out: Array | None = None) -> Array:
    """
    Running product.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int, optional
        The axis to run along; over all elements in row-major order, as a vector, if None.
    dtype : dtype, optional
        Elements are converted to it first; also that of the result.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    Integers and booleans are accumulated in int64 (modulo 2^64), floating types in float64 on
    the cpu device and in float32 on a GPU, sums there in two float32.
    """

def logsumexp(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    log(sum(exp(a))), without overflow.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    top + log(sum(exp(a - top))), where top is the largest element. Of nothing, -inf. Integers
    give float32.
    """

def count_nonzero(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    The number of nonzero elements (int64).

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    NaN is not zero.
    """

def norm(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, ord: float = 2, keepdims: bool = False, out: Array | None = None) -> Array:
    """
    Vector norm over all reduced axes together.

    Parameters
    ----------
    a : array-like
        Any shape.
    axis : int or tuple of int, optional
        The axes to reduce; all of them if None.
    ord : 1, 2 or inf
        Sum of magnitudes, square root of the sum of squares, or greatest magnitude.
    keepdims : bool
        Leave reduced axes in the result with size 1.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array

    Notes
    -----
    No square overflows or vanishes: large and small elements are scaled. NaN wins. Of nothing, 0.
    Integers give float32.
    """

class TernaryMatrix:
    """
    A weight W ~ scale * T with T in {-1, 0, +1}, 2 or 1.6 bits an element.

    Made by `ternary.quantize`, `ternary.from_codes`, `ternary.from_hf` and `ternary.from_gguf`. The layout in
    memory is the library's own; `codes`, `to_hf` and `to_gguf` give the elements.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(out features, in features)."""

    @property
    def scale(self) -> Array:
        """
        float32: shape (), (rows,) or (rows, groups), as the weight was quantized.
        """

    @property
    def group_size(self) -> int | None:
        """Columns that share a scale, or None where a row or the tensor does."""

    @property
    def nbytes(self) -> int:
        """Bytes of codes and scales in memory."""

    @property
    def device(self) -> Device:
        """The device that it lives on."""

    @staticmethod
    def from_panels(codes: ArrayLike, scales: ArrayLike, shape: Sequence[int], group_size: int = 0) -> TernaryMatrix:
        """
        A matrix over what `panels` gave, without a copy where the memory allows it.

        Parameters
        ----------
        codes : array-like
            uint8 ``[panels, blocks, 64]``.
        scales : array-like
            float32 ``[panels, groups, 16]``.
        shape : (int, int)
            (out features, in features).
        group_size : int
            Columns that share a scale, or 0 where a row does.
        """

    def panels(self) -> tuple[Array, Array]:
        """
        The memory in the library's own layout, for `from_panels`: 2-bit codes as uint8
        [panels, blocks, 64] and scales as float32 [panels, groups, 16]. The same on every device.
        """

    @property
    def bits(self) -> float:
        """Bits a weight takes in memory, 2 or 1.6; see `repack`."""

    def repack(self, bits: float) -> TernaryMatrix:
        """
        The same matrix in 2 or in 1.6 bits a weight.

        With 1.6 bits, five weights a byte, products take fewer bytes from memory and more instructions: they are
        faster where the weights are larger than the processor's cache, and slower where they fit. All results are
        the same.

        Parameters
        ----------
        bits : {2, 1.6}
            What a weight takes in memory.

        Returns
        -------
        TernaryMatrix
            Itself where it is packed so already.

        Raises
        ------
        CapabilityError
            For 1.6 on a device other than the cpu.
        """

    def codes(self) -> Array:
        """T as int8, shape (rows, columns)."""

    def dequantize(self, dtype: DTypeLike | None = None) -> Array:
        """scale * T as a dense array (float32 if no type is given)."""

    def to_hf(self) -> Array:
        """
        The codes in the Hugging Face BitNet layout: uint8, shape (ceil(rows / 4), columns).

        The scale is not part of it: see `scale`, which multiplies (`AutoBitLinear`; `BitLinear` divides by its
        inverse). Raises ValueError unless the matrix has one scale.
        """

    def to_gguf(self, format: str) -> Array:
        """
        The matrix as GGUF blocks: uint8, shape (rows, row bytes).

        Parameters
        ----------
        format : {"TQ1_0", "TQ2_0"}
            1.6875 or 2.0625 bits a weight. Each block of 256 columns carries its scale as float16.

        Raises
        ------
        ValueError
            If the columns are not a multiple of 256, the scales cover other groups, or one passes float16.
        """

    def __repr__(self) -> str: ...

def ternary_quantize(weight: ArrayLike, group_size: int | None = None, *, per_row: bool = False) -> TernaryMatrix:
    """
    Quantize a weight to {-1, 0, +1} and a scale (BitNet b1.58, "absmean").

    s = max(mean(abs(W)), 1e-5) and T = clamp(round(W / s), -1, 1), halves to even.

    Parameters
    ----------
    weight : array-like
        ``[out features, in features]`` of float32, float16 or bfloat16.
    group_size : int, optional
        Columns that share a scale: a multiple of 16 from 32 to 256. One scale for the tensor if None.
    per_row : bool
        One scale a row instead.

    Returns
    -------
    TernaryMatrix

    Raises
    ------
    ValueError
        If the weight holds NaN or infinity.

    References
    ----------
    Ma et al., "The Era of 1-bit LLMs: All Large Language Models are in 1.58 Bits", 2024.
    """

def ternary_from_codes(codes: ArrayLike, scale: ArrayLike, group_size: int | None = None) -> TernaryMatrix:
    """
    A ternary matrix from its elements.

    Parameters
    ----------
    codes : array-like
        int8 ``[rows, columns]`` of -1, 0 and 1.
    scale : array-like
        One number, ``[rows]``, or ``[rows, ceil(columns / group_size)]``.
    group_size : int, optional
        Columns that share a scale, where `scale` has two dimensions.

    Returns
    -------
    TernaryMatrix
    """

def ternary_from_hf(packed: ArrayLike, scale: ArrayLike, shape: Sequence[int], *, inverse_scale: bool = False) -> TernaryMatrix:
    """
    Read the Hugging Face BitNet layout.

    Parameters
    ----------
    packed : array-like
        uint8 ``[ceil(rows / 4), columns]``: bits ``2 * (i // R)`` of byte row ``i % R`` hold row ``i``.
    scale : array-like
        ``weight_scale`` of the checkpoint, one element.
    shape : (int, int)
        (out features, in features); rows that the packing added are dropped.
    inverse_scale : bool
        The scale divides instead of multiplying: transformers' `BitLinear` stores 1 / mean(abs(W)), while
        `AutoBitLinear` checkpoints ("offline", such as microsoft/bitnet-b1.58-2B-4T) store mean(abs(W)).

    Returns
    -------
    TernaryMatrix
    """

def ternary_from_gguf(raw: ArrayLike, format: str, shape: Sequence[int]) -> TernaryMatrix:
    """
    Read GGUF's ternary blocks.

    Parameters
    ----------
    raw : array-like
        uint8, rows * columns / 256 blocks of any shape.
    format : {"TQ1_0", "TQ2_0"}
        The blocks' type.
    shape : (int, int)
        (rows, columns) of the matrix; columns are a multiple of 256.

    Returns
    -------
    TernaryMatrix
        With one scale for each 256 columns.
    """

def ternary_matmul(x: ArrayLike, w: TernaryMatrix, *, out: Array | None = None) -> Array:
    """
    x @ W.T with float activations (W1.58A16), accumulated in float32.

    Parameters
    ----------
    x : array-like
        ``[..., in features]`` of float32, float16 or bfloat16.
    w : TernaryMatrix
        ``(out features, in features)``.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        ``[..., out features]`` of the type of `x`.
    """

def bitlinear(x: ArrayLike, w: TernaryMatrix, bias: ArrayLike | None = None, norm_weight: ArrayLike | None = None, eps: float = 1e-5, *, out: Array | None = None) -> Array:
    """
    BitNet's linear layer: int8 activations per token, exact integer product (W1.58A8).

    With sx = 127 / max(max(abs(x)), 1e-5) and q = clamp(round(x * sx), -128, 127), halves to even,
    y = (q @ T.T) * s / sx + bias.

    Parameters
    ----------
    x : array-like
        ``[..., in features]`` of float32, float16 or bfloat16; each row is a token.
    w : TernaryMatrix
        ``(out features, in features)``.
    bias : array-like, optional
        ``[out features]``.
    norm_weight : array-like, optional
        ``[in features]``: x is first normalised as by `rms_norm` with this weight.
    eps : float
        For the normalization.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        ``[..., out features]`` of the type of `x`. A token with NaN or infinity gives NaN.

    Notes
    -----
    Quantized values and integer sums are the same on every device and instruction set, for any number of
    columns.

    References
    ----------
    Wang et al., "BitNet: Scaling 1-bit Transformers for Large Language Models", 2023.
    """

class BlockwiseArray:
    """
    A tensor of 2 to 8 bits an element, with a scale for each block.

    Made by `blockwise.quantize`, or by `from_parts` over arrays that exist.
    """

    @staticmethod
    def from_parts(codes: ArrayLike, absmax: ArrayLike | BlockwiseArray, shape: ShapeLike, format: str, *, block_size: int | None = None, dtype: DTypeLike | None = None, code: ArrayLike | None = None, biases: ArrayLike | None = None, bits: int = 4, offset: float = 0.0) -> BlockwiseArray:
        """
        A quantized tensor over existing memory: nothing is copied where the memory allows it.

        Parameters
        ----------
        codes : array-like
            uint8, of any shape: as many bytes as the format takes (``code_bytes``). MLX's uint32 words are
            passed as ``words.view(numpy.uint8)``.
        absmax : array-like or BlockwiseArray
            One scale for each block, in order: float32 for nf4, fp4 and int8; uint8 for mxfp4 (E8M0) and nvfp4
            (E4M3); float32, float16 or bfloat16 for affine. Double quantization: an int8 BlockwiseArray of
            shape ``(blocks,)``, to whose elements `offset` is added.
        shape : int or tuple of int
            Of the dense tensor.
        format : {"nf4", "fp4", "int8", "mxfp4", "nvfp4", "affine"}
            What the codes mean.
        block_size : int, optional
            Elements that share a scale: 64 if None (mxfp4 32, nvfp4 16).
        dtype : dtype, optional
            Of the dense tensor: what `dequantize` gives. float32 if None.
        code : array-like, optional
            For int8: the values of the 256 codes, ascending. The dynamic map if None.
        biases : array-like, optional
            For affine: one for each block, of the type of `absmax`.
        bits : int
            For affine: 2, 3, 4, 6 or 8.
        offset : float
            See `absmax`.

        Raises
        ------
        TypeError, ValueError
            If a part has another type or size.
        """

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dense tensor."""

    @property
    def dtype(self) -> DType:
        """The type of the dense tensor."""

    @property
    def format(self) -> str:
        """"nf4", "fp4", "int8", "mxfp4", "nvfp4" or "affine"."""

    @property
    def bits(self) -> int:
        """Bits of a code."""

    @property
    def block_size(self) -> int:
        """Elements that share a scale."""

    @property
    def codes(self) -> Array:
        """The codes, uint8."""

    @property
    def absmax(self) -> Array:
        """
        float32 [blocks]: the largest magnitude of each block, whether stored so or quantized.
        """

    @property
    def scales(self) -> Array:
        """
        One for each block, as stored: what `from_parts` takes as `absmax`; with double
        quantization the codes of `nested`.
        """

    @property
    def biases(self) -> Array | None:
        """Of affine, one for each block; else None."""

    @property
    def code(self) -> Array | None:
        """float32: the values of the 16 or 256 codes; None for affine."""

    @property
    def nested(self) -> BlockwiseArray | None:
        """Double quantization: absmax - offset as int8; else None."""

    @property
    def offset(self) -> float:
        """The mean that `nested` lacks; else 0."""

    @property
    def nbytes(self) -> int:
        """
        Bytes of codes and scales in memory, those of the code book not counted.
        """

    @property
    def device(self) -> Device:
        """The device that it lives on."""

    def dequantize(self, dtype: DTypeLike | None = None) -> Array:
        """
        The dense tensor, computed in float32 and rounded once (to `self.dtype` if no type is given).
        """

    def __repr__(self) -> str: ...

def blockwise_quantize(x: ArrayLike, format: str = 'nf4', block_size: int | None = None, double_quant: bool = False, code: ArrayLike | None = None, *, bits: int = 4) -> BlockwiseArray:
    """
    Quantize a tensor in blocks that share a scale.

    Parameters
    ----------
    x : array-like
        Any shape, float32, float16 or bfloat16. Blocks run over its elements in row-major order.
    format : {"nf4", "fp4", "int8", "mxfp4", "nvfp4", "affine"}
        4-bit NormalFloat or float and 8 bits by a code book, all three scaled by the block's largest
        magnitude; OCP's MXFP4; NVIDIA's NVFP4 without a scale of the tensor; MLX's affine groups.
    block_size : int, optional
        Elements that share a scale. nf4, fp4: a power of two from 16 to 4096; int8: any; affine: 32, 64 or
        128; 64 if None. mxfp4: 32. nvfp4: 16. For mxfp4, nvfp4 and affine it divides the last axis.
    double_quant : bool
        Quantize the scales of nf4, fp4 or int8 too, in blocks of 256 around their mean.
    code : array-like, optional
        For int8: 256 numbers in ascending order. The dynamic map of bitsandbytes if None.
    bits : int
        For affine: 2, 3, 4, 6 or 8.

    Returns
    -------
    BlockwiseArray

    Raises
    ------
    ValueError
        Where a size does not fit the format, or `double_quant` meets NaN or infinity.

    Notes
    -----
    nf4, fp4 and int8: the code of the entry nearest to x / absmax, the lower one of two that are equally
    near. A block with NaN or infinity dequantizes to NaN as a whole. mxfp4: the scale is
    2**(floor(log2(absmax)) - 2), and elements are rounded to nearest, ties to even. nvfp4: the scale is
    absmax / 6 rounded to E4M3. Codes and scales are the same bits on every device.

    References
    ----------
    Dettmers et al., "QLoRA: Efficient Finetuning of Quantized LLMs", 2023. OCP Microscaling Formats (MX)
    Specification v1.0, 2023.
    """

def blockwise_matmul(x: ArrayLike, q: BlockwiseArray, bias: ArrayLike | None = None, out: Array | None = None) -> Array:
    """
    x @ dequantize(q).T + bias, without a dense copy of the weight; summed in float32.

    Parameters
    ----------
    x : array-like
        ``[..., in features]`` of float32, float16 or bfloat16.
    q : BlockwiseArray
        ``(out features, in features)``, of any sizes: a block may reach over the end of a row.
    bias : array-like, optional
        ``[out features]``.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        ``[..., out features]`` of the type of `x`.
    """

def int8_quantize_rows(x: ArrayLike, threshold: float = 0.0) -> tuple[Array, Array, Array]:
    """
    Quantize each row to int8 by its largest magnitude.

    absmax = max(abs(x)) of the row, code = round(x * (127 / absmax)), halves to even.

    Parameters
    ----------
    x : array-like
        ``[..., columns]`` of float32, float16 or bfloat16.
    threshold : float
        If above 0, elements of at least this magnitude are outliers: they do not count for absmax, and
        all codes of their columns are 0.

    Returns
    -------
    codes : Array
        int8, the shape of `x`.
    absmax : Array
        float32 ``[rows]``.
    outliers : Array
        int64, the columns with an outlier in ascending order.

    Notes
    -----
    A row of zeros, or with NaN or infinity, gets the code 0 throughout (absmax 0, NaN, infinity).

    References
    ----------
    Dettmers et al., "LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale", 2022.
    """

def int8_matmul(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """
    a @ b.T of int8 in int32, exact.

    Parameters
    ----------
    a : array-like
        int8 ``[..., columns]``.
    b : array-like
        int8 ``[rows, columns]``.
    out : Array, optional
        Where to write the result: its shape and type must fit.

    Returns
    -------
    Array
        int32 ``[..., rows]``. Sums that pass int32 (possible from 131072 columns on) are taken modulo 2**32.
    """

def int8_dequantize(sums: ArrayLike, row_absmax: ArrayLike, column_absmax: ArrayLike, bias: ArrayLike | None = None, dtype: DTypeLike | None = None) -> Array:
    """
    sums * (row_absmax * column_absmax) / 127**2 + bias: what an int8 product stands for.

    Parameters
    ----------
    sums : array-like
        int32 ``[..., columns]``, as `int8_matmul` gives it.
    row_absmax, column_absmax : array-like
        float32, one for each row and for each column.
    bias : array-like, optional
        ``[columns]``.
    dtype : dtype, optional
        float32 if None.

    Returns
    -------
    Array
        The shape of `sums`; computed in float32 and rounded once.
    """

class Kernel:
    """
    A kernel of your own, in the Metal Shading Language.

    Parameters
    ----------
    source : str
        A whole MSL file.
    name : str
        The kernel's name in it (``host_name`` where it has one).
    constants : dict, optional
        Values of function constants, by name or by index.
    fast_math : bool
        Let the compiler reorder floating-point arithmetic and forget NaN.
    device : Device or str, optional
        A Metal device; the default device where that is one, else the first that the machine has.

    Raises
    ------
    CompileError
        If the source is wrong. The message is the compiler's log; ``program_source`` is `source`.
    CapabilityError
        If the device, or the machine, runs no Metal kernels.
    """

    def __init__(self, source: str, name: str, constants: Mapping[str | int, bool | int | float] = {}, *, fast_math: bool = False, device: DeviceLike | None = None) -> None: ...

    def __call__(self, *arguments: object, grid: ShapeLike, threadgroup: ShapeLike, threadgroup_memory: Mapping[int, int] = {}) -> None:
        """
        Run the kernel.

        Parameters
        ----------
        *arguments
            By buffer index: an Array; or, where the kernel does not write, a number (32 bits), bytes, or a NumPy
            scalar or record; None where the kernel declares nothing.
        grid : int or sequence of int
            Threads, in up to 3 dimensions.
        threadgroup : int or sequence of int
            Threads of a threadgroup. Those at the edge of the grid may be smaller.
        threadgroup_memory : dict, optional
            Bytes of ``[[threadgroup(i)]]`` arguments, by index.
        """

    @property
    def name(self) -> str:
        """The kernel's name."""

    @property
    def max_threads(self) -> int:
        """Most threads that a threadgroup of it can have."""

    @property
    def simd_width(self) -> int:
        """Threads of a SIMD-group."""

def pipelines_stats(device: DeviceLike | None = None) -> dict[str, float]: ...

def pipelines_save() -> None: ...

def pipelines_archive(device: DeviceLike | None = None) -> str: ...

def stream_stats(device: DeviceLike | None = None) -> dict[str, float]: ...

class QueueOrder:
    """See gpu/queue_order.h."""

    def __init__(self, device: DeviceLike, dispatch_queue: int, command_buffer: int, commit: int) -> None:
        """The other library's functions by their addresses."""

    def wait_for_other(self) -> None: ...

    def make_other_wait(self) -> None: ...

def softmetal_live_objects() -> dict[str, int]: ...

def softmetal_take_reports() -> list[str]: ...

def softmetal_set_check(arg: bool, /) -> None: ...

def softmetal_check() -> bool: ...

def softmetal_order() -> tuple[int, int]: ...

def softmetal_set_order(arg0: int, arg1: int, /) -> None: ...

def softmetal_set_threads(arg: int, /) -> None: ...

def softmetal_fail_allocations(arg0: int, arg1: int, /) -> None: ...

def softmetal_fail_command_buffers(arg0: int, arg1: int, arg2: int, /) -> None: ...

def softmetal_lose_device(arg: bool, /) -> None: ...

def softmetal_delay_completion(arg: int, /) -> None: ...

def softmetal_clear_faults() -> None: ...

def softmetal_profiles() -> list[str]: ...

def set_nvrtc_path(arg: str, /) -> None: ...

def softmetal_private_array(arg: int, /) -> Array:
    """
    An array in memory that the device alone reaches, as another library's may be; for tests.
    """

def softmetal_profile() -> str: ...

def softmetal_set_profile(arg: str, /) -> bool: ...

class SoftmetalNeighbour:
    """Another library on the device; for tests."""

    def __init__(self) -> None: ...

    def functions(self) -> tuple[int, int, int]: ...

    def copy(self, source: Array, target: Array) -> None: ...

    def close(self) -> None: ...

    def open(self) -> None: ...

    def finish(self) -> None: ...
