"""Sweeps: which runs they consist of, found out before the first one begins; and their record."""

from gdexp.sweeps.frozen import Frozen
from gdexp.sweeps.grids import expand
from gdexp.sweeps.job import Job
from gdexp.sweeps.plan import Plan
from gdexp.sweeps.record import SweepRecord
from gdexp.sweeps.settings import Settings, Study
from gdexp.sweeps.sweeping import carry_out

__all__ = [
    "Frozen",
    "Job",
    "Plan",
    "Settings",
    "Study",
    "SweepRecord",
    "carry_out",
    "expand",
]
