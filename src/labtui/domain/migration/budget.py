"""How much may go wrong while the traffic moves. Beyond that the cut-over is taken back."""

from __future__ import annotations

from dataclasses import dataclass

from labtui.domain.errors import BudgetExceeded, Invalid

__all__ = ["Budget", "BudgetExceeded"]


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits for one run of the prober. `failed`: that many failed requests are still allowed; `gap_seconds`: the
    longest time between two good answers that is still allowed. Both are seen through the Ingress."""

    failed: int = 0
    gap_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.failed < 0:
            raise Invalid(f"a budget of {self.failed} failed requests", hint="0 or more")
        if not self.gap_seconds > 0:
            raise Invalid(f"a budget of {self.gap_seconds} seconds without an answer", hint="more than 0")

    def exceeded(self, failed: int, gap_seconds: float) -> str:
        """The sentence that says which limit was passed, empty while both hold."""
        if failed > self.failed:
            allowed = f"{self.failed} may" if self.failed else "none may"
            return f"{failed} {'request' if failed == 1 else 'requests'} failed, {allowed}"
        if gap_seconds > self.gap_seconds:
            return f"no good answer for {gap_seconds:.2f} s, {self.gap_seconds:g} s are allowed"
        return ""

    def demand(self, failed: int, gap_seconds: float, detail: str = "") -> None:
        """Raise `BudgetExceeded` when a limit was passed; `detail` says what failed first."""
        sentence = self.exceeded(failed, gap_seconds)
        if sentence:
            raise BudgetExceeded(sentence, detail)
