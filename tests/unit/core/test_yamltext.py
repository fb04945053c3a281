"""YAML that helm and kubectl read as it was meant."""

from __future__ import annotations

import pytest
import yaml

from labtui.core.yamltext import to_yaml


@pytest.mark.parametrize(
    "text", ["y", "N", "1e3", "0o7", "0x1F", "1_000", ".5", "1.", "-12", ".INF", ".nan", "yes", "~", "null", ""]
)
def test_a_text_that_yaml_of_go_takes_for_something_else_is_quoted(text: str) -> None:
    written = to_yaml({"a": text})
    assert written == f"a: '{text}'\n"
    assert yaml.safe_load(written) == {"a": text}


@pytest.mark.parametrize("text", ["v1.2", "1.2.3", "500m", "2Gi", "x", "nginx:1.2", "hello world"])
def test_other_texts_are_plain(text: str) -> None:
    assert to_yaml({"a": text}) == f"a: {text}\n"
