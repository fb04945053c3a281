"""`python -m labtui`."""

from __future__ import annotations

import sys

from labtui.cli.main import main

sys.exit(main())
