"""A simulated estate behind the same ports as the real one: `labtui demo`, and what the tests of all else run on."""

from __future__ import annotations

from labtui.demo.clock import DemoClock
from labtui.demo.estate import DemoEstate
from labtui.demo.faults import Fault, parse_faults

__all__ = ["DemoClock", "DemoEstate", "Fault", "parse_faults"]
