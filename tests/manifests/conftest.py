"""helm, which the tests of charts need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.manifests.charts import Helm


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    """The helm in PATH. Without it the test is skipped, or fails where live tests are required."""
    program = shutil.which("helm")
    if program is None:
        if os.environ.get("LABTUI_LIVE_REQUIRED") == "1":
            pytest.fail("helm is not in PATH")
        pytest.skip("needs helm in PATH")
    return Helm(program, tmp_path)
