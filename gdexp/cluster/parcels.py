"""What travels between the command and the workers: orders, answers, files.

Dask makes these anew in a worker's event loop, which must not stand still for as long as importing
the rest of gdexp takes: others would think the worker dead.
"""

import pickle
import zlib
from dataclasses import dataclass, field
from pathlib import Path

TOPIC = "gdexp"  # one for all sweeps: the scheduler keeps the last thousand events of each
LARGEST = 2**18  # bytes of a piece: what the scheduler keeps is bounded with it
HERE = ("run.lock", "feed.lock", "mlflow.json")  # files that mean nothing elsewhere

Files = dict[str, bytes]  # by their names below a run's folder


@dataclass(frozen=True)
class Order:
    """A job that a worker is to carry out.

    Parameters
    ----------
    token : str
        Of the launch; its pieces bear it.
    number, turn : int
        The job's, and how often it was handed over before.
    request : bytes
        What is asked for, pickled.
    code : str
        A digest of the code that is to compute it.
    files : bytes
        Of a job whose worker was lost: what has come back, packed.
    """

    token: str
    number: int
    turn: int
    request: bytes
    code: str
    files: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What came of a job.

    Parameters
    ----------
    attempt : str
        Names the attempt: a cluster may begin a task again by itself.
    merit : float
    mistake : str
        As of `gdexp.sweeps.performing.performed`.
    files : bytes
        All that the run's folder holds, packed.
    """

    attempt: str
    merit: float
    mistake: str
    files: bytes = field(repr=False)


def gathered(folder: Path) -> Files:
    """Give the files of a run's folder, without those that mean nothing elsewhere."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = ((path.relative_to(folder).as_posix(), path) for path in paths)
    return {name: path.read_bytes() for name, path in named if name not in HERE}


def write(files: Files, folder: Path) -> None:
    """Write files below a folder, those that are there anew.

    Raises
    ------
    ValueError
        Where a name leads out of the folder.
    """
    for name, content in files.items():
        path = folder / name
        if ".." in path.parts or Path(name).is_absolute():
            raise ValueError(f"{name}: leads out of the folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def packed(files: Files) -> bytes:
    """Pack files into bytes."""
    return zlib.compress(pickle.dumps(files), 1)


def unpacked(content: bytes) -> Files:
    """Give the files back."""
    files: Files = pickle.loads(zlib.decompress(content))
    return files
