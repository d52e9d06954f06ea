"""The signature of a kernel: every parameter bound, once, to something of its type."""

import re
from collections.abc import Iterator

from clang.cindex import Cursor, CursorKind, SourceLocation, TypeKind

Report = tuple[SourceLocation, str]

_LAST_BUFFER = 30  # Metal's argument table has 31 buffers
_LAST_THREADGROUP = 30

_POSITIONS = {
    "thread_position_in_grid",
    "thread_position_in_threadgroup",
    "threadgroup_position_in_grid",
    "threadgroups_per_grid",
    "threads_per_grid",
    "threads_per_threadgroup",
    "dispatch_threads_per_threadgroup",
}
_INDICES = {
    "dispatch_quadgroups_per_threadgroup",
    "dispatch_simdgroups_per_threadgroup",
    "quadgroup_index_in_threadgroup",
    "quadgroups_per_threadgroup",
    "simdgroup_index_in_threadgroup",
    "simdgroups_per_threadgroup",
    "thread_execution_width",
    "thread_index_in_quadgroup",
    "thread_index_in_simdgroup",
    "thread_index_in_threadgroup",
    "threads_per_simdgroup",
}
_UNSIGNED = re.compile(r"^(uint|ushort|unsigned int|unsigned short|uint16_t|uint32_t)([23]?)$")
_ATTRIBUTE = re.compile(r"^(\w+)\s*(?:\((.*)\))?$", re.DOTALL)


def attributes(cursor: Cursor) -> list[tuple[str, str]]:
    """Return the Metal attributes on a declaration, each a name and the text of its argument."""
    found = []
    for child in cursor.get_children():
        if child.kind != CursorKind.ANNOTATE_ATTR:
            continue
        for text in _split(child.spelling):
            if text.startswith("__attribute__"):  # [[kernel]], whose text was a macro itself
                text = "kernel"
            match = _ATTRIBUTE.match(text)
            if match:
                # [[threadgroup(0)]] arrives with its keyword replaced.
                name = "threadgroup" if match[1] == "__local" else match[1]
                found.append((name, match[2] or ""))
    return found


def _split(text: str) -> Iterator[str]:
    """Split a list of attributes at the commas that no parenthesis encloses."""
    depth = start = 0
    for i, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            yield text[start:i].strip()
            start = i + 1
    yield text[start:].strip()


def is_kernel(function: Cursor) -> bool:
    """Tell whether a function is a kernel, in either of the two ways to say so."""
    return any(name == "kernel" for name, _ in attributes(function))


def check_kernel(kernel: Cursor) -> Iterator[Report]:
    """Yield what is wrong with the result and the parameters of a kernel."""
    if kernel.result_type.kind != TypeKind.VOID:
        yield kernel.location, "kernel must have void return type"

    taken: dict[tuple[str, str], str] = {}
    widths: set[str] = set()
    for parameter in (c for c in kernel.get_children() if c.kind == CursorKind.PARM_DECL):
        bound = attributes(parameter)
        if not bound:
            yield (
                parameter.location,
                f"kernel parameter '{parameter.spelling}' is not bound: "
                "it needs an attribute such as [[buffer(0)]]",
            )
        for name, argument in bound:
            if name == "function_constant":  # the argument exists only where the constant is true
                continue
            if name in ("buffer", "threadgroup"):
                yield from _check_memory(parameter, name, argument)
                if (name, argument) in taken:
                    yield (
                        parameter.location,
                        f"cannot reserve '{name}' resource location at index {argument}: "
                        f"'{taken[name, argument]}' has it",
                    )
                taken[name, argument] = parameter.spelling
            elif name in _POSITIONS or name in _INDICES:
                yield from _check_position(parameter, name)
                if name in _POSITIONS:
                    widths.add(_plain_type(parameter)[-1:].strip("t"))
            else:
                yield parameter.location, f"unknown kernel parameter attribute '{name}'"
    if len(widths) > 1:
        yield (
            kernel.location,
            "positions and sizes must all be scalars or vectors of the same size",
        )


def _check_memory(parameter: Cursor, name: str, argument: str) -> Iterator[Report]:
    limit = _LAST_BUFFER if name == "buffer" else _LAST_THREADGROUP
    if not argument.isdecimal():
        yield parameter.location, f"'{name}' attribute requires an integer constant"
    elif int(argument) > limit:
        yield (
            parameter.location,
            f"'{name}' attribute parameter is out of bounds: must be between 0 and {limit}",
        )
    pointer = parameter.type
    indirect = pointer.kind in (TypeKind.POINTER, TypeKind.LVALUEREFERENCE)
    spaces = ("__global", "__constant") if name == "buffer" else ("__local",)
    if not indirect or not any(space in pointer.get_pointee().spelling for space in spaces):
        written = "a device or constant" if name == "buffer" else "a threadgroup"
        yield (
            parameter.location,
            f"invalid type of '{parameter.spelling}': '{name}' binds {written} pointer",
        )


def _check_position(parameter: Cursor, name: str) -> Iterator[Report]:
    match = _UNSIGNED.match(_plain_type(parameter))
    if match is None or (name in _INDICES and match[2]):
        wanted = "uint or ushort" if name in _INDICES else "a scalar or vector of uint or ushort"
        yield (
            parameter.location,
            f"invalid type '{_plain_type(parameter)}' for attribute '{name}': {wanted} is needed",
        )


def _plain_type(parameter: Cursor) -> str:
    return re.sub(r"\b(__private|const)\b", "", parameter.type.spelling).strip()
