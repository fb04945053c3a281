"""The keys that the Compose specification documents, by where they stand: the properties of its schema (compose-spec.json of
compose-go 2.16.2). `*` is a name of one's own; the entries of a list have no step of their own. `jobs` and `pre_start` are younger
than the docker compose programs in use and hold the keys of a service once more: they are here as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_HOOK = "command environment privileged user working_dir"
_MOUNT = "gid mode source target uid"
_DEVICE = "capabilities count device_ids driver options"
_UPDATE = "delay failure_action max_failure_ratio monitor order parallelism"
_RATE = "path rate"

_SERVICE = """
annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count
cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy
develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends
external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging
mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable
oom_score_adj pid pids_limit platform ports post_start pre_start pre_stop privileged profiles provider pull_policy
pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal
storage_opt sysctls tmpfs tty ulimits umask use_api_socket user userns_mode uts volumes volumes_from working_dir
"""
SERVICE = _SERVICE.split()
TOP = ["configs", "include", "jobs", "models", "name", "networks", "secrets", "services", "version", "volumes"]
YOUNG = frozenset({"jobs", "services.*.pre_start", "services.*.umask"})  # unknown to docker compose 2

_BELOW = {
    "": " ".join(TOP),
    "include": "env_file path project_directory",
    "models.*": "context_size model name runtime_flags",
    "networks.*": "attachable driver driver_opts enable_ipv4 enable_ipv6 external internal ipam labels name",
    "networks.*.ipam": "config driver options",
    "networks.*.ipam.config": "aux_addresses gateway ip_range subnet",
    "volumes.*": "driver driver_opts external labels name",
    "secrets.*": "driver driver_opts environment external file labels name template_driver",
    "configs.*": "content environment external file labels name template_driver",
    "services.*": " ".join(SERVICE),
    "services.*.blkio_config": "device_read_bps device_read_iops device_write_bps device_write_iops weight weight_device",
    **{f"services.*.blkio_config.device_{what}": _RATE for what in ("read_bps", "read_iops", "write_bps", "write_iops")},
    "services.*.blkio_config.weight_device": "path weight",
    "services.*.configs": _MOUNT,
    "services.*.credential_spec": "config file registry",
    "services.*.devices": "permissions source target",
    "services.*.env_file": "format path required",
    "services.*.gpus": _DEVICE,
    "services.*.logging": "driver options",
    "services.*.models.*": "endpoint_var model_var",
    "services.*.networks.*": "aliases driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address "
    "priority",
    "services.*.secrets": _MOUNT,
    "services.*.ulimits.*": "hard soft",
    "services.*.volumes": "bind consistency image read_only source target tmpfs type volume",
    "services.*.volumes.bind": "create_host_path propagation recursive selinux",
    "services.*.volumes.volume": "labels nocopy subpath",
    "services.*.volumes.tmpfs": "mode size",
    "services.*.volumes.image": "subpath",
    "services.*.build": "additional_contexts args cache_from cache_to context dockerfile dockerfile_inline entitlements extra_hosts "
    "isolation labels network no_cache platforms privileged provenance pull sbom secrets shm_size ssh tags target ulimits",
    "services.*.build.secrets": _MOUNT,
    "services.*.build.ulimits.*": "hard soft",
    "services.*.depends_on.*": "condition required restart",
    "services.*.healthcheck": "disable interval retries start_interval start_period test timeout",
    "services.*.ports": "app_protocol host_ip mode name protocol published target",
    "services.*.deploy": "endpoint_mode labels mode placement replicas resources restart_policy rollback_config update_config",
    "services.*.deploy.rollback_config": _UPDATE,
    "services.*.deploy.update_config": _UPDATE,
    "services.*.deploy.resources": "limits reservations",
    "services.*.deploy.resources.limits": "cpus memory pids",
    "services.*.deploy.resources.reservations": "cpus devices generic_resources memory",
    "services.*.deploy.resources.reservations.generic_resources": "discrete_resource_spec",
    "services.*.deploy.resources.reservations.generic_resources.discrete_resource_spec": "kind value",
    "services.*.deploy.resources.reservations.devices": _DEVICE,
    "services.*.deploy.restart_policy": "condition delay max_attempts window",
    "services.*.deploy.placement": "constraints max_replicas_per_node preferences",
    "services.*.deploy.placement.preferences": "spread",
    "services.*.develop": "watch",
    "services.*.develop.watch": "action exec ignore include initial_sync path target",
    "services.*.develop.watch.exec": _HOOK,
    "services.*.provider": "options type",
    "services.*.extends": "file service",
    "services.*.post_start": _HOOK,
    "services.*.pre_stop": _HOOK,
}  # fmt: skip
DOCUMENTED = frozenset(f"{place}.{key}".lstrip(".") for place, keys in _BELOW.items() for key in keys.split())


def used(document: Any, place: str = "") -> Iterator[str]:
    """The documented keys that a Compose file as written uses, with repetitions; `x-` for any extension."""
    if isinstance(document, list):
        for entry in document:
            yield from used(entry, place)
    elif isinstance(document, Mapping):
        for key, inner in document.items():
            path = f"{place}.{key}".lstrip(".")
            if path in DOCUMENTED:
                yield path
                yield from used(inner, path)
            elif str(key).startswith("x-"):
                yield "x-"
            elif f"{place}.*" in _BELOW:
                yield from used(inner, f"{place}.*")
            elif place == "services":
                yield from used(inner, "services.*")
