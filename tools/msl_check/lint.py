"""What OpenCL C++ permits and MSL does not, found in clang's syntax tree.

Each rule is a function of one cursor and the kernel or function around it. Messages follow the
wording of Apple's compiler where it is known.
"""

import re
from collections.abc import Callable, Collection, Iterator

from clang.cindex import Cursor, CursorKind, SourceLocation, SourceRange, Type, TypeKind

from msl_check.kernels import attributes, check_kernel, is_kernel
from msl_check.recursion import find_recursion

Report = tuple[SourceLocation, str]
Rule = Callable[[Cursor, Cursor | None], Iterator[Report]]

FUNCTIONS = {
    CursorKind.FUNCTION_DECL,
    CursorKind.FUNCTION_TEMPLATE,
    CursorKind.CXX_METHOD,
    CursorKind.CONSTRUCTOR,
    CursorKind.CONVERSION_FUNCTION,
}
_DECLARATIONS = {CursorKind.PARM_DECL, CursorKind.VAR_DECL, CursorKind.FIELD_DECL}
_CASTS = {
    CursorKind.CSTYLE_CAST_EXPR,
    CursorKind.CXX_STATIC_CAST_EXPR,
    CursorKind.CXX_REINTERPRET_CAST_EXPR,
    CursorKind.CXX_CONST_CAST_EXPR,
    CursorKind.CXX_FUNCTIONAL_CAST_EXPR,
}
_SPACES = ("__global", "__local", "__constant", "__private")
_IN_THREADGROUP = re.compile(r"(const |volatile )*__local [^*&]*$")
_FORBIDDEN = {
    CursorKind.GOTO_STMT: "'goto' is not supported in Metal",
    CursorKind.INDIRECT_GOTO_STMT: "'goto' is not supported in Metal",
    CursorKind.ASM_STMT: "inline assembly is not supported in Metal",
    CursorKind.LAMBDA_EXPR: "lambda expressions are not supported before Metal 3.2",
    CursorKind.CXX_TYPEID_EXPR: "'typeid' is not supported in Metal",
    CursorKind.CXX_DYNAMIC_CAST_EXPR: "'dynamic_cast' is not supported in Metal",
    CursorKind.CXX_NEW_EXPR: "'new' is not supported in Metal",
    CursorKind.CXX_DELETE_EXPR: "'delete' is not supported in Metal",
}


def lint(root: Cursor, files: Collection[str]) -> Iterator[Report]:
    """Yield the findings in the given files; what the prelude declares is not ours to judge."""
    top = [
        cursor
        for cursor in root.get_children()
        if cursor.location.file and cursor.location.file.name in files
    ]
    for cursor in top:
        yield from _walk(cursor, None)
    yield from find_recursion(top, FUNCTIONS)


def _walk(cursor: Cursor, function: Cursor | None) -> Iterator[Report]:
    if cursor.kind in FUNCTIONS:
        function = cursor
        if is_kernel(cursor):
            yield from check_kernel(cursor)
    for rule in _RULES:
        yield from rule(cursor, function)
    for child in cursor.get_children():
        yield from _walk(child, function)


def _names_an_address_space(cursor: Cursor, _: Cursor | None) -> Iterator[Report]:
    if cursor.kind in _DECLARATIONS or cursor.kind in _CASTS:
        written = cursor.type
    elif cursor.kind in FUNCTIONS:
        written = cursor.result_type
    elif cursor.kind in (CursorKind.TYPEDEF_DECL, CursorKind.TYPE_ALIAS_DECL):
        written = cursor.underlying_typedef_type
    else:
        return
    bare = _bare_indirection(written)
    if bare:
        yield cursor.location, f"{bare} type must have explicit address space qualifier"


def _bare_indirection(written: Type) -> str | None:
    """Tell whether some level of a type is a pointer or reference to memory of no named kind."""
    kind = written.kind
    if kind in (TypeKind.CONSTANTARRAY, TypeKind.INCOMPLETEARRAY, TypeKind.DEPENDENTSIZEDARRAY):
        return _bare_indirection(written.element_type)
    if kind not in (TypeKind.POINTER, TypeKind.LVALUEREFERENCE, TypeKind.RVALUEREFERENCE):
        return None
    pointee = written.get_pointee()
    qualifiers = pointee.spelling
    if pointee.kind in (TypeKind.POINTER, TypeKind.LVALUEREFERENCE):
        # `T* device* p` prints as "T *__global *": its own space follows the last star.
        qualifiers = qualifiers[qualifiers.rindex("*") :] if "*" in qualifiers else qualifiers
    if pointee.kind == TypeKind.FUNCTIONPROTO:
        return None
    if not any(space in qualifiers for space in _SPACES):
        return "pointer" if kind == TypeKind.POINTER else "reference"
    return _bare_indirection(pointee)


