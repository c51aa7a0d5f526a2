"""What a server refuses, and to whom: in words, whoever's error tells of it."""

import re
from contextlib import suppress

from gdexp.tracking.asking import AUTHORITY, PASSWORD, USER, user

CODES = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}  # as MLflow calls the statuses
HOST = "Invalid Host header"  # what MLflow answers to a name that is not among its own


def refused(error: BaseException, uri: str = "", experiment: str = "") -> str:
    """Say that a server refuses something, and what to do; empty where it is another error.

    Told by what errors offer: no library is imported for it.

    Parameters
    ----------
    error : BaseException
        Of MLflow, requests or urllib.
    uri : str
        Who signs in there is told; the password is not.
    experiment : str
        Where something was to be done.
    """
    if known := getattr(error, "refusal", ""):
        return str(known)
    if (wrong := _untrusted(error)) and "mismatch" in wrong:
        return "has a certificate for other names: write one of those"
    if wrong:
        return (
            "has a certificate that nobody known here has signed: "
            f"set {AUTHORITY} to the file of who has"
        )
    status, said = _status(error), _said(error)
    who = user(uri)
    if status == 401 and who:
        return f"does not take the password of {who!r} (401): set {PASSWORD} to the right one"
    if status == 401:
        return f"asks who you are (401): set {USER} and {PASSWORD}"
    if status == 403 and HOST in said:
        return "does not answer to this name (403 Invalid Host header): it allows others"
    if status == 403:
        where = f" in experiment {experiment!r}" if experiment else ""
        asking = said and f" {said}"
        return (
            f"does not let {who or 'you'} do that{where} (403{asking}): "
            "its administrator gives such rights"
        )
    return ""


def _status(error: BaseException) -> int | None:
    """Give the HTTP status that an error is about, where it is one of those above."""
    named = CODES.get(str(getattr(error, "error_code", "")))
    answered = getattr(getattr(error, "response", None), "status_code", None)
    found = named or answered or getattr(error, "code", None)
    return found if isinstance(found, int) else None


def _said(error: BaseException) -> str:
    """Give the server's own words, where they are short."""
    body = re.search(r"Response body: '(.*)'", str(error), re.DOTALL)
    found = body[1] if body else getattr(error, "reason", "")
    if callable(read := getattr(error, "read", None)):
        with suppress(OSError, ValueError):
            found = read(200).decode(errors="replace") or found
    found = " ".join(str(found).split())
    return found if len(found) < 80 and "<" not in found else ""


def _untrusted(error: BaseException) -> str:
    """Say what is wrong with a certificate, where the error tells of that; else nothing."""
    told = f"{error} {getattr(error, 'reason', '')}"
    return told if "CERTIFICATE_VERIFY_FAILED" in told else ""
