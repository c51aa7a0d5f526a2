"""The benchmark suite: that it compares what is equal, counts right, and writes where it says."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks.__main__
from benchmarks import choice, document, process, timing, undisturbed
from benchmarks.__main__ import SECTIONS
from benchmarks.epochs import REFERENCE, Measured, compared, cost, lines, part, unequal
from benchmarks.growth import Series
from benchmarks.limits import multiply_adds
from benchmarks.peak import resident
from benchmarks.peers import PEERS
from gdexp.engines import auto
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.engines.conftest import thinned

DOC = """# Title

before <!-- table: make bench one -->

old

<!-- end one --> between
<!-- table: make bench two --><!-- end two -->
after
"""
NEEDS = {"scikit-learn": "sklearn", "PyTorch": "torch", "JAX": "jax"}


def test_a_table_takes_the_place_of_the_old_one_and_nothing_else() -> None:
    new = document.replaced(DOC, "make bench one", ["| a |", "| --- |"])
    assert new == DOC.replace("\nold\n", "\n| a |\n| --- |\n")
    assert document.replaced(new, "make bench one", ["old"]) == DOC
    assert document.replaced(DOC, "make bench two", ["x"]).endswith(
        "-->\n\nx\n\n<!-- end two -->\nafter\n"
    )


@pytest.mark.parametrize(
    "doc",
    [
        "no marks",
        DOC.replace("<!-- end one -->", ""),
        DOC + "<!-- table: make bench one -->",
        "<!-- end one --> <!-- table: make bench one -->",
    ],
)
def test_a_doc_without_its_marks_is_refused(doc: str) -> None:
    with pytest.raises(ValueError, match="end one"):
        document.replaced(doc, "make bench one", ["x"])


def test_every_section_has_its_place_in_the_doc() -> None:
    text = (document.DOCS / "performance.md").read_text(encoding="utf-8")
    for name in (*SECTIONS, "machine"):
        assert "\n\nx\n\n" in document.replaced(text, f"make bench {name}", ["x"])
    book = (document.DOCS / "nielsen.md").read_text(encoding="utf-8")
    assert document.replaced(book, "make book", ["x"]) != book


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_is_a_module_with_a_measurement(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    assert callable(module.main)
    assert module.__doc__


def test_a_section_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "epochs", "speed"])
    with pytest.raises(SystemExit, match="2"):
        benchmarks.__main__.main()


def test_ragged_tables_are_refused() -> None:
    assert document.table(["a", "b"], [["1", "2"]]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
    with pytest.raises(ValueError, match="cell"):
        document.table(["a", "b"], [["1"]])


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 1.0, 2.0])
def test_slopes_of_powers_are_exact(power: float) -> None:
    x = np.array([1.0, 3.0, 10.0, 500.0])
    assert timing.slope(x.tolist(), (0.7 * x**power).tolist()) == pytest.approx(power, abs=1e-12)


def test_no_slope_of_what_has_no_logarithm() -> None:
    assert np.isnan(timing.slope([1, 2, 3], [1, 0, 3]))


def test_a_series_leaves_out_what_is_fixed() -> None:
    def never(size: int) -> tuple[Network, int]:
        raise AssertionError

    small = Series("", [1, 10, 100, 1000], past=10, make=never)
    assert small.slope({1: 5.0, 10: 2.0, 100: 20.0, 1000: 200.0}) == pytest.approx(1)
    depth = Series("", [1, 2, 3, 4], past=2, make=never, added=True)
    assert depth.slope({1: 7.0, 2: 7.5, 3: 8.0, 4: 8.5}) == pytest.approx(1)


def test_rounds_are_interleaved_and_quick_ones_have_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, called = [0.0], []
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def action(name: str, takes: float) -> timing.Action:
        def act() -> None:
            called.append(name)
            clock[0] += takes

        return act

    takes = {"quick": 0.5, "b": 1.5}
    actions = {name: action(name, each) for name, each in takes.items()}
    monkeypatch.setattr(timing, "once", lambda _: {"quick": 2.5, "b": 1.5})  # it had to compile
    assert timing.medians(actions, 3) == takes
    assert called == ["quick", "b", *["quick"] * 7] * 3


@pytest.mark.parametrize(
    ("quiet", "busy", "found"),
    [  # seconds that the core is this process's alone, and then shared, again and again
        (1e9, 0.0, (1.0, 1.0, 10, 10, False)),
        (5.0, 7.5, (1.0, None, 10, None, False)),
        (1.5, 15.5, (1.0, 2.0, 6, None, False)),  # there are no more in time
        (0.02, 1e9, (2.0, 2.0, None, None, True)),
    ],
)
def test_only_samples_of_a_core_of_its_own_count(
    monkeypatch: pytest.MonkeyPatch, quiet: float, busy: float, found: tuple[float | None, ...]
) -> None:
    clock = [0.0]

    def pace() -> float:
        return 1.0 if clock[0] % (quiet + busy) < quiet else 2.0

    def gauge() -> undisturbed.Gauge:
        looked = (0.01 * pace(),)
        clock[0] += looked[0]
        return looked

    def action() -> None:
        clock[0] += pace()

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(undisturbed, "once", lambda actions: None)
    monkeypatch.setattr(undisturbed, "gauge", gauge)
    told = undisturbed.medians({"it": action}, 5)["it"]
    for value, expected in zip(told, found, strict=True):
        assert expected is None or value == pytest.approx(expected)
    assert told.share.endswith("disturbed") == told.shared
    assert clock[0] < undisturbed.PATIENCE + 5


def test_multiply_adds_are_counted_as_by_hand() -> None:
    forward, hidden = 784 * 30 + 30 * 10, 30 * 10
    assert multiply_adds([784, 30, 10]) == 2 * forward + hidden
    assert multiply_adds([784, 10]) == 2 * 7840  # inputs have no errors
    assert multiply_adds([8, 4, 2], share=0.25) == 2 * (8 + 8) + 8


@pytest.mark.parametrize("hidden", [[5], [4, 3]])
@pytest.mark.parametrize("m", [23, 1])
@pytest.mark.parametrize("name", [each for each in PEERS if each != "scikit-learn"])
def test_every_peer_does_the_same_descent(name: str, m: int, hidden: list[int]) -> None:
    """From equal weights, in equal orders: for one batch of all 23 examples, and one by one."""
    for prefix, module in NEEDS.items():
        if name.startswith(prefix):
            pytest.importorskip(module)
    network = Network(Architecture(hidden), Quadratic(), small_dataset())
    peer, reference = (PEERS[each](network, m, 0.5) for each in (name, REFERENCE))
    assert peer.v is not None
    assert reference.v is not None
    start = peer.v().copy()
    for _ in range(3):
        peer.epoch()
        reference.epoch()
        np.testing.assert_allclose(peer.v(), reference.v(), rtol=0, atol=2e-6)
        assert cost(network, peer) == pytest.approx(cost(network, reference), rel=1e-5)
    assert np.abs(peer.v() - start).max() > 1e-3


def test_scikit_learn_descends_on_a_cost_of_its_own() -> None:
    network = Network(Architecture([5]), Quadratic(), small_dataset())
    peer = PEERS["scikit-learn"](network, 10, 0.5)
    peer.epoch()
    assert cost(network, peer) is None


def test_another_cost_is_told() -> None:
    costs = {REFERENCE: 0.1, "near": 0.1005, "far": 0.102, "lost": float("nan")}
    assert [each.split()[0] for each in unequal(costs)] == ["far", "lost"]
    with pytest.raises(SystemExit, match=r"w: far has the cost 0\.102, the reference 0\.1"):
        compared({"w": Measured({"gdexp compiled": 2.0}, costs, "")})


def test_seconds_stand_beside_how_many_times_as_long_and_the_costs() -> None:
    seconds = {"gdexp compiled": 2.0, "scikit-learn": 5.0}
    rows = lines({"w": Measured(seconds, {"gdexp compiled": 0.1}, "9 of 40")})
    assert "| scikit-learn | 5 (2.5) |" in rows
    assert "| samples that count, at least | 9 of 40 |" in rows
    assert "| scikit-learn | log-loss |" in rows


@pytest.mark.parametrize(
    ("m", "took", "n"),
    [(10, 0.2, 1000), (10, 1.0, 100), (1, 10.0, 10), (100, 100.0, 200), (1000, 1.5, 1000)],
)
def test_what_takes_long_is_timed_on_fewer_examples(m: int, took: float, n: int) -> None:
    network = Network(Architecture([3]), Quadratic(), small_dataset(1000))
    some = part(network, m, took)
    assert some.n == n
    assert (some is network) == (n == 1000)
    assert some.sizes == network.sizes


def test_a_command_is_timed_with_what_it_prints(tmp_path: Path) -> None:
    code = "import time; print('one', flush=True); time.sleep(0.2); print('two')"
    ran = process.python(["-c", code], tmp_path)
    assert 0 < ran.when("one") < ran.when("two") - 0.15 < ran.wall
    assert 0 < ran.cpu < ran.wall
    with pytest.raises(LookupError, match="three"):
        ran.when("three")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_peak_is_of_the_process_itself(tmp_path: Path) -> None:
    told = "from benchmarks.peak import resident; {}; print(resident('self'))"
    small, large = (
        float(process.python(["-c", told.format(words)], tmp_path).lines[-1][1])
        for words in ("pass", "bytearray(b'1') * 300_000_000")
    )
    assert 290 < large - small < 310
    assert resident("self") > 0
    assert resident("no such process") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="cores are chosen on Linux only")
def test_a_command_is_kept_to_its_cores(tmp_path: Path) -> None:
    ran = process.python(["-c", "import os; print(len(os.sched_getaffinity(0)))"], tmp_path)
    assert [line for _, line in ran.lines] == ["1"]


def test_a_command_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)ended with 3.*sorry"):
        process.python(["-c", "import sys; print('sorry', file=sys.stderr); sys.exit(3)"], tmp_path)


def test_the_choice_is_fitted_exactly_where_times_are_exact() -> None:
    sparse, dense = (thinned(small_dataset(n=40, n_in=30), density) for density in (0.2, 1.0))
    networks = [
        Network(Architecture(hidden), Quadratic(), dataset)
        for hidden in ([], [9], [20, 5])
        for dataset in (sparse, dense)
    ]
    cells = [choice.Cell(network, m, 1.0, 1.0) for network in networks for m in (1, 4, 40)]
    compiled, blas = (0.1, 0.2, 0.3, 0.4), (900.0, 0.5, 0.1, 0.2, 0.3)
    for work, right in ((auto.work_compiled, compiled), (auto.work_blas, blas)):
        counts = np.array([work(cell.network, cell.m) for cell in cells])
        seconds = 1e-9 * counts @ np.array(right)
        assert choice.fitted(cells, seconds, work) == pytest.approx(right, rel=1e-3)
