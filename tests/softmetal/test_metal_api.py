"""Runs the metal-cpp test programs; also under the sanitizers if SOFTMETAL_SANITIZERS is set."""

import os
import subprocess
from pathlib import Path

import pytest
from softmetal_build import ROOT, build


def run_tests(folder: Path, program: str = "softmetal_tests", **environment: str) -> None:
    done = subprocess.run(
        [folder / "tests" / program],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failures" in done.stdout


@pytest.mark.parametrize("program", ["softmetal_tests", "softmetal_msl_tests"])
def test_metal_api(softmetal_build, program):
    run_tests(softmetal_build, program)


@pytest.mark.skipif(
    not os.environ.get("SOFTMETAL_SANITIZERS"), reason="slow: set SOFTMETAL_SANITIZERS=1"
)
@pytest.mark.parametrize("sanitizers", ["address,undefined", "thread"])
def test_metal_api_sanitized(sanitizers):
    folder = ROOT / f"build/softmetal-{sanitizers.replace(',', '-')}"
    build(folder, f"-DSOFTMETAL_SANITIZE={sanitizers}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo")
    run_tests(folder, TSAN_OPTIONS="halt_on_error=1")


def test_a_failure_is_noticed(softmetal_build):
    """Asked for a test that there is none of, the program fails: it cannot pass by running none."""
    done = subprocess.run(
        [softmetal_build / "tests/softmetal_tests", "no_such_test"], capture_output=True
    )
    assert done.returncode == 1
