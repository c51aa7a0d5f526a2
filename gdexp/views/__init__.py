"""What MLflow's page of runs is to show: views that are saved with an experiment.

How a page keeps such a view is not documented by MLflow; the tests in ``tests/browser`` say
whether it still does. Nothing here imports mlflow.
"""

from gdexp.views.prepared import VIEWS
from gdexp.views.tags import MARK, PREFIX, missing
from gdexp.views.view import CREATED, TRAINED, View

__all__ = ["CREATED", "MARK", "PREFIX", "TRAINED", "VIEWS", "View", "missing"]
