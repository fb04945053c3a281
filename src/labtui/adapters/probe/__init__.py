"""The prober: sends requests to both sides of a migration and through the Ingress, and counts what happens to them."""

from labtui.adapters.probe.prober import NetworkProber
from labtui.adapters.probe.script import CheckProgram

__all__ = ["CheckProgram", "NetworkProber"]
