"""Rewrites MSL into what clang's OpenCL C++ front end parses, keeping every line and column.

Clang ignores unknown [[attributes]] and leaves no trace of them. `[[buffer(0)]]` becomes
`_(buffer(0)) `, a macro of the prelude that records the text in the syntax tree;
`[[function_constant(0)]];` becomes an initializer of unknown value. A call of a vector type,
`vec<T, 4>(...)`, becomes one of the prelude's function `_vc<T, 4>(...)`; the named types
(`float4(...)`) are function-like macros there, which a declarator (`float4 (&x)[2]`) must escape.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<word>[A-Za-z_]\w*)
      | (?P<open>\[\[) | (?P<close>\]\])
      | (?P<mark>[^\s\w])""",
    re.VERBOSE | re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)

_VECTOR = re.compile(r"(bool|u?char|u?short|u?int|u?long|half|bfloat|float)[234]$")

# Attributes of C++ itself, which clang understands.
_CPP_ATTRIBUTES = {"nodiscard", "maybe_unused", "fallthrough", "noreturn", "deprecated"}


def rewrite(text: str) -> str:
    """Return the same text, position by position, in the dialect that clang parses."""
    out = list(text)
    tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup != "skip"]
    for i, token in enumerate(tokens):
        if token.lastgroup == "open":
            end = _attribute_end(tokens, i)
            if end is not None:
                start, stop = token.start(), tokens[end].end()
                content = text[token.end() : stop - 2]
                if _declares_constant(tokens, i, end):
                    out[start:stop] = f"=_{content}  "
                elif text[start - 1 : start].isidentifier():
                    out[start:stop] = f" _({content})"
                else:
                    out[start:stop] = f"_({content}) "
        elif token.group() == "vec" and _is_called(tokens, i + 1):
            out[token.start() : token.end()] = "_vc"
        elif _VECTOR.match(token.group()) and _is_declarator(tokens, i + 1):
            out[token.start()] = token.group()[0].upper()
    return "".join(out)


def _attribute_end(tokens: list[re.Match[str]], start: int) -> int | None:
    """Find the `]]` of a Metal attribute; there is none for an attribute of C++."""
    for i in range(start + 1, len(tokens)):
        text = tokens[i].group()
        if text in _CPP_ATTRIBUTES or (text == ":" and tokens[i - 1].group() == ":"):
            return None
        if tokens[i].lastgroup == "close":
            return i
    return None


def _declares_constant(tokens: list[re.Match[str]], start: int, end: int) -> bool:
    """Tell whether the attribute makes a declaration at program scope a function constant."""
    following = tokens[end + 1].group() if end + 1 < len(tokens) else ""
    return tokens[start + 1].group() == "function_constant" and following == ";"


def _is_called(tokens: list[re.Match[str]], i: int) -> bool:
    """Tell whether a template argument list starts at token i and an argument list follows it."""
    depth = 0
    for token, following in zip(tokens[i:], tokens[i + 1 :], strict=False):
        depth += {"<": 1, ">": -1}.get(token.group(), 0)
        if depth == 0:
            return token.group() == ">" and following.group() == "("
        if token.group() in ";{}":
            return False
    return False


def _is_declarator(tokens: list[re.Match[str]], i: int) -> bool:
    """Tell whether `(&name)[` or `(*name)` follows a type, which then is not called."""
    text = [token.group() for token in tokens[i : i + 4]]
    return len(text) == 4 and text[0] == "(" and text[1] in ("&", "*") and text[3] == ")"


def with_includes(path: Path, text: str, include: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the file and every file that it includes by a quoted name, each rewritten."""
    search = list(include)
    seen: set[Path] = set()
    pending = [(path, text)]
    while pending:
        file, content = pending.pop()
        if file in seen:
            continue
        seen.add(file)
        yield file, rewrite(content)
        for name in _INCLUDE.findall(content):
            for folder in (file.parent, *search):
                found = folder / name
                if found.is_file():
                    pending.append((found, found.read_text()))
                    break
