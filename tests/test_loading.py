"""What makes Hydra faster changes nothing of what it composes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra import initialize_config_dir
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from gdexp import loading
from tests.conftest import CONF

CASES = [
    ["experiment=nielsen_30", "eta=0.5"],
    ["diagnostics=[norms,noise]", "tracking=off", "hydra/launcher=basic"],
    ["problem=function", "function=rosenbrock", "rule=adam", "clip=1.0"],
    ["+mine=named", "~checkpoint", "+data.more={a:[1,2]}", "stop=early"],
]
# The options of one's own: one names another by a choice, which Hydra looks up at the end.
OWN = {
    "mine/named.yaml": "# @package _global_\ndefaults: [{/also: '${mine}_like'}]\nown: 1e-3\n",
    "also/named_like.yaml": 'x: 2020-01-01\ny: 0o17\nz: [yes, 1_000, .5, ~, "a\\tb"]\n',
    "mine/other.yaml": "x: 1\n",
    "mine/broken.yaml": "# @package _global_\nhydra: {job: {num: none}}\n",
}
OPTIONS = sorted(CONF.rglob("*.yaml"))
ALONE = f"""
import json, sys, hydra
sys.modules["hydra_plugins"] = None  # ours, which import gdexp
from omegaconf import OmegaConf
for words in json.loads(sys.argv[2]):
    with hydra.initialize_config_dir({str(CONF)!r}, "gdexp", "1.3"):
        words = ["hydra.searchpath=[" + sys.argv[1] + "]", *words]
        config = hydra.compose("config", words, return_hydra_config=True)
        print(json.dumps(OmegaConf.to_container(config)))
print(json.dumps([OmegaConf.to_container(OmegaConf.load(file)) for file in sys.argv[3:]]))
assert "gdexp" not in sys.modules
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for name, text in OWN.items():
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "own"


def composed(own: Path, *words: str) -> Any:
    loading.quicken()
    with initialize_config_dir(str(CONF), "gdexp", "1.3"):
        words = (f"hydra.searchpath=[{own}]", *words)
        config = hydra.compose("config", [*words], return_hydra_config=True)
    return OmegaConf.to_container(config)


def test_what_is_composed_is_what_hydra_composes_alone(own: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ALONE, str(own), json.dumps(CASES), *map(str, OPTIONS)],
        cwd=Path.cwd(),
        env={**os.environ, "GDEXP_OUTPUTS": "/nowhere"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    *expected, options = map(json.loads, ran.stdout.splitlines())
    assert expected[-1]["also"]["z"] == [True, 1000, 0.5, None, "a\tb"]
    for _ in range(2):  # made, and known
        for words, alone in zip(CASES, expected, strict=True):
            assert json.loads(json.dumps(composed(own, *words))) == alone
    assert [OmegaConf.to_container(OmegaConf.load(file)) for file in OPTIONS] == options


def test_a_file_that_is_edited_is_read_again(own: Path) -> None:
    file = own / "mine" / "other.yaml"
    before = file.stat()
    for number in (1, 1, 1, 2, 2, 2, 1):
        file.write_text(f"x: {number}\n")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as within the clock's tick
        assert composed(own, "+mine=other")["mine"] == {"x": number}


def test_what_hydra_refuses_is_told_as_it_tells_it(own: Path) -> None:
    for _ in range(2):
        with pytest.raises(ConfigCompositionException, match="In 'mine/broken': Valid"):
            composed(own, "+mine=broken")
    assert composed(own)["eta"] == 3.0
