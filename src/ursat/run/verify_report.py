"""What `ursat verify` found: frozen values, nothing imported that costs time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ursat.run.report import to_plain


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: its name, whether it holds, and the numbers behind that in one line."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class BandClosure:
    """H(output) - input of one band in stored units (DN), over the ``pixels`` input pixels that H can judge.

    max_dn, rmse_dn: of the residual; limit_dn: what they may be: the largest residual with ``--closure exact``, the
    RMSE with auto, infinite when off. over: pixels whose residual exceeds ``tolerance_dn``.
    """

    max_dn: float
    rmse_dn: float
    tolerance_dn: float
    limit_dn: float
    pixels: int
    over: int


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome of `ursat verify`.

    infeasible: how many pixels the run itself had recorded as impossible to close.
    """

    output: str
    input: str
    checks: tuple[Check, ...]
    closure_mode: str | None
    closure: tuple[BandClosure, ...]
    infeasible: int

    @property
    def ok(self) -> bool:
        """True when every check holds."""
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        plain = to_plain(self)
        return {"ok": self.ok, **plain}
