"""What pods of the simulated cluster use, and why some do not come up."""

from __future__ import annotations

from dataclasses import dataclass

from labtui.demo.faults import Fault
from labtui.demo.objects import Manifest, images, pod_template
from labtui.demo.script.workloads import BROKEN_IMAGE, BROKEN_LOG

MIB = 1024 * 1024
_BACK_OFF = "back-off restarting failed container"
_UNITS = {"Ki": 1024, "Mi": MIB, "Gi": 1024 * MIB}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod does not come up."""

    status: str
    reason: str
    message: str
    restarts: bool = False


def trouble_of(manifest: Manifest) -> Trouble | None:
    """What an image brings with it: one of the script crashes, one that does not exist cannot be pulled."""
    for image in images(manifest):
        if image == BROKEN_IMAGE:
            return Trouble("CrashLoopBackOff", "BackOff", f"{_BACK_OFF}: {BROKEN_LOG}", restarts=True)
        if "no-such-image" in image:
            return _missing(image)
    return None


def trouble_of_fault(fault: Fault | None, manifest: Manifest) -> Trouble | None:
    """What a fault of the demo does to new pods."""
    match fault:
        case Fault.NO_IMAGE:
            return _missing(next(iter(images(manifest)), ""))
        case Fault.CRASHES:
            return Trouble("CrashLoopBackOff", "BackOff", f"{_BACK_OFF}: {CRASH_LOG}", restarts=True)
        case _:
            return None


CRASH_LOG = 'level=fatal msg="cannot read the configuration: permission denied"'


def _missing(image: str) -> Trouble:
    return Trouble("ImagePullBackOff", "Failed", f'Back-off pulling image "{image}": not found')


def use_of(manifest: Manifest) -> tuple[float, int]:
    """Cores and bytes that a pod uses: a part of what it asks for."""
    containers = (pod_template(manifest).get("spec") or {}).get("containers") or ()
    memory = 0
    for container in containers:
        asked = str(((container.get("resources") or {}).get("requests") or {}).get("memory", "32Mi"))
        memory += int(float(asked[:-2]) * _UNITS[asked[-2:]]) if asked[-2:] in _UNITS else 32 * MIB
    return 0.012, int(memory * 0.7)
