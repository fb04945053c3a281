"""What generated stacks found (tests/properties): each a small stack of its own."""

from __future__ import annotations

import pytest

from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, plan

TOKEN = "Zq8hJmVx3PwRt6YbNc4KdLfS"


@pytest.mark.parametrize(("key", "handler"), [("post_start", "postStart"), ("pre_stop", "preStop")])
def test_a_secret_in_a_hook_is_read_from_the_environment(key: str, handler: str) -> None:
    made = plan({key: [{"command": ["login", "--token", TOKEN, "$(hostname)"]}]})
    (variable,) = component(made)["secretEnv"]
    command = component(made)["lifecycle"][handler]["exec"]["command"]
    # Kubernetes leaves $(X) in a hook alone: it is quoted for the shell, and not doubled
    assert command == ["/bin/sh", "-c", f"exec login --token \"${{{variable}}}\" '$(hostname)'"]
    assert [secret.value for secret in made.secrets] == [TOKEN]
    assert TOKEN not in repr(made.findings) + repr(made.values)


def test_a_hook_without_a_secret_stays_as_it_is() -> None:
    made = plan({"pre_stop": [{"command": ["a", "$(b)"]}]})
    assert component(made)["lifecycle"] == {"preStop": {"exec": {"command": ["a", "$(b)"]}}}


def test_an_extension_inside_of_a_key_is_nothing_to_do() -> None:
    made = plan({"healthcheck": {"test": ["NONE"], "x-note": {"by": "me"}}})
    assert finding(made, "healthcheck.x-note.by").verdict is Verdict.CONVERTED


@pytest.mark.parametrize(
    ("name", "verdict"), [("b_c", Verdict.REFUSED), ("a..b", Verdict.REFUSED), ("Some.Host", Verdict.CONVERTED)]
)
def test_a_name_that_host_aliases_do_not_take_is_refused(name: str, verdict: Verdict) -> None:
    made = plan({"extra_hosts": {name: ["10.0.0.1"]}})
    assert finding(made, f"extra_hosts.{name}").verdict is verdict
    lines = component(made).get("hostAliases", [])
    assert lines == ([{"ip": "10.0.0.1", "hostnames": ["some.host"]}] if verdict is Verdict.CONVERTED else [])


def test_what_is_mounted_at_dev_shm_wins_over_its_size() -> None:
    mount = {"type": "bind", "source": "/dev/shm", "target": "/dev/shm"}
    made = plan({"shm_size": "128m", "volumes": [mount]})
    assert [v["mountPath"] for v in component(made)["volumes"]] == ["/dev/shm"]
    assert "no effect" in finding(made, "shm_size").detail


def test_two_things_at_one_place_are_refused() -> None:
    made = plan({"tmpfs": ["/data"], "volumes": [{"type": "volume", "source": "data", "target": "/data"}]})
    assert [v["mountPath"] for v in component(made)["volumes"]] == ["/data"]
    assert finding(made, "mounts./data").verdict is Verdict.REFUSED


@pytest.mark.parametrize("value", [0, "022"])
def test_a_umask_is_a_question(value: object) -> None:
    assert finding(plan({"umask": value}), "umask").verdict is Verdict.CHOICE


def test_steps_before_the_start_and_jobs_are_refused() -> None:
    assert finding(plan({"pre_start": [{"command": ["x"]}]}), "pre_start").verdict is Verdict.REFUSED
    made = plan({}, top={"jobs": {"nightly": {"image": "x", "triggers": {"manual": True}}}})
    assert finding(made, "jobs", of="").verdict is Verdict.REFUSED


@pytest.mark.parametrize("char", ["\x7f", "\x85", "\u2028", "\ufffe"])
def test_a_character_that_helm_drops_the_whole_environment_for_is_refused(char: str) -> None:
    made = plan({}, MOTTO=f"a{char}b")
    assert finding(made, "values.components.app.env.MOTTO", of="").verdict is Verdict.REFUSED
    assert component(made)["env"] == {"MOTTO": "(cannot be written)"}


def test_a_secret_that_is_a_name_elsewhere_is_not_shown_as_a_key() -> None:
    raw = {
        "volumes": [{"type": "bind", "source": f"/s/{TOKEN}", "target": f"/x/{TOKEN}"}],
        "extra_hosts": {TOKEN: ["1.2.3.4"]},
        "networks": {TOKEN: {"aliases": [TOKEN]}},
        "labels": {f"a.{TOKEN}": "x"},
    }
    made = plan(raw, top={"networks": {TOKEN: {}}}, DB_PASSWORD=TOKEN)
    assert TOKEN not in repr(made) + repr(made.values)
    assert finding(made, "volumes./x/(kept in Vault)")
    assert finding(made, "networks.(kept in Vault)", of="")
