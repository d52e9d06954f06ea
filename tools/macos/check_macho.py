"""Check the Mach-O files of a macOS wheel, on any system, as far as they can be without a Mac.

Each must be for arm64 and the given version of macOS, load no library beyond the ones listed here,
take every symbol that it lacks from one of them or from Python, and match its code signature. The
exit status is 1 where one does not; every fault has a line. Run it with the version of Python that
the wheel is for: its own symbols are what a module may take from Python.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import lief
from signature import signature_faults

MachO = lief.MachO

FRAMEWORKS = "/System/Library/Frameworks"
LIBRARIES = {
    f"{FRAMEWORKS}/Accelerate.framework/Versions/A/Accelerate",
    f"{FRAMEWORKS}/Foundation.framework/Versions/C/Foundation",
    f"{FRAMEWORKS}/Metal.framework/Versions/A/Metal",
    f"{FRAMEWORKS}/QuartzCore.framework/Versions/A/QuartzCore",
    "/usr/lib/libSystem.B.dylib",
    "/usr/lib/libc++.1.dylib",  # what Apple's linker gives; zig's own is inside the module
    "/usr/lib/libobjc.A.dylib",
}


def defined_here(image: lief.MachO.Binary, binding: lief.MachO.BindingInfo) -> bool:
    """Say whether dyld only replaces a definition of this image by an equal one of another.

    That is so for what C++ allows in several libraries, as templates and type information; the
    pointer then holds the address of the image's own.
    """
    weak = getattr(binding, "binding_class", None) == MachO.DyldBindingInfo.CLASS.WEAK
    own = image.get_int_from_virtual_address(binding.address, 8) if weak else None
    return own is not None and image.section_from_virtual_address(own) is not None


def in_python(name: str) -> bool:
    """Say whether this Python exports a symbol of the C API."""
    return name.lstrip("_").startswith("Py") and hasattr(ctypes.pythonapi, name[1:])


def symbol_faults(image: lief.MachO.Binary, sources: Counter[str]) -> Iterator[str]:
    """Yield the symbols that nothing accounts for, and count the others by where they come from.

    What counts is what dyld will bind. An undefined symbol that it never binds belonged to code
    that the linker left out.
    """
    bindings = {
        (str(binding.symbol.name), str(binding.library.name) if binding.library else ""): binding
        for binding in image.bindings
        if binding.symbol
    }
    for (name, library), binding in sorted(bindings.items(), key=lambda item: item[0]):
        if library in LIBRARIES:
            sources[PurePosixPath(library).name.removesuffix(".dylib")] += 1
        elif library:
            yield f"{name} comes from {library}"
        elif defined_here(image, binding):
            sources["itself"] += 1
        elif in_python(name):
            sources["Python"] += 1
        else:
            yield f"{name} is in no library and not in Python"


def image_faults(path: str, data: bytes, minimum_os: str, sources: Counter[str]) -> Iterator[str]:
    """Yield what is wrong with one Mach-O file."""
    file = MachO.parse(list(data))
    image = file.at(0) if file and file.size == 1 else None
    if image is None:
        yield "is not a Mach-O file of one architecture"
        return
    header = image.header
    if header.cpu_type != MachO.Header.CPU_TYPE.ARM64:
        yield f"is for {header.cpu_type.name}"
    if header.file_type not in (MachO.Header.FILE_TYPE.DYLIB, MachO.Header.FILE_TYPE.BUNDLE):
        yield f"is no library that dlopen() takes, but {header.file_type.name}"

    build = image.build_version
    if build is None or build.platform != MachO.BuildVersion.PLATFORMS.MACOS:
        yield "is not for macOS"
    elif (minimum := "{}.{}".format(*build.minos)) != minimum_os:
        yield f"is for macOS {minimum} and later, not {minimum_os}"

    for library in image.libraries:
        own_name = library.command == MachO.LoadCommand.TYPE.ID_DYLIB
        if not own_name and library.name not in LIBRARIES:
            yield f"loads {library.name!r}"
    yield from (f"searches {rpath.path!r}" for rpath in image.rpaths)
    yield from symbol_faults(image, sources)

    entry = "_PyInit_" + PurePosixPath(path).name.split(".")[0]
    if path.endswith(".so") and entry not in {symbol.name for symbol in image.exported_symbols}:
        yield f"does not export {entry}"
    if image.code_signature is None:
        yield "has no code signature"
    else:
        yield from signature_faults(data, image.code_signature.data_offset)


def main() -> int:
    """Check every Mach-O file of a wheel and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--minimum-os", default="14.0")
    parser.add_argument("--needs", action="append", default=[], metavar="LIBRARY",
                        help="a library that each file must take something from")  # fmt: skip
    options = parser.parse_args()
    lief.logging.disable()  # it complains of zig's empty tables

    faulty = False
    with zipfile.ZipFile(options.wheel) as wheel:
        images = [name for name in wheel.namelist() if name.endswith((".so", ".dylib"))]
        if not images:
            print(f"{options.wheel.name} has no Mach-O file")
            return 1
        for name in images:
            sources: Counter[str] = Counter()
            faults = list(image_faults(name, wheel.read(name), options.minimum_os, sources))
            faults += [f"takes nothing from {need}" for need in options.needs if not sources[need]]
            for fault in faults:
                print(f"{name}: {fault}")
            if not faults:
                counts = ", ".join(f"{n} from {source}" for source, n in sources.most_common())
                print(f"{name}: arm64, macOS {options.minimum_os}, signed; symbols: {counts}")
            faulty |= bool(faults)
    return int(faulty)


if __name__ == "__main__":
    sys.exit(main())
