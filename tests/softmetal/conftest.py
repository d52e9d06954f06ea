from pathlib import Path

import pytest
from softmetal_build import ROOT, build


@pytest.fixture(scope="session")
def softmetal_build() -> Path:
    return build(ROOT / "build/softmetal-tests")
