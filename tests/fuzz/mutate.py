"""Other inputs, made from known ones: bytes changed anywhere, JSON changed as JSON."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

LONGEST = 16384  # bytes of an input
NUMBERS = (0, 1, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
WORDS = (
    *(b"NaN", b"Infinity", b"-1", b"1e400", b"null", b"true", b"[]", b"{}", b'""', b"\0", b"\xff"),
    *(b"../../x", b"/etc/passwd", b"\r\n", b'"', b",", b"9" * 30, b"[" * 40, b"**", b"&a *a"),
)
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("inf"), float("nan")),
    *("", "NaN", "-1", "x", "../../x", "/etc/passwd", "a\nb", "\0", "é", "x" * 300),
    *([], {}, [[]], [None], {"": None}, {"a": {"a": {}}}, [1, "x"]),
)


def mutated(known: Sequence[bytes], rng: random.Random) -> bytes:
    """Make an input from some of those that are known."""
    data = rng.choice(known)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        data = rng.choice((bytes_changed, bytes_changed, json_changed))(data, known, rng)
    return data[:LONGEST]


def json_changed(data: bytes, known: Sequence[bytes], rng: random.Random) -> bytes:
    """Change a value of one of an input's lines of JSON; bytes where it has none."""
    lines = data.split(b"\n")
    places = [at for at, line in enumerate(lines) if line[:1] in b"{[" and line]
    if not places:
        return bytes_changed(data, known, rng)
    at = rng.choice(places)
    try:
        told = json.loads(lines[at])
    except (ValueError, RecursionError):
        return bytes_changed(data, known, rng)
    if found := [*_places(told)]:
        _change(*rng.choice(found), rng)
    lines[at] = json.dumps(told).encode()
    return b"\n".join(lines)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Give where each of the values within a node stands: in what, under which key."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(node, dict):
        pairs = [*node.items()]
    elif isinstance(node, list):
        pairs = enumerate(node)
    for key, value in pairs:
        yield node, key
        yield from _places(value)


def _change(node: Any, key: Any, rng: random.Random) -> None:
    if rng.random() < 0.2:
        del node[key]
    elif isinstance(node, dict) and rng.random() < 0.1:
        node[rng.choice(("", "kind", "_target_", "x"))] = node[key]
    else:
        node[key] = rng.choice(ODD)


def bytes_changed(data: bytes, known: Sequence[bytes], rng: random.Random) -> bytes:
    """Flip, put in, take out, copy, cut, or join with another."""
    some = bytearray(data)
    at = rng.randrange(len(some) + 1)
    end = min(len(some), at + rng.choice((1, 2, 4, 16, 64)))
    match rng.randrange(8):
        case 0 if some:
            some[at % len(some)] ^= 1 << rng.randrange(8)
        case 1 if some:
            some[at % len(some)] = rng.randrange(256)
        case 2:
            size = rng.choice((1, 2, 4, 8))
            number = rng.choice(NUMBERS) % 2 ** (8 * size)
            some[at : at + size] = number.to_bytes(size, "big" if rng.random() < 0.5 else "little")
        case 3:
            some[at:at] = rng.choice(WORDS)
        case 4:
            del some[at:end]
        case 5:
            some[at:at] = some[at:end] * rng.choice((1, 2, 100))
        case 6:
            some = some[:at]
        case _:
            other = rng.choice(known)
            some[at:] = other[rng.randrange(len(other) + 1) :]
    return bytes(some)
