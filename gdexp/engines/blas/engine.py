"""The BLAS engine: NumPy and SciPy's BLAS, with everything prepared but the arithmetic."""

from dataclasses import dataclass

from gdexp.descent import Problem
from gdexp.engines.engine import Engine, Prepared, Work, only_bare
from gdexp.problems import Network


@dataclass(frozen=True)
class Blas(Engine):
    """An epoch as a list of calls that are bound once to buffers, and then made again and again.

    Its results are the same bits every time on one machine; another one's BLAS may round otherwise.
    """

    def refusal(self, problem: Problem, work: Work) -> str:
        """Plain steps, and one learning rate an epoch."""
        if work.schedule.by == "update":
            return "carries out schedules by epoch only"
        return only_bare(problem, work)

    def prepare(self, problem: Network) -> Prepared:
        """Make room for parameters; SciPy is imported here, and only here."""
        from gdexp.engines.blas.carrier import BlasCarrier

        return BlasCarrier(problem)
