"""What is loaded when: the command line is quick because it loads no screen, the screen because it loads no client library."""

from __future__ import annotations

import subprocess
import sys

import pytest

CLIENTS = ("kubernetes", "docker", "hvac", "httpx", "requests", "urllib3")


def loaded(code: str) -> set[str]:
    """The top-level packages in a fresh interpreter after `code`."""
    script = f"import sys\n{code}\nprint('\\n'.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["status", "--demo", "--json"],
        ["sync", "--help"],
        ["compose", "--demo", "kyiv/monitoring", "up", "--dry-run"],
    ],
)
def test_headless_commands_load_no_textual(arguments: list[str]) -> None:
    code = f"""
from labtui.cli import main
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main({arguments!r})
"""
    found = loaded(code)
    assert "labtui" in found
    assert not found & {"textual", "rich"}
    assert not found & set(CLIENTS)


def test_the_screen_is_imported_without_a_client_library() -> None:
    found = loaded("import labtui.tui.app, labtui.estate.bootstrap, labtui.estate.resolve")
    assert "textual" in found and not found & set(CLIENTS)


def test_an_estate_opens_without_what_only_a_migration_needs() -> None:
    code = """
import subprocess, sys
from labtui.estate.bootstrap import Options, open_lab
open_lab(Options(demo=True), {})
print(sorted(n for n in sys.modules if n.startswith(("labtui.domain.conversion", "labtui.domain.compose"))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_no_function_is_hidden_from_the_import_rules() -> None:
    """`importlib` and `__import__` would get round import-linter."""
    from pathlib import Path

    import labtui

    package = Path(labtui.__file__).parent
    found = [p for p in package.rglob("*.py") if "__import__(" in p.read_text() or "import_module(" in p.read_text()]
    assert not found


def test_no_file_is_long() -> None:
    from pathlib import Path

    import labtui

    package = Path(labtui.__file__).parent
    long = {
        str(p.relative_to(package)): n for p in package.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400
    }
    assert not long
