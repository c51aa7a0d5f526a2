"""Looks inside a descent: each diagnostic is off by default, and disturbs nothing."""

from gdexp.diagnostics.confusion import Confusion
from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight, Subject, Waypoint
from gdexp.diagnostics.gradcheck import GradCheck
from gdexp.diagnostics.inspection import Inspection
from gdexp.diagnostics.landscape import Landscape
from gdexp.diagnostics.noise import Noise
from gdexp.diagnostics.norms import Norms
from gdexp.diagnostics.weights import Weights

__all__ = [
    "Confusion",
    "Diagnostic",
    "Finding",
    "GradCheck",
    "Inspection",
    "Landscape",
    "Noise",
    "Norms",
    "Sight",
    "Subject",
    "Waypoint",
    "Weights",
]
