"""Sources whose examples arrive: lines that are read, a file that grows, digits without end."""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gdexp.data import Digits, Examples
from gdexp.data.streams import Arrivals, Distorted, Example, File, replayed
from gdexp.data.streams.distorted import read_off
from gdexp.data.streams.lines import lines, piped
from gdexp.data.streams.parse import BadLineError, Parser
from gdexp.errors import GdexpError, SettingError


def parsed(*text: str, kind: str = "auto", label: str = "last", classes: int = 10) -> list[Example]:
    parser = Parser(kind, label, None, classes)
    return [each for line in text if (each := parser.read(line.encode())) is not None]


@pytest.mark.parametrize(
    "text",
    [
        ("1,2.5,-3e1,7",),
        (" 1 ,2.5, -3e1,7\r",),
        ("a,b,c,digit", "1,2.5,-30,7"),
        ('"a","b, b",c,digit', '1,"2.5",-30,7'),
        ("[1, 2.5, -30, 7]",),
        ("[[1, [2.5]], [-30], 7]",),
        ('{"x": [1, 2.5, -30], "digit": 7}',),
        ('{"a": 1, "b": 2.5, "c": -30, "digit": 7.0}',),
        ("1,2.5,-30,7", "", "  "),
        ('{"inputs": 3, "classes": 8}', '{"x": [1, 2.5, -30], "y": 7}'),
        ('{"inputs": 3, "classes": 8}', "[1, 2.5, -30, 7]"),
    ],
)
def test_an_example_is_read_however_it_is_written(text: tuple[str, ...]) -> None:
    assert parsed(*text) == [([1, 2.5, -30], 7)]


@pytest.mark.parametrize(
    "text",
    [
        ("digit,a,b", "7,1,2"),
        ("a,digit,b", "1,7,2"),
        ('{"digit": 7, "a": 1, "b": 2}',),
        ('{"a": [1, 2], "digit": 7}',),
    ],
)
def test_a_label_goes_by_its_name(text: tuple[str, ...]) -> None:
    assert parsed(*text, label="digit") == [([1, 2], 7)]


def test_the_order_of_names_is_that_of_the_first_line() -> None:
    both = parsed('{"a": 1, "b": 2, "y": 3}', '{"y": 3, "b": 2, "a": 1}')
    assert both == [([1, 2], 3)] * 2


