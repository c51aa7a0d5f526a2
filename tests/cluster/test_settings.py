"""What cannot be of launcher=dask is told in one line, before anything is recorded."""

import sys
from pathlib import Path
from typing import Any

import pytest

from gdexp.cluster import connection
from gdexp.cluster.parcels import write
from gdexp.cluster.settings import Settings
from gdexp.errors import GdexpError
from tests.conftest import Command
from tests.test_errors import assert_one_line

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"address": "10.0.0.1"}, "launcher.address must be tcp://HOST:PORT. Got '10.0.0.1'."),
    ({"address": "http://x:1"}, "launcher.address must be tcp://HOST:PORT. Got 'http://x:1'."),
    ({"address": "tcp://x:1", "workers": 2}, "launcher.workers: a running cluster has its own"),
    ({"address": "tcp://x:1", "cluster": "lsf"}, "launcher.cluster: a running cluster has its own"),
    ({"cluster": "slurm"}, "launcher.workers must be a whole number. Got None."),
    ({"cluster": "sturm", "workers": 2}, "launcher.cluster must be one of slurm, pbs, lsf, kuber"),
    ({"tries": 0}, "launcher.tries must be a whole number >= 1. Got 0."),
    ({"workers": 5000}, "launcher.workers must be at most 1024 on one machine. Got 5000."),
    ({"ship_data": 1}, "launcher.ship_data must be true or false. Got 1."),
]
SWEEP = ("-m", "seed=0,1", "epochs=1", "tracking=off")


@pytest.mark.parametrize(("given", "told"), MISTAKES)
def test_settings_that_cannot_be(given: dict[str, Any], told: str) -> None:
    with pytest.raises(GdexpError) as refused:
        Settings(**given)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.1:8786", "tls://node7.lan:1", "tcp://[::1]:8786"]
)
def test_addresses_that_can_be(address: str) -> None:
    assert Settings(address=address).address == address


def of_launcher(words: str) -> list[str]:
    return [f"launcher.{word}" for word in words.split()]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("tries=0", "launcher.tries must be a whole number >= 1. Got 0."),
        ("worker=2", "launcher.worker: launcher=dask has no such setting. Leave it out."),
    ],
)
def test_a_command_that_cannot_be(words: str, told: str, inside: Command, outputs: Path) -> None:
    ran = inside(*SWEEP, "launcher=dask", *of_launcher(words))
    assert ran.returncode == 1
    assert told in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr
    assert not [*outputs.rglob("journal.jsonl")]


def test_a_setting_of_another_launcher(inside: Command) -> None:
    ran = inside(*SWEEP, "launcher.address=tcp://x:1")
    assert_one_line(ran.stderr, "means something only with launcher=dask. Write launcher=dask ")


@pytest.mark.parametrize(
    ("module", "words", "advice"),
    [
        ("distributed", "tries=3", "pip install 'gdexp[dask]'"),
        ("dask_kubernetes.operator", "cluster=kubernetes workers=2", "pip install dask-kubernetes"),
    ],
)
def test_what_is_not_installed(
    module: str, words: str, advice: str, inside: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    ran = inside(*SWEEP, "launcher=dask", *of_launcher(words))
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith(f"which is not installed. Write {advice}")


def test_an_address_that_does_not_answer(
    inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    assert connection.PATIENCE == 20
    monkeypatch.setattr(connection, "PATIENCE", 1)
    ran = inside(*SWEEP, "launcher=dask", "launcher.address=tcp://127.0.0.1:9")
    assert ran.returncode == 1
    told = "launcher.address: no Dask scheduler answers at tcp://127.0.0.1:9 within 1 s. Start one"
    assert ran.stderr.splitlines()[-1].startswith(told)
    assert not [*outputs.rglob("journal.jsonl")]


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out"])
def test_a_worker_writes_nothing_outside_of_its_job(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leads out"):
        write({name: b""}, tmp_path / "job")
    assert not (tmp_path / "out").exists()
