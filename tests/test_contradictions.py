"""What cannot be of rules, schedules, stops, penalties and sampling: one line, and no run."""

from pathlib import Path

import pytest

from tests.conftest import Command
from tests.test_errors import assert_one_line

MISTAKES = {
    "rule=momentum rule.mu=1.0": ["rule.mu must be a number in [0, 1). Got 1.0.", "rule.mu=0.9"],
    "rule=adam rule.beta2=1": ["rule.beta2 must be a number in [0, 1). Got 1."],
    "rule=adagrad rule.epsilon=0": ["rule.epsilon must be a finite number > 0. Got 0."],
    "rule=rmsprop rule.alpha=-0.1": ["rule.alpha must be a number in [0, 1). Got -0.1."],
    "rule=adamw rule.weight_decay=-1": ["rule.weight_decay must be a finite number >= 0"],
    "rule=adam rule.beta3=1": ["rule.beta3: no such setting. Did you mean rule.beta2?"],
    "rule.mu=0.5": ["rule.mu: means something only with rule=momentum or rule=nesterov."],
    "rule=adam rule=rmsprop": ["rule: rule=adam and rule=rmsprop contradict each other."],
    "stop=early stop=budget stop.updates=9": ["stop=early and stop=budget contradict each other."],
    "stop=budget": ["takes just one of stop.updates, stop.examples and stop.seconds. Got none."],
    "stop=budget stop.updates=3 stop.seconds=4": ["Got updates=3, seconds=4.", "stop.examples="],
    "stop=budget stop.updates=0": ["stop.updates must be a whole number >= 1. Got 0."],
    "stop=budget stop.examples=9": ["stop.examples must be at least m = 10"],
    "optimizer=gd stop=budget stop.examples=500": ["stop.examples must be at least m = 1300"],
    "stop=target": ["stop=target takes just one of stop.cost and stop.accuracy. Got none."],
    "stop=target stop.cost=1 stop.accuracy=0.5": ["Got both."],
    "stop=target stop.accuracy=95": ["stop.accuracy must be a number in (0, 1]. Got 95."],
    "stop=early stop.metric=loss": ["stop.metric must be one of accuracy, cost. Got 'loss'."],
    "stop=early stop.updates=3": ["stop.updates: means something only with stop=budget."],
    "stop=tolerance stop.tolerance=0": ["stop.tolerance must be a finite number > 0. Got 0."],
    "schedule=cosine stop=budget stop.updates=9": ["epochs must be set", "has to know the end"],
    "schedule=cosine schedule.warm_up=30": ["schedule.warm_up must be less than the 30 epochs"],
    "schedule=step schedule.by=day": ["schedule.by must be one of epoch, update. Got 'day'."],
    "schedule=exponential schedule.gamma=2": ["schedule.gamma must be a number in (0, 1]. Got 2."],
    "clip=-1": ["clip must be a finite number > 0. Got -1.", "clip=1.0"],
    "clip=" + "9" * 400: ["clip must be a finite number > 0."],
    "epochs=null": ["epochs must be set", "Only stop=budget can do without."],
    "penalty.l2=-1": ["penalty.l2 must be a finite number >= 0. Got -1."],
    "optimizer.sampling=foo": ["optimizer.sampling must be one of shuffle, in_order, with_repl"],
    "optimizer.last=drop batch=2000": ["batch must be at most n = 1300"],
    "optimizer=gd optimizer.last=drop": ["optimizer.last: means something only with optimizer=sgd"],
    "problem=function function=ellipse function.formula=v1**2+v2**2": [
        "function.formula must be one with condition in it. Got 'v1**2+v2**2'.",
        "function=formula is for any.",
    ],
    "architecture=binary": ["architecture.outputs must be per_class, for 10 classes."],
    "architecture=regression": ["architecture.outputs must be per_class, for 10", "hidden_30"],
    "engine=blas rule=adam": ["engine=blas carries out rule=plain only", "engine=auto"],
    "engine=blas clip=1": ["engine=blas carries out rule=plain only"],
    "engine=blas schedule=step schedule.by=update": ["engine=blas carries out schedules by epoch"],
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_contradiction_is_told_in_one_line(words: str, inside: Command, outputs: Path) -> None:
    ran = inside(*words.split(), "tracking=off")
    assert_one_line(ran.stderr, *MISTAKES[words])
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert not [*outputs.glob("runs/**/*")], "no run is left behind"


def test_numbers_have_no_accuracy_to_stop_by(inside: Command, outputs: Path) -> None:
    words = ["data=houses", "architecture=regression", "tracking=off"]
    for stop, told in (
        (["stop=early"], "there is no accuracy here. Write stop.metric=cost."),
        (["stop=target", "stop.accuracy=0.9"], "stop=target: there is no accuracy of 'val' here."),
    ):
        ran = inside(*words, *stop)
        assert_one_line(ran.stderr, told)
        assert ran.returncode == 1
    assert not [*outputs.rglob("journal.jsonl")]
