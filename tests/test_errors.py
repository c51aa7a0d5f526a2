"""Every mistake, typed as a user would: one line that helps, a status, and nothing left behind."""

import gzip
from pathlib import Path

import pytest

from tests.conftest import Command

MISTAKES = {
    "optimzer=sgd": ["optimzer: no such setting. Did you mean optimizer?", "--help"],
    "optimizer=foo": [
        "optimizer must be one of gd, online, sgd, stream. Got 'foo'",
        "optimizer=gd",
    ],
    "batch=0": ["batch must be a whole number >= 1. Got 0.", "batch=10"],
    "batch=-3": ["batch must be a whole number >= 1. Got -3."],
    "batch=abc": ["batch must be a whole number >= 1. Got 'abc'."],
    "batch=2.5": ["batch must be a whole number >= 1. Got 2.5."],
    "batch=1301": ["batch must be at most n = 1300", "Got 1301", "optimizer=gd"],
    "optimizer=gd batch=10": ["batch: means something only with optimizer=sgd", "leave batch out"],
    "optimizer=online +batch=10": ["batch: means something only with optimizer=sgd"],
    "eta=-1": ["eta must be a finite number > 0. Got -1.", "eta=3.0"],
    "eta=0": ["eta must be a finite number > 0. Got 0."],
    "eta=nan": ["eta must be a finite number > 0. Got nan."],
    "eta=inf": ["eta must be a finite number > 0. Got inf."],
    "eta=${what}": ["eta: ", "'what' not found"],
    "epochs=-1": ["epochs must be a whole number >= 0. Got -1.", "epochs=30"],
    "seed=1.5": ["seed must be a whole number >= 0. Got 1.5."],
    "architecture.hidden=[0]": [
        "architecture.hidden must be a list of whole numbers from 1 to 1,000,000. Got [0].",
        "architecture.hidden=[20,20]",
    ],
    "architecture.hidden=30": ["architecture.hidden must be a list", "Got 30."],
    "architecture.activation=foo": [
        "architecture.activation must be one of sigmoid, tanh, relu, identity, softmax. Got 'foo'.",
        "architecture.activation=sigmoid",
    ],
    "architecture.hiden=[3]": ["architecture.hiden: no such", "Did you mean architecture.hidden?"],
    "architecture._target_=os.system": ["architecture._target_ must be", "Got 'os.system'"],
    "cost=cross_entropy architecture.output_activation=relu": [
        "must be sigmoid or softmax",
        "relu",
    ],
    "scaling.cost=half": [
        "scaling.cost must be one of mean, sum, running. Got 'half'.",
        "scaling.cost=mean",
    ],
    "engine.precision=float16": [
        "engine.precision must be one of float64, float32. Got 'float16'."
    ],
    "eval.every=0": ["eval.every must be a whole number >= 1. Got 0.", "eval.every=1"],
    "engine=fast": ["engine must be one of auto, blas, compiled, reference. Got 'fast'"],
    "+foo=3": ["foo: no such setting", "--help"],
    "+optimizer.speed=3": ["optimizer.speed: no such setting", "optimizer.batch"],
    "~data": ["data must be set."],
    "eta=1,2": ["several values make a sweep", "-m eta=1,2"],
    "experiment=foo": ["experiment must be one of nielsen_100, nielsen_30, nielsen_no_hidden."],
    "batch=[1": ["batch=[1: cannot be read"],
    "--config-dir=nowhere": ["--config-dir: ", "nowhere", "not found"],
    "outputs=": ["outputs must be the path of a folder, without %, ? and #. Got ''."],
    "outputs=null": ["outputs must be the path of a folder"],
    "outputs=a%41b": ["outputs must be the path of a folder, without %, ? and #. Got 'a%41b'."],
    "engine.threads=99999999999999999999": ["engine.threads must be at most 1024"],
    "eta=" + "9" * 400: ["eta must be a finite number > 0"],
    "eta=???": ["eta must be set. Got nothing. Write eta=..."],
    "architecture.hidden=[1000000000]": ["architecture.hidden must be a list", "1,000,000"],
    "architecture.hidden=[1,1000000,1000000]": ["do not fit into memory", "fewer units"],
    "data._target_=gdexp.data.Mnist": ["data.root must be set"],
    "architecture._target_=gdexp.problems.Quadratic": ["a dataclass that offers sizes"],
    "architecture=null": ["architecture=null: must name an option"],
    "data.root=/x": ["data.root: means something only with data=mnist"],
    "+batch=10": ["batch: is there already. Write batch=..."],
    "--speed": ["unrecognized arguments: --speed", "--help"],
    "--cfg job --multirun": ["Only one of --run, --multirun, --cfg and --info"],
    "tracking.uri=sqlite:////proc/x.db": ["tracking.uri: cannot write to /proc/x.db"],
    "tracking.uri=sqlite:///:memory:": ["tracking.uri must be sqlite:/// and an absolute path"],
    "train": ["train: neither a command (ui, server, find-eta, ", "--help"],
    "tracking.patience=-1": ["tracking.patience must be a finite number >= 0. Got -1."],
    "tracking.uri=nonsense": ["tracking.uri must be a URI", "Got 'nonsense'", "tracking=off"],
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_told_in_one_line(words: str, inside: Command, outputs: Path) -> None:
    ran = inside(*words.split(), *([] if "tracking" in words else ["tracking=off"]))
    assert_one_line(ran.stderr, *MISTAKES[words])
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "secret" not in ran.stderr
    assert not [*outputs.rglob("journal.jsonl")]
    assert not [*outputs.glob("runs/**/*")], "the folder that Hydra made is cleared away"


def assert_one_line(stderr: str, *told: str) -> None:
    assert stderr.count("\n") == 1, stderr
    for each in told:
        assert each in stderr


@pytest.mark.parametrize("place", ["in_the_way", "in_the_way/below"])
def test_an_output_folder_that_cannot_be_written(
    place: str, gdexp: Command, tmp_path: Path
) -> None:
    (tmp_path / "in_the_way").write_text("a file")
    ran = gdexp(f"outputs={tmp_path / place}")
    told = f"outputs: cannot write to {tmp_path}/in_the_way"
    assert_one_line(ran.stderr, told, "outputs=FOLDER", "GDEXP_OUTPUTS")
    assert ran.returncode == 1


def test_a_store_that_is_no_database(gdexp: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("these are notes, not a database")
    ran = gdexp(f"tracking.uri=sqlite:///{tmp_path}/notes.db")
    assert_one_line(ran.stderr, "notes.db is not an SQLite database", "tracking=off")
    assert ran.returncode == 1
    assert (tmp_path / "notes.db").read_text() == "these are notes, not a database"


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(*shape: int, fill: int = 0) -> bytes:
    head = bytes((0, 0, 8, len(shape))) + b"".join(n.to_bytes(4, "big") for n in shape)
    size = 1
    for n in shape:
        size *= n
    return head + bytes([fill]) * size


GOOD = {
    IMAGES: idx(12, 28, 28),
    LABELS: idx(12),
    "t10k-images-idx3-ubyte": idx(6, 28, 28),
    "t10k-labels-idx1-ubyte": idx(6),
}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (IMAGES, GOOD[IMAGES][:5000], "is cut short"),
        (IMAGES, GOOD[IMAGES][:9], "is cut short"),
        (IMAGES, b"\x89PNG" + GOOD[IMAGES][4:], "is not an IDX file: magic number 0x89504e47"),
        (IMAGES, GOOD[LABELS], "magic number 0x00000801, expected 0x00000803"),
        (LABELS, idx(11), "holds 12 images, but"),
        (LABELS, idx(12, fill=10), "holds label 10 at position 0, expected 0 to 9"),
        (IMAGES + ".gz", GOOD[IMAGES], "is not gzip, as its name says"),
        (IMAGES + ".gz", gzip.compress(GOOD[IMAGES], mtime=0)[:-9], "is cut short"),
    ],
)
def test_a_file_of_mnist_that_is_damaged(
    name: str, content: bytes, told: str, inside: Command, tmp_path: Path
) -> None:
    root = tmp_path / "mnist"
    root.mkdir()
    files = {**GOOD, name: content}
    if name.endswith(".gz"):
        del files[name.removesuffix(".gz")]
    for each, data in files.items():
        (root / each).write_bytes(data)
    ran = inside("data=mnist", f"data.root={root}", "tracking=off", GDEXP_CACHE=str(tmp_path / "c"))
    assert_one_line(ran.stderr, told, str(root / name.removesuffix(".gz")))
    assert ran.returncode == 1


