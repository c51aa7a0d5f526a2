"""Views as tags of an experiment, which is where MLflow keeps them."""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping

from gdexp.views.prepared import VIEWS
from gdexp.views.view import View

PREFIX = "mlflow.sharedViewState."
MARK = "gdexp.views"  # says which edition of ours is written
LISTED = (3, 15)  # from this version of MLflow on, a view has a name and stands in a menu


def missing(present: Mapping[str, str], version: str, now: int) -> dict[str, str]:
    """Give the tags to be written so that an experiment has our views.

    Parameters
    ----------
    present : mapping of str to str
        The tags that it has.
    version : str
        Of the MLflow that shows it.
    now : int
        The time, ms since 1970, which the page shows as theirs.

    Returns
    -------
    dict of str to str
        None where all are there, in this edition. One that a person has changed in the page stays
        as it is until then.
    """
    listed = _numbers(version) >= LISTED
    packed = {f"{PREFIX}{view.id}": _packed(view) for view in VIEWS.values()}
    edition = hashlib.sha256(json.dumps([listed, packed]).encode()).hexdigest()[:12]
    if present.get(MARK) == edition and packed.keys() <= present.keys():
        return {}
    if listed:
        named = {f"{PREFIX}{view.id}": view.title for view in VIEWS.values()}
        packed = {
            key: json.dumps({"name": named[key], "createdAt": now, "state": state})
            for key, state in packed.items()
        }
    return {**packed, MARK: edition}


def _packed(view: View) -> str:
    state = json.dumps(view.state(), separators=(",", ":")).encode()
    return "deflate;" + base64.b64encode(zlib.compress(state, 9)).decode()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
