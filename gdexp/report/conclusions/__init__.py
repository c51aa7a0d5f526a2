"""What follows from the figures, each with the rule by which it does."""

from gdexp.report.conclusions.conclusion import Conclusion, Evidence
from gdexp.report.conclusions.drawn import conclusions

__all__ = ["Conclusion", "Evidence", "conclusions"]
