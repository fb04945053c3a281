"""Every key of the Compose specification has a rule; what is in none is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.convert import UNKNOWN
from labtui.domain.conversion.findings import Verdict
from labtui.domain.conversion.rules import REGISTRY, STACK_REGISTRY
from tests.unit.domain.conversion.stacks import finding, plan

# The properties of a service in the specification's schema (compose-spec.json), with `x-` for its extensions.
_SERVICE = """
annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count cpu_percent
cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy develop
device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends external_links
extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging mac_address mem_limit
mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform
ports post_start pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets
security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user
userns_mode uts volumes volumes_from working_dir x-
"""
_STACK = "configs include models name networks secrets version volumes x-"
SERVICE_KEYS, STACK_KEYS = _SERVICE.split(), _STACK.split()


@pytest.mark.parametrize("key", SERVICE_KEYS)
def test_a_service_key_has_a_rule_that_leaves_a_finding_also_without_a_value(key: str) -> None:
    assert key in REGISTRY
    written = "x-note" if key == "x-" else key
    empty: Any
    for empty in (None, [], {}, ""):
        found = finding(plan({written: empty}), written)
        assert found.detail != UNKNOWN
        assert "labtui failed" not in found.detail


@pytest.mark.parametrize("key", STACK_KEYS)
def test_a_key_beside_the_services_has_a_rule(key: str) -> None:
    assert key in STACK_REGISTRY
    written = "x-note" if key == "x-" else key
    found = finding(plan({}, top={written: None}), written, of="")
    assert found.detail != UNKNOWN


def test_nothing_is_in_the_registry_that_the_specification_has_not() -> None:
    assert set(REGISTRY) == set(SERVICE_KEYS)
    assert set(STACK_REGISTRY) == set(STACK_KEYS)


def test_a_key_without_a_rule_is_refused_wherever_it_stands() -> None:
    made = plan(
        {"wormhole": 1, "deploy": {"wormhole": {"depth": 3}}, "healthcheck": {"test": ["NONE"], "mood": 1}},
        top={"moons": {}},
    )
    for key in ("wormhole", "deploy.wormhole.depth", "healthcheck.mood"):
        found = finding(made, key)
        assert (found.verdict, found.detail) == (Verdict.REFUSED, UNKNOWN)
    assert finding(made, "moons", of="").verdict is Verdict.REFUSED
    assert made.verdict == "refused"
