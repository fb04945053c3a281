"""An action around another one: the journal knows it by the names of the one within."""

from __future__ import annotations

from labtui.core.migration.action import Action, Data, Look, Report
from labtui.domain.migration.steps import StepName


class Around:
    """All as within; who derives from it says what is different."""

    def __init__(self, inner: Action) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.inner!r}>"

    @property
    def step(self) -> StepName:
        """See `Action`."""
        return self.inner.step

    @property
    def name(self) -> str:
        """See `Action`."""
        return self.inner.name

    @property
    def title(self) -> str:
        """See `Action`."""
        return self.inner.title

    @property
    def lasting(self) -> str:
        """See `Action`."""
        return self.inner.lasting

    def look(self, earlier: Data) -> Look:
        """See `Action`."""
        return self.inner.look(earlier)

    def do(self, earlier: Data, report: Report) -> Data:
        """See `Action`."""
        return self.inner.do(earlier, report)

    def undo(self, data: Data, report: Report) -> None:
        """See `Action`."""
        self.inner.undo(data, report)