def test_labels_are_any_numbers_where_there_are_no_classes() -> None:
    assert parsed("1,2,-0.5", classes=0) == [([1, 2], -0.5)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,2", "has 1 inputs and a label, not 2"),
        ("1,2,3,4", "has 3 inputs and a label, not 2"),
        ("1,x,3", "holds 'x', which is not a number"),
        ("1,,3", "holds '', which is not a number"),
        ("1,nan,3", "not finite"),
        ("1,inf,3", "not finite"),
        ("1,1e39,3", "too large for float32"),
        ("1,2,10", "has the label 10, not a class from 0 to 9"),
        ("1,2,-1", "has the label -1"),
        ("1,2,1.5", "has the label 1.5"),
    ],
)
def test_a_line_of_csv_that_is_no_example(line: str, told: str) -> None:
    with pytest.raises(BadLineError, match=told):
        parsed("1,2,3", line)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[1, 2", "is not JSON"),
        ("3", "is neither"),
        ("{}", "is neither"),
        ("[]", "not even an input and a label"),
        ("[3]", "not even an input and a label"),
        ('{"x": [1, 2], "z": 3}', "has the names x, z, not x, y"),
        ('{"x": [1, "2"], "y": 3}', 'holds "2", which is not a number'),
        ('{"x": [1, true], "y": 3}', "holds true"),
        ('{"x": [1, null], "y": 3}', "holds null"),
        ('{"x": [1, NaN], "y": 3}', "not finite"),
        ('{"x": [1, 1' + "0" * 400 + '], "y": 3}', "not finite"),
        ('{"x": [1], "y": 3}', "has 1 inputs"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_line_of_json_that_is_no_example(line: str, told: str) -> None:
    with pytest.raises(BadLineError, match=told):
        parsed('{"x": [1, 2], "y": 3}', line)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(BadLineError, match="UTF-8"):
        Parser("auto", "last", None, 10).read(b"\xff\xfe1,2")


@pytest.mark.parametrize(
    ("text", "label", "told"),
    [
        (("1,2,3",), "digit", "data.label must be last"),
        (("[1, 2, 3]",), "digit", "data.label must be last"),
        (("a,b,c", "1,2,3"), "digit", "last, or one of a, b, c"),
        (('{"inputs": 0}', "1,2,3"), "last", "inputs must be a whole number >= 1"),
        (('{"classes": "ten"}', "1,2,3"), "last", "classes must be a whole number >= 0"),
    ],
)
def test_a_first_line_that_is_not_what_the_settings_say(
    text: tuple[str, ...], label: str, told: str
) -> None:
    with pytest.raises(GdexpError, match=told):
        parsed(*text, label=label)


@given(
    x=arrays(float, (5, 3), elements=st.floats(-3e38, 3e38)),
    pieces=st.lists(st.integers(1, 40), max_size=20),
)
def test_numbers_come_through_csv_and_json_exactly_however_the_text_is_cut(
    x: np.ndarray, pieces: list[int]
) -> None:
    for rows in (
        [",".join([*map(repr, row.tolist()), "3"]) for row in x],
        [json.dumps([*row.tolist(), 3]) for row in x],
    ):
        text = "\n".join(rows).encode()
        ends = [0, *np.cumsum(pieces).tolist(), len(text)]
        cut = (text[a:b] or None for a, b in pairwise(ends))
        whole = [line.decode() for line in lines(cut) if line is not None]
        assert whole == rows
        np.testing.assert_array_equal([x for x, _ in parsed(*whole)], x)


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    with pytest.raises(GdexpError, match="more than 16,777,216 bytes"):
        for _ in lines(b"7" * (1 << 20) for _ in range(1 << 20)):
            pass


def text_file(path: Path, *, idle: float | None = 0, label: str = "last", **more: object) -> File:
    told = {"format": "auto", "inputs": None, "classes": 10, "scale": 1.0, **more}
    return File(label=label, path=str(path), idle=idle, **told)  # type: ignore[arg-type]


def taken(arrivals: Arrivals) -> list[Example]:
    return [each for each in arrivals.examples if each is not None]


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_file_is_followed_while_it_grows_until_it_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "growing.csv"
    path.write_text("0,1,0\n")

    def write() -> None:
        with path.open("a") as file:
            for k in range(1, 6):
                time.sleep(0.15)
                file.write(f"{k},")  # a line in two pieces
                file.flush()
                time.sleep(0.15)
                file.write(f"1,{k}\n" if k < 5 else f"1,{k}")  # and the last one without an end
                file.flush()

    writer = in_background(write)
    seen = list(text_file(path, idle=1.0).open("fail").examples)
    writer.join()
    assert [each for each in seen if each is not None] == [([k, 1], k) for k in range(6)]
    assert None in seen, "whoever waits can look at the clock"


def test_a_file_that_is_removed_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"
    path.write_text("0,1,0\n")
    arrivals = text_file(path, idle=None).open("fail")
    path.unlink()
    assert taken(arrivals) == [([0, 1], 0)]


def test_a_file_that_becomes_shorter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("0,1,0\n" * 3)
    arrivals = text_file(path, idle=None).open("fail")
    next(arrivals.examples)
    path.write_text("0")
    with pytest.raises(GdexpError, match="became shorter"):
        taken(arrivals)


def test_a_pipe_says_when_nothing_comes() -> None:
    reading, writing = os.pipe()
    pieces = piped(reading)
    os.write(writing, b"1,2\n3")
    assert next(pieces) == b"1,2\n3"
    assert next(pieces) is None
    os.close(writing)
    assert list(pieces) == []
    os.close(reading)


def test_bad_lines_are_named_by_their_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("1,2,3\n\n1,2\n4,5,6\n1,x,3\n")
    with pytest.raises(GdexpError, match=r"bad.csv, line 3: has 1 inputs.*stream.bad_lines=skip"):
        taken(text_file(path).open("fail"))
    arrivals = text_file(path).open("skip")
    assert arrivals.skipped() == 0
    assert taken(arrivals) == [([1, 2], 3), ([4, 5], 6)]
    assert arrivals.skipped() == 2
    assert [line.partition(": ")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"{path}, line 3",
        f"{path}, line 5",
    ]


def test_many_bad_lines_are_counted_and_a_few_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("1,2,3\n" + "bad\n" * 100)
    arrivals = text_file(path).open("skip")
    assert len(taken(arrivals)) == 1
    assert arrivals.skipped() == 100
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5
    assert told[-1].endswith("only counted.")


def test_a_bad_line_beyond_what_is_taken_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("1,2,3\n4,5,6\nbad\n")
    arrivals = text_file(path).open("fail")
    (batch,) = arrivals.batches(2, 2, None)
    assert batch is not None
    np.testing.assert_array_equal(batch.labels, [3, 6])


@pytest.mark.parametrize("content", ["", "\n\n", "a,b,c\n", '{"inputs": 3}\n', "bad\nbad\n"])
def test_a_stream_without_an_example_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text(content)
    with pytest.raises(GdexpError, match="holds no example"):
        text_file(path).open("skip")


def test_what_is_known_of_a_stream_comes_from_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "three.json"
    path.write_text('{"classes": 3}\n{"x": [0, 16], "y": 2}\n')
    arrivals = text_file(path, scale=16.0).open("fail")
    assert (arrivals.dataset.n_in, arrivals.dataset.classes) == (2, 3)
    assert arrivals.dataset.parts == {}
    (batch,) = arrivals.batches(10, None, None)
    assert batch is not None
    np.testing.assert_array_equal(batch.x(slice(None)), [[0, 1]])
    assert batch.labels.dtype == np.int64


def test_regression_has_targets_that_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("1,2,0.25\n")
    (batch,) = text_file(path, classes=0).open("fail").batches(10, None, None)
    assert batch is not None
    assert batch.labels.dtype == np.float64
    np.testing.assert_array_equal(batch.labels, [0.25])


@pytest.mark.parametrize("path", ["nowhere.csv", "."])
def test_a_file_that_cannot_be_read(path: str, tmp_path: Path) -> None:
    with pytest.raises(GdexpError, match=r"data\.path: cannot read"):
        text_file(tmp_path / path).open("fail")


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "xml"},
        {"label": 3},
        {"inputs": 0},
        {"classes": -1},
        {"scale": 0},
        {"idle": -1},
        {"path": None},
    ],
)
def test_settings_that_are_not_allowed(settings: dict[str, object]) -> None:
    allowed = {"format": "auto", "label": "last", "inputs": None, "classes": 10, "scale": 1.0}
    with pytest.raises(SettingError, match=f"{next(iter(settings))} must be"):
        File(**{**allowed, "path": "x.csv", "idle": 0, **settings})  # type: ignore[arg-type]


