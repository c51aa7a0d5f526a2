"""What the feeder leaves out of MLflow: nothing that anybody would miss."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdexp.tracking import lean

LEFT_OUT = """
import sys
from gdexp.tracking import feed, lean
feed.load(sys.argv[1])
with lean.imports(sys.argv[1]):
    import gdexp.tracking.model
print(sorted({"pandas", "scipy", "fastapi"} & {*sys.modules}))
import fastapi, pandas
print(int(pandas.DataFrame({"a": [1, 2]}).a.sum()), fastapi.FastAPI.__name__)
"""


@pytest.mark.skipif(
    not version("mlflow").startswith(lean.KNOWN), reason="not run: another MLflow is left as it is"
)
def test_what_is_left_out_is_there_for_whoever_asks_later(tmp_path: Path) -> None:
    words = [sys.executable, "-c", LEFT_OUT, f"sqlite:///{tmp_path}/mlflow.db"]
    ran = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.splitlines() == ["[]", "3 FastAPI"]


def test_with_somebodys_plugin_there_is_all_of_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin's distribution, as pip would have written it."""
    assert not lean._plugins()
    folder = tmp_path / "theirs-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[mlflow.artifact_repository]\nx = theirs:Store\n")
    monkeypatch.syspath_prepend(tmp_path)
    lean._plugins.cache_clear()
    try:
        before = {**sys.modules}
        with lean.imports("sqlite:///mlflow.db"):
            assert {name for name in sys.modules if name not in before} == set()
    finally:
        lean._plugins.cache_clear()


def test_other_stores_have_all_of_mlflow() -> None:
    before = {**sys.modules}
    with lean.imports("http://127.0.0.1:5000"):
        assert {name for name in sys.modules if name not in before} == set()


@pytest.mark.filterwarnings("ignore::UserWarning")  # advice of MLflow
def test_a_models_folder_is_as_mlflow_writes_it() -> None:
    from gdexp.tracking import model_folder

    sizes = (7, 3, np.dtype(np.float32))
    (ours, ours_told), (theirs, theirs_told) = (
        write(*sizes) for write in (model_folder.written, model_folder.by_mlflow)
    )
    theirs.pop("MLmodel")
    theirs.pop(f"artifacts/{model_folder.PARAMETERS}")
    assert ours == theirs
    assert told(ours_told) == told(theirs_told)


def told(model: Any) -> dict[str, Any]:
    """Give what a model says of itself, but for when, and from where, it was made."""
    said: dict[str, Any] = model.to_dict()
    said["flavors"]["python_function"]["artifacts"]["parameters"].pop("uri", None)
    return {name: said[name] for name in said if name not in ("model_uuid", "utc_time_created")}
