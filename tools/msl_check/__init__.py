"""Checks Metal Shading Language sources as strictly as Apple's compiler does, without it.

Two views of a file are taken. Clang, in OpenCL C++ mode with MSL's address spaces mapped onto
OpenCL's and a narrow `metal_stdlib` of declarations, reports type and address-space errors. A lint
over clang's syntax tree reports what OpenCL C++ permits and MSL does not.

What it cannot tell: errors inside Apple's optimizer, the threadgroup memory a kernel uses, and
graphics code (textures, samplers, vertex and fragment functions), which the prelude leaves out.
"""

from msl_check.checker import Finding, check

__all__ = ["Finding", "check"]
