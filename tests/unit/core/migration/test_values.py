"""The texts of a stack in git: pure."""

from __future__ import annotations

import pytest
import yaml

from labtui.core.migration.gitops.values import (
    Layout,
    Stand,
    emptied,
    find_entry,
    new_text,
    stand_of,
    whole,
    with_entry,
    with_stand,
    without_entry,
)
from labtui.domain.errors import Invalid, Refused
from tests.unit.core.migration.world import APPS, LIST

LAYOUT = Layout()
TEXT = """\
# Emby: on Docker today
traffic: docker # for now
workload: false
docker:
  host: 192.168.88.2
components:
  emby:
    image: emby:1 # pinned
"""


def test_two_values_turn_and_nothing_else() -> None:
    new = with_stand(TEXT, "emby.yaml", Stand(True, "both"))
    assert new == TEXT.replace("traffic: docker", "traffic: both").replace("workload: false", "workload: true")
    assert stand_of(new, "emby.yaml") == Stand(True, "both")
    assert with_stand(new, "emby.yaml", Stand(False, "docker")) == TEXT


def test_values_that_are_not_said_are_the_charts_own() -> None:
    text = "# mine\ncomponents:\n  a:\n    image: a:1\n"
    assert stand_of(text, "a.yaml") == Stand(False, "docker")
    new = with_stand(text, "a.yaml", Stand(True, "docker"))
    assert new.startswith("# mine\n") and stand_of(new, "a.yaml") == Stand(True, "docker")


@pytest.mark.parametrize("text", ["traffic: somewhere\n", "workload: maybe\n", "- a\n", "a: [\n"])
def test_values_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        stand_of(text, "a.yaml")


def test_a_file_without_images_is_not_whole() -> None:
    assert whole(TEXT, "emby.yaml") and not whole("components: {a: {image: x}, b: {ports: []}}\n", "x.yaml")
    assert not whole("components: {}\n", "x.yaml") and not whole("", "x.yaml")


@pytest.mark.parametrize(
    "text", ["y", "n", "1e3", "0o7", "yes", "null", "", "1.5", "-1", ".5", "2026-01-01", "~", "a: b"]
)
def test_texts_stay_texts_for_helm(text: str) -> None:
    """Helm reads YAML 1.1 and 1.2 in part: what could be a number, a date or a truth is quoted."""
    written = new_text({"env": {"A": text}})
    assert yaml.safe_load(written) == {"env": {"A": text}}
    assert '"' in written or "'" in written
    assert new_text({"env": {"A": "plain text"}}) == "env:\n  A: plain text\n"


def test_a_new_application_stands_at_the_end_of_its_layer() -> None:
    new = with_entry(APPS, LAYOUT, "shop", "shop", {})
    assert new.startswith(APPS)
    found = find_entry(new, LIST, "shop")
    assert found is not None and found.enabled and found.namespace == "shop" and found.path == LAYOUT.chart
    assert found.values == "manifests/applications/values/homelab/shop.yaml"
    assert without_entry(new, LAYOUT, "shop") == APPS
    off = without_entry(new, LAYOUT, "shop", keep=True)
    assert off == new.replace("      - name: shop\n        enabled: true", "      - name: shop\n        enabled: false")
    assert with_entry(off, LAYOUT, "shop", "shop", {}) == new


def test_annotations_of_an_application_come_and_go() -> None:
    noted = with_entry(APPS, LAYOUT, "emby", "emby", {"a/b": "c"})
    found = find_entry(noted, LIST, "emby")
    assert found is not None and found.annotations == {"a/b": "c"} and "# its own" in noted
    assert with_entry(noted, LAYOUT, "emby", "emby", {"a/b": None}) == APPS


def test_an_application_of_another_chart_is_refused() -> None:
    with pytest.raises(Refused, match="not an application of the app chart"):
        with_entry(APPS.replace("charts/app\n", "charts/own\n"), LAYOUT, "emby", "emby", {})


def test_a_stack_of_several_applications_is_refused() -> None:
    with pytest.raises(Refused, match="is several applications") as refused:
        with_entry(APPS, LAYOUT, "shop", "emby", {})
    assert "namespace emby has emby" in refused.value.detail


def test_a_list_without_the_layer_gets_it() -> None:
    new = with_entry("environment: homelab\nlayers:\n  platform:\n    applications: []\n", LAYOUT, "shop", "shop", {})
    found = find_entry(new, LIST, "shop")
    assert found is not None and found.layer == "applications"


def test_emptied_values_render_nothing_and_keep_the_file() -> None:
    found = yaml.safe_load(emptied(TEXT, "emby.yaml"))
    assert found["components"] == {} and found["ingress"] == {"enabled": False} and not found["workload"]