def _threadgroup_variable(cursor: Cursor, function: Cursor | None) -> Iterator[Report]:
    if cursor.kind != CursorKind.VAR_DECL or function is None:
        return
    if not _IN_THREADGROUP.match(cursor.type.spelling):
        return
    if "=" in _declarator(cursor):
        yield cursor.location, "a threadgroup variable cannot have an initializer"
    if not is_kernel(function):
        yield cursor.location, "threadgroup variables may only be declared in a kernel"


def _declarator(variable: Cursor) -> list[str]:
    """Read the words from a variable's name to the end of its declaration.

    Its own tokens do not serve: there are none where a declaration starts with a macro, as
    `threadgroup` is, and clang drops an initializer that it refuses.
    """
    unit, start = variable.translation_unit, variable.location
    end = SourceLocation.from_position(unit, start.file, start.line + 1, 1)
    words = []
    for token in unit.get_tokens(extent=SourceRange.from_locations(start, end)):
        if token.spelling in (";", ","):
            break
        words.append(token.spelling)
    return words


def _constant_initializer(cursor: Cursor, function: Cursor | None) -> Iterator[Report]:
    if cursor.kind != CursorKind.VAR_DECL or "__constant" not in cursor.type.spelling:
        return
    if cursor.type.kind in (TypeKind.POINTER, TypeKind.LVALUEREFERENCE):
        return
    for call in cursor.walk_preorder():
        callee = call.referenced if call.kind == CursorKind.CALL_EXPR else None
        if callee is None or callee.kind not in FUNCTIONS or callee.kind == CursorKind.CONSTRUCTOR:
            continue
        known = {"_function_constant", "is_function_constant_defined"}
        constant = any(token.spelling == "constexpr" for token in callee.get_tokens())
        if not constant and callee.spelling not in known:
            yield call.location, "initializer element is not a compile-time constant"


def _forbidden_construct(cursor: Cursor, _: Cursor | None) -> Iterator[Report]:
    if cursor.kind in _FORBIDDEN:
        yield cursor.location, _FORBIDDEN[cursor.kind]


def _attribute_off_kernel(cursor: Cursor, function: Cursor | None) -> Iterator[Report]:
    if cursor.kind == CursorKind.PARM_DECL and function is not None and not is_kernel(function):
        for name, _ in attributes(cursor):
            yield cursor.location, f"'{name}' attribute only applies to parameters of a kernel"


def _newer_cpp(cursor: Cursor, _: Cursor | None) -> Iterator[Report]:
    """C++17 beyond what Apple's C++14 front end takes as an extension."""
    if cursor.kind == CursorKind.VAR_DECL:
        words = [token.spelling for token in cursor.get_tokens()]
        if "inline" in words[: words.index(cursor.spelling) if cursor.spelling in words else 0]:
            yield cursor.location, "inline variables are a C++17 feature"
        for child in cursor.get_children():
            if child.kind != CursorKind.TEMPLATE_REF or child.spelling not in words:
                continue
            after = words.index(child.spelling) + 1
            if after < len(words) and words[after] != "<":
                yield (
                    cursor.location,
                    f"template arguments of '{child.spelling}' must be written: "
                    "their deduction is a C++17 feature",
                )
    elif cursor.kind == CursorKind.TEMPLATE_NON_TYPE_PARAMETER:
        if cursor.type.spelling.startswith("auto"):
            yield cursor.location, "non-type template parameters of type 'auto' are C++17"
    elif cursor.kind in (CursorKind.IF_STMT, CursorKind.SWITCH_STMT) and _has_initializer(cursor):
        yield cursor.location, "a condition with an initializer is a C++17 feature"


def _has_initializer(statement: Cursor) -> bool:
    depth = 0
    for token in statement.get_tokens():
        depth += {"(": 1, ")": -1}.get(token.spelling, 0)
        if depth == 0 and token.spelling == ")":
            return False
        if depth == 1 and token.spelling == ";":
            return True
    return False


_RULES: tuple[Rule, ...] = (
    _names_an_address_space,
    _threadgroup_variable,
    _constant_initializer,
    _forbidden_construct,
    _attribute_off_kernel,
    _newer_cpp,
)