def test_a_data_set_arrives_once_in_its_order_as_it_is_held() -> None:
    digits = Digits().load()
    arrivals = replayed(digits)
    assert set(arrivals.dataset.parts) == {"val", "test"}
    batches = [each for each in arrivals.batches(64, None, None) if each is not None]
    inputs = np.concatenate([each.inputs for each in batches])
    np.testing.assert_array_equal(inputs, digits.train.inputs)
    assert inputs.dtype == np.uint8
    assert batches[0].scale == 16
    np.testing.assert_array_equal(
        np.concatenate([each.labels for each in batches]), digits.train.labels
    )


def distorted(**settings: float) -> Distorted:
    told = {"seed": 0, "rotation": 10, "shift": 0.5, "noise": 0.05, "enough": 100, **settings}
    return Distorted(**told)  # type: ignore[arg-type]


def images(source: Distorted, count: int, m: int = 10) -> Examples:
    batches: Iterator[Examples | None] = iter(source.open("fail").batches(m, count, None))
    some = [each for each in batches if each is not None]
    inputs = np.concatenate([each.inputs for each in some])
    return Examples(inputs, np.concatenate([each.labels for each in some]))


def test_distorted_digits_are_those_of_the_seed_whatever_the_batch() -> None:
    first, again = images(distorted(), 700, m=10), images(distorted(), 700, m=333)
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(images(distorted(seed=1), 700).labels, first.labels)
    assert first.inputs.min() >= 0
    assert first.inputs.max() <= 1
    assert set(first.labels) == set(range(10))


def test_distorted_by_nothing_they_are_training_images_of_the_digits() -> None:
    train = Digits().load().train
    held = {(x.tobytes(), int(y)) for x, y in zip(train.x(slice(None)), train.labels, strict=True)}
    plain = images(distorted(rotation=0, shift=0, noise=0), 600)
    for x, y in zip(plain.inputs, plain.labels, strict=True):
        assert (x.tobytes(), int(y)) in held
    assert len({x.tobytes() for x in plain.inputs}) > 400, "drawn from all"


def test_they_do_not_end() -> None:
    arrivals = distorted().open("fail")
    assert len(list(islice(arrivals.examples, 5000))) == 5000


def test_whole_moves_and_quarter_turns_only_rearrange_pixels() -> None:
    image = np.random.default_rng(0).random((1, 8, 8))
    none, zero = np.zeros(1), np.zeros((2, 1, 1))
    np.testing.assert_array_equal(read_off(image, none, zero), image.reshape(1, 64))
    down = read_off(image, none, np.array([[[1.0]], [[0.0]]])).reshape(8, 8)
    np.testing.assert_allclose(down[1:], image[0, :-1], atol=1e-12)
    assert not down[0].any()
    right = read_off(image, none, np.array([[[0.0]], [[2.0]]])).reshape(8, 8)
    np.testing.assert_allclose(right[:, 2:], image[0, :, :-2], atol=1e-12)
    turned = read_off(image, np.array([math.pi / 2]), zero).reshape(8, 8)
    np.testing.assert_allclose(turned, np.rot90(image[0], 1), atol=1e-9)
    far = read_off(image, none, np.array([[[99.0]], [[0.0]]]))
    assert not far.any()


def test_a_source_that_arrives_cannot_be_loaded() -> None:
    with pytest.raises(GdexpError, match="optimizer=stream data=distorted"):
        distorted().load()


def test_a_list_is_not_taken_for_the_label() -> None:
    told = r"a name \(label, x\), since the last field, x, is a list"
    with pytest.raises(GdexpError, match=told):
        parsed('{"label": 1, "x": [1, 2]}')
    assert parsed('{"label": 1, "x": [1, 2]}', label="label") == [([1, 2], 1)]
