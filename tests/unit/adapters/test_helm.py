"""The chart renderer, with a helm of the test's own and, where it is installed, with the real one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from labtui.adapters.helm import HelmRenderer
from labtui.domain.errors import Invalid, NotFound, Refused, Unreachable

VALUES = {"components": {"web": {"env": {"A": "yes", "B": "010"}, "args": ("x", "{{ y }}")}}}
TEMPLATE = """\
{{- if not .Values.components }}{{ fail "components is required" }}{{ end }}
{{- range $name, $component := .Values.components }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ $name }}, namespace: {{ $.Release.Namespace }}}
data: {{- toYaml $component.env | nindent 2 }}
{{- end }}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    (folder / "templates/all.yaml").write_text(TEMPLATE)
    return folder


def program(tmp_path: Path, body: str) -> str:
    """A helm that is a Python script."""
    file = tmp_path / "helm"
    file.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    file.chmod(0o755)
    return str(file)


def test_the_values_go_over_stdin_and_into_no_argument(tmp_path: Path, chart: Path) -> None:
    body = "print(json.dumps({'kind': 'Seen', 'argv': sys.argv[1:], 'values': sys.stdin.read()}))"
    (seen,) = HelmRenderer(chart, program(tmp_path, body)).render(VALUES, "web", "apps")
    assert seen["argv"] == ["template", "web", str(chart), "--namespace", "apps", "--values", "-"]
    assert '"010"' in seen["values"]
    assert "010" not in " ".join(seen["argv"])


def test_helms_words_are_passed_on_without_what_a_terminal_would_act_on(tmp_path: Path, chart: Path) -> None:
    body = "sys.stderr.write('Error: values.yaml: \\x1b[2Jcomponents.web: imagee is not allowed'); sys.exit(1)"
    with pytest.raises(Invalid) as caught:
        HelmRenderer(chart, program(tmp_path, body)).render(VALUES, "web", "web")
    assert "imagee is not allowed" in caught.value.detail
    assert "\x1b" not in caught.value.detail


def test_a_helm_that_hangs_is_ended(tmp_path: Path, chart: Path) -> None:
    with pytest.raises(Unreachable, match=r"did not end in 0.5 s"):
        HelmRenderer(chart, program(tmp_path, "time.sleep(60)"), seconds=0.5).render(VALUES, "web", "web")


@pytest.mark.parametrize("printed", ["a: [", "- a list", "just words"])
def test_what_is_no_object_is_told(printed: str, tmp_path: Path, chart: Path) -> None:
    with pytest.raises(Invalid, match="helm printed"):
        HelmRenderer(chart, program(tmp_path, f"print({printed!r})")).render(VALUES, "web", "web")


def test_missing_helm_missing_chart_and_strange_names(tmp_path: Path, chart: Path) -> None:
    with pytest.raises(Refused, match="helm program is missing") as caught:
        HelmRenderer(chart, str(tmp_path / "none")).render(VALUES, "web", "web")
    assert "https://helm.sh" in caught.value.hint
    with pytest.raises(NotFound, match="app chart"):
        HelmRenderer(tmp_path).render(VALUES, "web", "web")
    for name in ("--post-renderer=x", "Web", "w" * 54, ""):
        with pytest.raises(Invalid):
            HelmRenderer(chart).render(VALUES, name, "web")
    with pytest.raises(Invalid):
        HelmRenderer(chart).render(VALUES, "web", "-n")


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")
def test_the_real_helm_keeps_texts_as_texts(chart: Path) -> None:
    (found,) = HelmRenderer(chart).render(VALUES, "web", "apps")
    assert found["data"] == {"A": "yes", "B": "010"}
    assert found["metadata"] == {"name": "web", "namespace": "apps"}
    with pytest.raises(Invalid, match="components is required"):
        HelmRenderer(chart).render({"components": {}}, "web", "apps")


@pytest.mark.parametrize(
    "text", ["y", "1e3", "0o7", "0x1F", "null", "é\t\u202e", "a\ufeffb", "\x1b[", "😀", "{{ .Values }}"]
)
def test_the_real_helm_reads_texts_as_texts(tmp_path: Path, text: str) -> None:
    if shutil.which("helm") is None:
        pytest.skip("helm is not in PATH")
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n", encoding="utf-8")
    template = "kind: Seen\n{{ toYaml .Values }}\n"
    (tmp_path / "templates" / "seen.yaml").write_text(template, encoding="utf-8")
    (seen,) = HelmRenderer(tmp_path).render({"text": text}, "web", "apps")
    assert seen["text"] == text
