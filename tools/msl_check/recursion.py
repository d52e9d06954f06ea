"""Recursive calls, which MSL forbids."""

from collections.abc import Collection, Iterator

from clang.cindex import Cursor, CursorKind, SourceLocation, conf

Report = tuple[SourceLocation, str]


def find_recursion(top: list[Cursor], kinds: Collection[CursorKind]) -> Iterator[Report]:
    """Yield every function that reaches itself through calls, where it is declared."""
    functions: dict[str, Cursor] = {}
    for cursor in top:
        for inner in cursor.walk_preorder():
            if inner.kind in kinds and inner.is_definition():
                functions[inner.get_usr()] = inner
    calls = {usr: set(_callees(function)) for usr, function in functions.items()}

    for usr, function in functions.items():
        reached: set[str] = set()
        pending = list(calls[usr])
        while pending:
            callee = pending.pop()
            if callee not in reached:
                reached.add(callee)
                pending.extend(calls.get(callee, ()))
        if usr in reached:
            yield function.location, f"recursive call of '{function.spelling}' is not supported"


def _callees(function: Cursor) -> Iterator[str]:
    for call in function.walk_preorder():
        if call.kind != CursorKind.CALL_EXPR:
            continue
        target = call.referenced
        if target is None:
            target = _only_candidate(call)
        if target is not None:
            template = conf.lib.clang_getSpecializedCursorTemplate(target)
            yield (template or target).get_usr()


def _only_candidate(call: Cursor) -> Cursor | None:
    """Resolve a call inside a template, where its name has one meaning.

    A call with written template arguments is left out: f<N - 1>() within f<N>() unrolls at compile
    time and is legal.
    """
    callee = next(iter(call.get_children()), None)
    for child in callee.walk_preorder() if callee else ():
        if child.kind == CursorKind.OVERLOADED_DECL_REF:
            if any(token.spelling == "<" for token in list(call.get_tokens())[:2]):
                return None
            if conf.lib.clang_getNumOverloadedDecls(child) == 1:
                return conf.lib.clang_getOverloadedDecl(child, 0)
            return None
    return None
