"""Runs whose process and feeder are gone, as the next one to open the store finds them."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest


@pytest.mark.filterwarnings("ignore")  # mlflow's own
def test_a_run_that_ends_while_orphans_are_looked_for_keeps_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gdexp.tracking import store

    where = f"sqlite:///{tmp_path}/mlflow.db", "gdexp", str(tmp_path / "artifacts")
    mine = store.Store(*where)

    def begun(name: str) -> str:
        tags = {"gdexp.host": socket.gethostname(), "gdexp.name": name}
        run = mine.client.create_run(mine.experiment_id, tags=tags, run_name=name)
        return str(run.info.run_id)

    lost, ended = begun("lost"), begun("ended")

    def in_hand(tags: Mapping[str, str]) -> bool:
        if tags["gdexp.name"] == "ended":  # just now
            mine.client.set_terminated(ended, "FINISHED")
        return False

    monkeypatch.setattr(store, "in_hand", in_hand)
    store.Store(*where)
    assert mine.status(lost) == "KILLED"
    assert mine.status(ended) == "FINISHED"
    assert "gdexp.outcome" not in mine.client.get_run(ended).data.tags
