"""Compares the signature of every method of softmetal with what PyObjC states of Apple's."""

import re
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest
from softmetal_build import ROOT, skip_aloud

WHEEL = "pyobjc-framework-Metal"

# Differences that are right, each with its reason.
EXPECTED_DIFFERENCES = {
    "[MTLCommandBuffer status]": "metal-cpp declares it unsigned; the ABI is the same",
    "[MTLFunctionConstant type]": "the metadata knows only other protocols' method of that name",
}


def download_metadata() -> str:
    folder = ROOT / ".deps/pyobjc-metal"
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--platform", "macosx_11_0_universal2"]
        command += ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312"]
        done = subprocess.run(
            [*command, "--dest", folder, WHEEL], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            skip_aloud(f"{WHEEL} cannot be downloaded: {done.stderr[-300:]}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return wheel.read("Metal/_metadata.py").decode()


class FakeObjc(types.ModuleType):
    """Stands for PyObjC's runtime, which exists only on macOS: it records the selectors."""

    arch = "arm64"

    def __init__(self):
        super().__init__("objc")
        self.selectors: dict[str, list[tuple[str, dict]]] = {}

    def registerMetaDataForSelector(self, class_name, selector, metadata):
        known = self.selectors.setdefault(selector.decode(), [])
        known.append((class_name.decode(), metadata))

    def __getattr__(self, name):
        return lambda *args, **keywords: None


@pytest.fixture(scope="module")
def oracle() -> FakeObjc:
    source = download_metadata()
    fake = FakeObjc()
    real = sys.modules.get("objc")
    sys.modules["objc"] = fake
    try:
        exec(compile(source, "Metal/_metadata.py", "exec"), {"__name__": "Metal._metadata"})
    finally:
        if real is None:
            del sys.modules["objc"]
        else:
            sys.modules["objc"] = real
    return fake


@pytest.fixture(scope="module")
def methods(softmetal_build: Path) -> list[tuple[str, str, str, list[str]]]:
    """(kind, class, selector, [result, arguments ...]) of each method of softmetal's."""
    output = subprocess.run(
        [softmetal_build / "tests/softmetal_methods"], capture_output=True, text=True, check=True
    ).stdout
    rows = []
    for line in output.splitlines():
        kind, class_name, selector, signature = line.split(" ", 3)
        result, receiver, command, *arguments = split_types(signature)
        assert (receiver, command) == ("@", ":"), line
        rows.append((kind, class_name, selector, [result, *arguments]))
    return rows


TYPE = re.compile(r"\^*(?:@\?|\{[^{}]*\}|.)")


def split_types(signature: str) -> list[str]:
    return TYPE.findall(signature)


def text_of(encoding: bytes | str) -> str:
    return encoding if isinstance(encoding, str) else encoding.decode()


# PyObjC's own codes: a BOOL, and a byte that Python shows as a number.
PYOBJC_CODES = {"Z": "B", "z": "C"}


def normal(encoding: bytes | str) -> str:
    """The form in which softmetal's signatures and PyObjC's encodings can be equal."""
    qualifiers = "[rnNoORV]*"  # const, in, out and so on: softmetal's signatures drop them
    stars, text = re.fullmatch(rf"{qualifiers}(\^*){qualifiers}(.+)", text_of(encoding)).groups()
    if text.startswith("{"):
        if stars:
            return stars[1:] + "@"  # C++ cannot tell a pointer to a struct from one to an object
        return "{" + text[1:-1].split("=")[0].lstrip("_").replace("::", "") + "}"
    return stars + PYOBJC_CODES.get(text, text)


def differences(ours: list[str], selector: str, metadata: dict) -> list[str]:
    """Where our signature differs from what the metadata states; it need not state all."""
    found = []
    if selector.count(":") != len(ours) - 1:
        found.append(f"takes {len(ours) - 1} arguments")
    stated = dict(metadata.get("arguments", {}))
    if "retval" in metadata:
        stated[1] = metadata["retval"]  # arguments count from 2: 0 and 1 are receiver and selector
    for index, value in stated.items():
        if "type" not in value or index - 1 >= len(ours):
            continue
        if normal(ours[index - 1]) != normal(value["type"]):
            what = "result" if index == 1 else f"argument {index - 2}"
            found.append(f"{what} is {ours[index - 1]}, Apple's {text_of(value['type'])}")
    return found


def test_signatures_are_apples(methods, oracle):
    compared, wrong, seen = 0, [], set()
    for kind, class_name, selector, types_ in methods:
        entries = oracle.selectors.get(selector, [])
        # Protocols are listed under NSObject; a class's own entry is about that class alone.
        relevant = [data for owner, data in entries if owner in ("NSObject", class_name)]
        if not relevant or class_name.startswith("NS"):
            continue
        compared += 1
        # One selector may be declared by several protocols, with different types.
        results = [differences(types_, selector, data) for data in relevant]
        if all(results):
            name = f"[{class_name} {selector}]"
            seen.add(name)
            if name not in EXPECTED_DIFFERENCES:
                wrong.append(f"{kind}{name}: {'; '.join(results[0])}")
    assert not wrong, "\n".join(wrong)
    assert seen == set(EXPECTED_DIFFERENCES), "an expected difference is gone"
    assert compared > 100, f"only {compared} of {len(methods)} methods could be compared"


def test_every_method_has_as_many_arguments_as_colons(methods):
    wrong = [row for row in methods if row[2].count(":") != len(row[3]) - 1]
    assert not wrong


def test_a_wrong_signature_is_found(oracle):
    """The comparison itself can fail: the argument's type, the result's, and the count."""
    ((_, metadata), *_) = oracle.selectors["newBufferWithLength:options:"]
    assert differences(["@", "Q", "Q"], "newBufferWithLength:options:", metadata) == []
    assert differences(["@", "I", "Q"], "newBufferWithLength:options:", metadata)
    assert differences(["Q", "Q", "Q"], "newBufferWithLength:options:", metadata)
    assert differences(["@", "Q"], "newBufferWithLength:options:", metadata)
