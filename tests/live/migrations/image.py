"""The image of the migrated stack: Python, busybox, and what it serves, in the registry and in the engines of both sites.

with served_image() as image: ...      # a whole reference; taken away at the end
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.compose_fixture import docker, engine_address
from tests.live.migrations import served
from tests.live.python_image import pack

PROGRAM = "/srv/served.py"


@contextmanager
def served_image() -> Iterator[str]:
    """Build and push it."""
    name = f"lt-{uuid.uuid4().hex[:8]}-served"
    image = f"{os.environ['LIVE_REGISTRY']}/{name}:1"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        pack(folder / "python.tar")
        shutil.copy(str(served.__file__), folder / "served.py")
        base = f"{os.environ['LIVE_REGISTRY']}/busybox:latest"
        (folder / "Dockerfile").write_text(f"FROM {base}\nADD python.tar /\nCOPY served.py {PROGRAM}\n")
        docker("wroclaw", "build", "--quiet", "--tag", image, str(folder))
        docker("wroclaw", "push", "--quiet", image)
        docker("wroclaw", "save", "--output", str(folder / "image.tar"), image)
        docker("kyiv", "load", "--quiet", "--input", str(folder / "image.tar"))
    digest = docker("wroclaw", "inspect", "--format", "{{index .RepoDigests 0}}", image).partition("@")[2]
    try:
        yield image
    finally:
        for site in ("wroclaw", "kyiv"):  # a container that a failed run has left keeps its image
            command = ["docker", "-H", engine_address(site), "rmi", "--force", image]
            subprocess.run(command, capture_output=True, timeout=60, check=False)
        address = f"http://{os.environ['LIVE_REGISTRY']}/v2/{name}/manifests/{digest}"
        with urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=10):
            pass
