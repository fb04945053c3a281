"""The pods of the app chart without helm: templates/_pod.tpl in Python."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

Values = Mapping[str, Any]
Manifest = dict[str, Any]
_AS_IT_IS = ("hostAliases", "nodeSelector", "tolerations")


def named(name: str, most: int = 63) -> str:
    """A name of at most so many characters: a longer one is cut and ends in a hash of the whole."""
    if len(name) <= most:
        return name
    return f"{name[: most - 9].removesuffix('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def volume_name(component: str, volume: str) -> str:
    """The name of what belongs to one volume of a component: its claim, its ConfigMap."""
    return named(f"{component}-{volume}")


def writes(component: Values) -> bool:
    """Does it write to data that outlives its pods and that one writer at a time may have?"""
    for volume in component.get("volumes") or ():
        shared = "ReadWriteMany" in ((volume.get("pvc") or {}).get("accessModes") or ())
        if not volume.get("readOnly") and not shared and any(volume.get(k) for k in ("pvc", "nfs", "hostPath")):
            return True
    return False


def tidy(values: Values | None) -> Manifest:
    """Without what is null or empty in it: the API server leaves that out."""
    found = {}
    for key, value in (values or {}).items():
        kept = tidy(value) if isinstance(value, Mapping) else value
        if kept is not None and not (isinstance(kept, dict | list) and not kept):
            found[key] = kept
    return found


def pod(name: str, component: Values, labels: Mapping[str, str], wait_image: str) -> Manifest:
    """The pod template of a component."""
    volumes: Sequence[Values] = component.get("volumes") or ()
    files = [f for v in volumes if (f := (v.get("configMap") or {}).get("files"))]
    notes = {"checksum/config": _checksum(files)} if files else {}
    notes |= component.get("podAnnotations") or {}
    meta: Manifest = {"labels": {**labels, **(component.get("podLabels") or {})}}
    if notes:
        meta["annotations"] = notes
    spec: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _grace(component),
    }
    if component.get("hostname"):
        spec["hostname"] = component["hostname"]
    if component.get("shareProcessNamespace"):
        spec["shareProcessNamespace"] = True
    spec["securityContext"] = {"seccompProfile": {"type": "RuntimeDefault"}} | tidy(component.get("podSecurityContext"))
    spec |= {key: component[key] for key in _AS_IT_IS if component.get(key)}
    first = [_waiter(w, wait_image) for w in component.get("waitFor") or ()]
    first += component.get("initContainers") or ()
    if first:
        spec["initContainers"] = first
    spec["containers"] = [_container(name, component)]
    mounted = {v["name"]: v for v in reversed(volumes)}
    if volumes:
        spec["volumes"] = [_volume(name, mounted[n]) for n in dict.fromkeys(v["name"] for v in volumes)]
    return {"metadata": meta, "spec": spec}


def _checksum(files: Sequence[Values]) -> str:
    """Of the JSON that Go makes: sorted, narrow, with what HTML could take for its own escaped."""
    text = json.dumps(list(files), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return hashlib.sha256(text.encode()).hexdigest()


def _grace(component: Values) -> int:
    return int(component.get("terminationGracePeriodSeconds", 30))


def _waiter(wait: Values, image: str) -> Manifest:
    port = int(wait["port"])
    script = 'until nc -w 2 "$1" "$2" -e true; do sleep 1; done'
    return {
        "name": named(f"wait-for-{wait['component']}-{port}"),
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script, "wait", wait["component"], str(port)],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"memory": "16Mi"}},
    }


def _container(name: str, component: Values) -> Manifest:
    found: Manifest = {
        "name": name,
        "image": component["image"],
        "imagePullPolicy": component.get("imagePullPolicy") or "IfNotPresent",
    }
    found |= {key: component[key] for key in ("command", "args", "workingDir") if component.get(key)}
    env = [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": origin["secret"], "key": origin["key"]}}}
        for key, origin in sorted((component.get("secretEnv") or {}).items())
    ]
    env += [{"name": key, "value": value} for key, value in sorted((component.get("env") or {}).items())]
    if env:
        found["env"] = env
    ports: dict[tuple[int, str], Manifest] = {}
    for port in component.get("ports") or ():
        protocol = port.get("protocol") or "TCP"
        made = {"name": port["name"], "containerPort": int(port["port"]), "protocol": protocol}
        ports.setdefault((int(port["port"]), protocol), made)
    if ports:
        found["ports"] = list(ports.values())
    probes = component.get("probes") or {}
    found |= {f"{kind}Probe": probes[kind] for kind in ("startup", "readiness", "liveness") if probes.get(kind)}
    if lifecycle := _lifecycle(component):
        found["lifecycle"] = lifecycle
    for key in ("resources", "securityContext"):
        if kept := tidy(component.get(key)):
            found[key] = kept
    if mounts := [_mount(v) for v in component.get("volumes") or ()]:
        found["volumeMounts"] = mounts
    return found


def _mount(volume: Values) -> Manifest:
    found = {"name": volume["name"], "mountPath": volume["mountPath"]}
    if volume.get("readOnly"):
        found["readOnly"] = True
    if volume.get("subPath"):
        found["subPath"] = volume["subPath"]
    return found


def _lifecycle(component: Values) -> Manifest:
    """A stop signal of its own is sent first; a pod that another one takes over from answers a moment longer."""
    found: Manifest = copy.deepcopy(dict(component.get("lifecycle") or {}))
    signal = str(component.get("stopSignal") or "").removeprefix("SIG")
    strategy = component.get("strategy") or ("Recreate" if writes(component) else "RollingUpdate")
    rolling = (component.get("kind") or "Deployment") == "Deployment" and strategy == "RollingUpdate"
    drain = min(5, _grace(component) // 2)
    if "preStop" in found:
        return found
    if signal not in ("", "TERM", "15"):
        script = 'kill -s "$1" 1 && while kill -0 1 2>/dev/null; do sleep 1; done'
        found["preStop"] = {"exec": {"command": ["sh", "-c", script, "stop", signal]}}
    elif rolling and component.get("ports") and drain > 0:
        found["preStop"] = {"sleep": {"seconds": drain}}
    return found


def _volume(component: str, volume: Values) -> Manifest:
    own = volume_name(component, volume["name"])
    found: Manifest = {"name": volume["name"]}
    if "pvc" in volume:
        found["persistentVolumeClaim"] = {"claimName": volume["pvc"].get("existingClaim") or own}
    elif "nfs" in volume:
        found["nfs"] = {"server": volume["nfs"]["server"], "path": volume["nfs"]["path"]}
        if volume.get("readOnly"):
            found["nfs"]["readOnly"] = True
    elif "hostPath" in volume:
        found["hostPath"] = {k: volume["hostPath"][k] for k in ("path", "type") if volume["hostPath"].get(k)}
    elif "configMap" in volume:
        found["configMap"] = {"name": volume["configMap"].get("name") or own, **_mode(volume["configMap"])}
    elif "secret" in volume:
        found["secret"] = {"secretName": volume["secret"]["name"], **_mode(volume["secret"])}
        if items := volume["secret"].get("items"):
            found["secret"]["items"] = [{"key": key, "path": path} for key, path in sorted(items.items())]
    else:
        empty = volume.get("emptyDir") or {}
        found["emptyDir"] = {key: empty[key] for key in ("medium", "sizeLimit") if empty.get(key)}
    return found


def _mode(source: Values) -> Manifest:
    return {"defaultMode": int(source["defaultMode"])} if source.get("defaultMode") else {}
