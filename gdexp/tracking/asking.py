"""Asking a server by its REST API, signed in as MLflow's client is, without loading MLflow."""

import base64
import configparser
import json
import os
import ssl
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

LOCAL = ("127.0.0.1", "localhost", "::1")
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
TOKEN, AUTHORITY = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_SERVER_CERT_PATH"
OTHERWISE = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4")  # what signs in as we cannot


def ask(
    url: str,
    timeout: float = 20,
    content: Any = None,
    *,
    signed: bool = True,
    authority: Path | None = None,
) -> bytes:
    """Ask a server; with content it is a POST.

    Parameters
    ----------
    url : str
    timeout : float
        Seconds.
    content : optional
        Sent as JSON.
    signed : bool
        Whether to say who asks: with the URL's own name and password, or MLflow's variables.
    authority : Path, optional
        Certificate of who signed the server's; else MLflow's variable, else the system's.

    Raises
    ------
    OSError, ValueError, HTTPException
        Where it does not answer, or refuses.
    """
    request = urllib.request.Request(without_password(url))
    if signed:
        # Not sent on to where a server may point instead.
        for name, value in credentials(url).items():
            request.add_unredirected_header(name, value)
    if content is not None:
        request.data = json.dumps(content).encode()
        request.add_header("Content-Type", "application/json")
    parts = urllib.parse.urlsplit(url)
    ways: list[urllib.request.BaseHandler] = []
    if parts.hostname in LOCAL:
        ways.append(urllib.request.ProxyHandler({}))
    if parts.scheme == "https":
        ways.append(urllib.request.HTTPSHandler(context=_trust(authority)))
    with urllib.request.build_opener(*ways).open(request, timeout=timeout) as answer:
        return bytes(answer.read())


def without_password(url: str) -> str:
    """Give a URL without name and password."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def user(url: str) -> str:
    """Name who signs in at a URL; empty where nobody does."""
    return _pair(url)[0]


def credentials(url: str) -> dict[str, str]:
    """Give what signs a request in."""
    name, word = _pair(url)
    if name and word:
        return {"Authorization": "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()}
    token = os.environ.get(TOKEN)
    return {"Authorization": f"Bearer {token}"} if token else {}


def _pair(url: str) -> tuple[str, str]:
    """Give name and password: of the URL, of MLflow's variables, or of MLflow's file of them."""
    parts, file = urllib.parse.urlsplit(url), configparser.ConfigParser(interpolation=None)
    with suppress(OSError, configparser.Error, RuntimeError, UnicodeDecodeError):
        file.read(Path("~/.mlflow/credentials").expanduser())
    kept = file["mlflow"] if file.has_section("mlflow") else {}
    return (
        urllib.parse.unquote(parts.username or "") or os.environ.get(USER) or kept.get(USER, ""),
        urllib.parse.unquote(parts.password or "")
        or os.environ.get(PASSWORD)
        or kept.get(PASSWORD, ""),
    )


def _trust(authority: Path | None) -> ssl.SSLContext:
    """Say which certificates are believed: as MLflow's client is told by its variables."""
    named = authority or os.environ.get(AUTHORITY)
    context = ssl.create_default_context(cafile=str(named) if named else None)
    if not named and os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
