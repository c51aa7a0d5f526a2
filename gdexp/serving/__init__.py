"""MLflow servers on this machine: one for a page, and one for a team, with all that guards it."""

from gdexp.serving.postgres import Postgres
from gdexp.serving.process import MlflowServer

__all__ = ["MlflowServer", "Postgres"]