def test_mnist_that_is_nowhere(gdexp: Command, tmp_path: Path) -> None:
    ran = gdexp("data=mnist", f"data.root={tmp_path}", "data.mirrors=[http://127.0.0.1:9/]")
    assert_one_line(ran.stderr, IMAGES, str(tmp_path), "data.root=FOLDER", "data=digits")
    assert ran.returncode == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("# broken\nhidden: [3\n", ["mine.yaml, line 3", "Mend this file"]),
        ("# twice\nhidden: [3]\nhidden: [4]\n", ["mine.yaml, line 3", "duplicate key"]),
        ("# bare\n_target_: gdexp.problems.Architecture\n", ["architecture.hidden must be set"]),
        ("# a list\n- 3\n", ["architecture"]),
        ("# no target\nhidden: [3]\n", ["architecture._target_ must be the path of a dataclass"]),
    ],
)
def test_an_option_of_ones_own_that_is_broken(
    content: str, told: list[str], inside: Command, tmp_path: Path
) -> None:
    (tmp_path / "own" / "architecture").mkdir(parents=True)
    (tmp_path / "own" / "architecture" / "mine.yaml").write_text(content)
    ran = inside("--config-dir", "own", "architecture=mine", "tracking=off")
    assert_one_line(ran.stderr, *told)
    assert ran.returncode == 1
