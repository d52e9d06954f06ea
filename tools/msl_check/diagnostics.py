"""Which of clang's OpenCL C++ errors are errors in MSL too."""

import clang.cindex as cindex


def is_fault(diagnostic: cindex.Diagnostic) -> bool:
    """Tell whether a diagnostic is an error that MSL's compiler would report too."""
    if diagnostic.severity < cindex.Diagnostic.Error:
        return False
    # Kernels are plain functions here (a template cannot be __kernel). The lint tells them apart.
    if "variable cannot be declared in local address space" in diagnostic.spelling:
        return False
    return not (_is_struct_copy(diagnostic) or _is_temporary(diagnostic))


def _is_struct_copy(diagnostic: cindex.Diagnostic) -> bool:
    """Recognize a copy between spaces, legal in MSL; OpenCL's implicit members take one space."""
    if not diagnostic.spelling.startswith(
        ("no matching constructor for init", "no viable overloaded '='")
    ):
        return False
    # The last two: the argument is an object of the class itself, that is, a copy.
    reasons = ("address space", "expects an rvalue", "would lose const qualifier")
    return any(
        "(the implicit" in note.spelling and any(reason in note.spelling for reason in reasons)
        for note in diagnostic.children
    )


def _is_temporary(diagnostic: cindex.Diagnostic) -> bool:
    """Recognize a temporary in a template: clang finds no space for it, in MSL it is thread."""
    return diagnostic.spelling.startswith("no matching conversion for functional") and any(
        "object in address space unqualified" in note.spelling for note in diagnostic.children
    )
