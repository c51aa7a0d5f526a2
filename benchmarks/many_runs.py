"""A store with many runs, made from one: its rows are copied, with other settings and figures."""

import itertools
import random
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import commands, process, section

TEMPLATE = "optimizer=sgd batch=10 eta=3.0 seed=0 epochs=30"
TABLES = ("runs", "params", "tags", "metrics", "latest_metrics")
BATCHES, SEEDS = (1, 10, 100, 1000), range(5)

Row = dict[str, Any]


def many_runs(outputs: Path, count: int) -> None:
    """Make a store with `count` runs of 30 epochs in a folder: batch sizes, η and seeds."""
    section.step(f"a store of {count} runs")
    process.python(commands.gdexp(TEMPLATE), outputs)
    with sqlite3.connect(outputs / "mlflow.db") as database:
        database.row_factory = sqlite3.Row
        found = {
            name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")]
            for name in TABLES
        }
        for number, settings in enumerate(itertools.islice(_settings(count), 1, count)):
            _copy(database, found, settings, number)
    database.close()


def _settings(count: int) -> Iterator[Row]:
    etas = -(-count // (len(BATCHES) * len(SEEDS)))
    for step, batch, seed in itertools.product(range(etas), BATCHES, SEEDS):
        yield {"batch": batch, "eta": round(3.0 * 1.1**step, 6), "seed": seed}


def _copy(
    database: sqlite3.Connection, found: dict[str, list[Row]], settings: Row, number: int
) -> None:
    chance = random.Random(number)
    run, factor = uuid.UUID(int=chance.getrandbits(128)).hex, chance.uniform(0.9, 1.1)
    eta, batch = settings["eta"], settings["batch"]
    group = f"{batch}-{eta}"
    params = {**{k: str(v) for k, v in settings.items()}, "eta_other_convention": str(eta / batch)}
    tags = {
        "gdexp.group_key": group,
        "gdexp.config_hash": f"{group}-{settings['seed']}",
        "gdexp.overrides": " ".join(f"{name}={value}" for name, value in settings.items()),
    }
    changed = {"params": params, "tags": tags}
    for table, rows in found.items():
        copies = []
        for row in rows:
            copy = {**row, "run_uuid": run}
            if table in changed and row["key"] in changed[table]:
                copy["value"] = changed[table][row["key"]]
            elif table.endswith("metrics") and not row["key"].startswith("progress/"):
                copy["value"] = row["value"] * factor
            elif table == "runs":
                copy |= {"name": f"sgd m={batch} eta={eta:g} s={settings['seed']}"}
                copy["start_time"] = row["start_time"] + 1000 * (number + 1)
            copies.append(tuple(copy.values()))
        marks = ",".join("?" * len(rows[0]))
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", copies)
