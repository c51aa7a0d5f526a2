"""Which jobs a sweep consists of: what Hydra's own sweeper makes of the same words."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from gdexp.errors import GdexpError
from gdexp.sweeps import Study, expand
from gdexp.sweeps.composer import Composer
from gdexp.sweeps.frozen import Frozen
from tests.conftest import CONF

PARSER = OverridesParser.create()
NAMES = st.sampled_from(["batch", "eta", "+new", "~clip", "architecture.hidden", "rule", "seed"])
VALUES = st.sampled_from(
    [
        *(
            "1",
            "1,10,100",
            "range(3)",
            "range(0.5,2,0.5)",
            "choice(a,b)",
            "[30],[50,20]",
            "null,1.5",
        ),
        *("'a b',\"c,d\"", "{a:1},{a:2}", "tanh", "true,false", "sort(3,1,2)", "", "shuffle(1)"),
    ]
)
WORDS = st.lists(st.tuples(NAMES, VALUES).map("=".join), max_size=4)


@given(WORDS)
@settings(max_examples=80)
def test_a_grid_is_what_hydra_s_own_sweeper_makes_of_it(words: list[str]) -> None:
    words = [word for word in words if not word.startswith("~") or "," not in word]
    (expected,) = BasicSweeper.split_arguments(PARSER.parse_overrides(words), None)
    assert [list(job) for job in expand(PARSER, words)] == expected


def test_several_grids_come_one_after_another_and_words_take_the_place_of_axes() -> None:
    study = Study("t", grids=[{"rule": "a"}, {"rule": "b", "m": [1, 2]}], common={"seed": [0, 1]})
    assert expand(PARSER, [], study.whole) == [
        *[("rule=a", "seed=0"), ("rule=a", "seed=1")],
        *[("rule=b", "m=1", "seed=0"), ("rule=b", "m=1", "seed=1")],
        *[("rule=b", "m=2", "seed=0"), ("rule=b", "m=2", "seed=1")],
    ]
    # seed is an axis of both, m one of the second only, and epochs of none.
    assert expand(PARSER, ["seed=7", "m=5", "epochs=3"], study.whole) == [
        ("rule=a", "seed=7", "epochs=3"),
        ("rule=b", "m=5", "seed=7", "epochs=3"),
    ]


def test_values_of_a_study_are_written_as_hydra_reads_them() -> None:
    grid = {"a": None, "b": [True, 1.5], "c": [[30], [50, 20]], "d": "range(2)"}
    assert expand(PARSER, [], [grid])[::2] == [
        ("a=null", "b=True", "c=[30]", "d=0"),
        ("a=null", "b=True", "c=[50,20]", "d=0"),
        ("a=null", "b=1.5", "c=[30]", "d=0"),
        ("a=null", "b=1.5", "c=[50,20]", "d=0"),
    ]


@pytest.mark.parametrize("words", [["eta=interval(0,1)"], ["seed=range(0)"]])
def test_axes_without_values_are_refused(words: list[str]) -> None:
    with pytest.raises(GdexpError, match=words[0].partition("=")[0]):
        expand(PARSER, words)
    with pytest.raises(GdexpError, match="study: m has no value"):
        expand(PARSER, [], [{"m": []}])


@pytest.mark.parametrize(
    ("node", "told"),
    [
        ({"grids": [{"a": 1}]}, "study.title must be set"),
        ({"title": "t"}, "study.grids must be a list of grids"),
        ({"title": "t", "grids": ["a=1"]}, "study.grids must be a list of grids"),
        ({"title": 3, "grids": [{"a": 1}]}, "study.title must be a text. Got 3"),
        ({"title": "t", "grid": []}, "study.grid: no such setting; there are: title, question"),
        ({"title": "t", "grids": [{"a": 1}], "common": [1]}, "study.common must be settings"),
    ],
)
def test_what_is_no_study_is_refused(node: dict[str, object], told: str) -> None:
    with pytest.raises(GdexpError) as refused:
        Study.of(node)
    assert told in str(refused.value)


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> ConfigLoader:
    monkeypatch.setenv("GDEXP_OUTPUTS", "/nowhere")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        found = GlobalHydra.instance().config_loader()
        assert compose("config") is not None
    return found


GROUPS = st.sampled_from(
    ["optimizer=gd", "rule=adam", "architecture=hidden_100", "data=iris", "experiment=nielsen_30"]
)
SET = st.sampled_from(
    [
        *("eta=0.1", "seed=3", "architecture.hidden=[5,4]", "+new=1", "~clip", "data={root:x}"),
        *("engine.precision=float64", "batch=7", "nonsense=1"),
    ]
)


@given(st.lists(st.one_of(GROUPS, SET), max_size=5, unique_by=lambda w: w.split("=")[0]))
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_configurations_are_what_hydra_composes(loader: ConfigLoader, words: list[str]) -> None:
    master = loader.load_configuration("config", [], RunMode.MULTIRUN)
    composer, frozen = Composer(loader, master), Frozen(loader, Path())
    for some in (words, words[::-1]):  # the second finds options composed already
        expected = told_or(lambda: loader.load_sweep_config(master, some))  # noqa: B023
        found = told_or(lambda: composer.config(some))  # noqa: B023
        if isinstance(expected, str) or isinstance(found, str):
            assert found == expected
            continue
        assert OmegaConf.to_container(found) == OmegaConf.to_container(expected)
        frozen.keep(some, expected, {"variant": 0})
        kept = frozen.load_sweep_config(master, some)
        del kept.hydra.sweeper["job"]
        assert OmegaConf.to_container(kept) == OmegaConf.to_container(expected)


def told_or(compose: Callable[[], DictConfig]) -> DictConfig | str:
    """Give a configuration, or what is told of why there is none."""
    try:
        return compose()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
