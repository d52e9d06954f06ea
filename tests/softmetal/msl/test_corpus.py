"""Every kernel of the corpus in each order of threads, and under the checker, silent."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from cases import CASES, Case, check
from metal import Kernel, Metal, Order

CORPUS = Path(__file__).with_name("corpus")
ORDERS = [(Order.FORWARD, 0), (Order.REVERSE, 0), *((Order.SHUFFLED, seed) for seed in (1, 2, 3))]

_kernels: dict[int, Future[Kernel]] = {}


@pytest.fixture(scope="module", autouse=True)
def compiled(_metal: Metal, request):
    """Compiles the selected cases side by side; a fault shows in the case that has it."""

    def compile_one(it: Case) -> Kernel:
        source = (CORPUS / f"{it.file}.metal").read_text()
        return _metal.program(source, it.macros).kernel(it.kernel, it.constants)

    chosen = [
        getattr(item, "callspec", None)
        for item in request.session.items
        if item.module is request.module
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for call in chosen:
            it = call and call.params.get("it")
            if it and id(it) not in _kernels:
                _kernels[id(it)] = pool.submit(compile_one, it)
    yield
    _kernels.clear()


@pytest.mark.parametrize("it", CASES, ids=str)
def test_every_order(metal: Metal, it: Case):
    for order, seed in ORDERS:
        metal.options(order, seed)
        check(_kernels[id(it)].result(), it)


@pytest.mark.parametrize("it", CASES, ids=str)
def test_checked(metal: Metal, it: Case):
    metal.options(Order.SHUFFLED, 5, check=True)
    check(_kernels[id(it)].result(), it)
    assert metal.reports() == []


def test_corpus_is_covered():
    """No kernel of the corpus is left out."""
    import re

    for file in CORPUS.glob("*.metal"):
        text = file.read_text()
        named = set(re.findall(r'host_name\("(\w+)"\)', text))
        covered = {it.kernel for it in CASES if it.file == file.stem}
        assert named <= covered
        plain = set(re.findall(r"(?<!> )(?:^|\n)(?:\[\[kernel\]\]|kernel) void (\w+)", text))
        templates = set(
            re.findall(r"template <[^;{]*?>\n(?:\[\[kernel\]\]|kernel) void (\w+)", text)
        )
        assert plain - templates <= covered
