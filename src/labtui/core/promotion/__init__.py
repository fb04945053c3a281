"""From one environment to the next: which values move, which stay, and the text of the file that results."""

from __future__ import annotations

from labtui.core.promotion.merge import Promotion, differences, promote
from labtui.core.promotion.rules import Rules, read_rules
from labtui.core.promotion.text import read_values, rewrite

__all__ = ["Promotion", "Rules", "differences", "promote", "read_rules", "read_values", "rewrite"]
