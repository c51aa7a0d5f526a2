"""Runs are grouped by all but the seed, and named by what differs."""

import random
from dataclasses import replace
from itertools import count

import pytest

from gdexp.comparison import common, differing, label, variants
from gdexp.stored import StoredRun

NUMBERS = count()
USUAL = {
    "optimizer": "sgd",
    "batch": "10",
    "rule": "plain",
    "eta": "3.0",
    "scaling": "mean",
    "scaling.cost": "mean",
    "scaling.update": "mean",
    "clip": "None",
    "seed": "0",
    "outputs": "/here",
    "tracking.uri": "sqlite:///here",
    "engine": "auto",
    "engine.used": "reference",
    "engine.threads": "1",
    "batch_label": "m=10",
}


def run(written: str = "", **changed: str) -> StoredRun:
    """Make a run with parameters; ``__`` stands for a dot, and an empty value takes one away."""
    return made({name.replace("__", "."): value for name, value in changed.items()}, written)


def made(given: dict[str, str], written: str = "") -> StoredRun:
    """Make a run with parameters beside the usual."""
    number = next(NUMBERS)
    params = {name: value for name, value in {**USUAL, **given}.items() if value}
    left_out = ("seed", "outputs", "tracking.uri")
    key = str(sorted((k, v) for k, v in params.items() if k not in left_out))
    tags = {"gdexp.group_key": key, "gdexp.overrides": written}
    return StoredRun(f"{number:032x}", "gdexp", "", "FINISHED", 0, None, "/", params, tags)


def labels(*runs: StoredRun) -> list[str]:
    return [variant.label for variant in variants(runs)]


def test_a_label_names_what_differs_and_no_more() -> None:
    gd = run(optimizer="gd", batch="")
    assert labels(gd, run(), run(batch="2")) == ["gd", "sgd m=2", "sgd m=10"]
    assert labels(run(), run(eta="0.3")) == ["eta=0.3", "eta=3"]
    assert labels(run(), run(clip="1.0")) == ["without clip", "clip=1"]
    assert labels(run()) == ["all alike"]


def test_seeds_are_one_variant_wherever_they_ran() -> None:
    runs = [run(seed=str(seed), outputs=f"/{seed}") for seed in (10, 2, 1)]
    (variant,) = variants(runs)
    assert variant.runs == tuple(runs)
    assert list(variant.by_seed) == [1, 2, 10]
    assert differing(runs) == ["seed"]


def test_of_repetitions_the_latest_that_finished_counts() -> None:
    first, second = replace(run(), start=1), replace(run(), start=2)
    killed = replace(run(), start=3, status="KILLED")
    (variant,) = variants([killed, second, first])
    assert variant.by_seed == {0: second}


def test_data_may_have_a_seed_of_their_own() -> None:
    runs = [run(seed="0", data__seed=seed) for seed in ("None", "1")]
    assert [list(variant.by_seed) for variant in variants(runs)] == [[0], ["0, 1"]]


def test_what_an_option_decides_is_told_by_its_name_alone() -> None:
    other = run(scaling="sum", scaling__cost="sum", scaling__update="sum")
    assert differing([run(), other]) == ["scaling"]
    momentum = run(rule="momentum", rule__mu="0.9")
    assert differing([run(), momentum]) == ["rule"]


def test_what_somebody_wrote_is_told() -> None:
    one, other = run(rule="momentum", rule__mu="0.9"), run(rule="nesterov", rule__mu="0.8")
    assert differing([one, other]) == ["rule"]
    written = run("rule=nesterov rule.mu=0.8", rule="nesterov", rule__mu="0.8")
    assert differing([one, written]) == ["rule", "rule.mu"]
    assert labels(one, written) == ["momentum mu=0.9", "nesterov mu=0.8"]
    assert labels(run(), run(scaling__update="sum")) == ["update=mean", "update=sum"]


def test_two_settings_of_one_last_name_are_told_in_full() -> None:
    a, b = run(stop__every="1", eval__every="1"), run(stop__every="2", eval__every="3")
    assert labels(a, b) == ["eval.every=1 stop.every=1", "eval.every=3 stop.every=2"]


def test_what_follows_from_others_is_left_out() -> None:
    assert differing([run(), run(batch="100", batch_label="m=100")]) == ["batch"]
    assert differing([run(), run(outputs="/there", engine="reference", engine__threads="2")]) == []
    assert labels(run(), run(engine__used="compiled")) == ["compiled", "reference"]


def test_the_order_is_natural_and_not_that_of_the_store() -> None:
    runs = [run(batch=batch, eta=eta) for batch in ("100", "2", "10") for eta in ("10.0", "3.0")]
    wanted = [f"m={m} eta={eta}" for m in (2, 10, 100) for eta in (3, 10)]
    for _ in range(5):
        random.Random(0).shuffle(runs)
        assert labels(*runs) == wanted


def test_variants_that_no_parameter_tells_apart() -> None:
    one, other = run(), run()
    other.tags["gdexp.group_key"] = "0123456789"  # type: ignore[index]
    found = labels(one, other)
    assert len(set(found)) == 2
    assert "all alike #012345" in found


def test_what_all_share() -> None:
    shared = common([run(), run(eta="0.3")])
    assert shared["batch"] == "10"
    assert not {"eta", "outputs", "batch_label"} & set(shared)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"batch": "10", "eta": "0.30"}, "m=10 eta=0.3"),
        ({"architecture.hidden": "[50,20]"}, "hidden=[50,20]"),
        ({"rule": "adam", "clip": "None"}, "adam"),
        ({}, ""),
    ],
)
def test_settings_are_written_short(settings: dict[str, str], told: str) -> None:
    assert label(settings, list(settings)) == told
