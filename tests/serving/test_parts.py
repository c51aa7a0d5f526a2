"""What a server is made of, without starting one; and what is refused before it is."""

import ssl
from pathlib import Path

import pytest

from gdexp.errors import GdexpError
from gdexp.serving import certificates, postgres
from gdexp.serving.passwords import GIVEN, KNOWN, Administrator
from gdexp.serving.team import allowed
from gdexp.tracking.asking import PASSWORD, credentials
from gdexp.tracking.settings import masked
from tests.conftest import Command

NAMES = ["127.0.0.1", "::1", "localhost", "mlflow.example.org"]


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://me:secret@host:5000/x", "http://me:***@host:5000/x"),
        ("http://me:se@cret@host/a@b", "http://me:***@host/a@b"),
        ("postgresql+psycopg://me:se/cret@host/db", "postgresql+psycopg://me:***@host/db"),
        (
            "postgresql://host/db?user=me&password=secret",
            "postgresql://host/db?user=me&password=***",
        ),
        ("from http://me:secret@a to http://b:1/", "from http://me:***@a to http://b:1/"),
        ("http://host:5000/#/a@b", "http://host:5000/#/a@b"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_passwords_of_uris_are_masked(uri: str, shown: str) -> None:
    assert masked(uri) == shown


def test_certificates_are_made_once_for_their_names(tmp_path: Path) -> None:
    first = certificates.own(tmp_path, NAMES)
    assert first.key.stat().st_mode & 0o777 == 0o600
    kept = first.certificate.read_bytes()
    assert certificates.own(tmp_path, NAMES) == first
    assert first.certificate.read_bytes() == kept
    client = ssl.create_default_context(cafile=str(first.authority))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in NAMES:
        assert shaken(first, client, name) is None
    assert "mismatch" in str(shaken(first, client, "elsewhere.org"))
    other = certificates.own(tmp_path, NAMES[:2])
    assert first.certificate.read_bytes() != kept
    assert "unable to get local issuer" in str(shaken(other, client, NAMES[0]))
    assert certificates.given(*map(str, (other.certificate, other.key, other.authority))) == other


def shaken(server: certificates.Certificates, client: ssl.SSLContext, name: str) -> str | None:
    """Shake hands in memory; give what the client has against the certificate."""
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shows.load_cert_chain(server.certificate, server.key)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there, server_hostname=name),
        shows.wrap_bio(there, back, server_side=True),
    ]
    done = 0
    while done < 2:
        done = 0
        for end in ends:
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
    return None


def test_a_password_is_made_once_and_kept_for_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(GIVEN, raising=False)
    folder = tmp_path / "outputs" / "server"
    first = Administrator(folder)
    assert len(first.password) >= 24
    first.write({"MLFLOW_TRACKING_URI": "https://127.0.0.1:5000"})
    assert first.file.stat().st_mode & 0o777 == 0o600
    assert tmp_path / "state" in first.file.parents
    assert f"export {PASSWORD}={first.password}\n" in first.file.read_text()
    assert Administrator(folder).password == first.password
    assert Administrator(tmp_path / "another").password != first.password
    monkeypatch.setenv(GIVEN, "given by somebody")
    given = Administrator(folder)
    given.write({})
    assert "given" not in given.file.read_text()
    for word in ("short", KNOWN):
        monkeypatch.setenv(GIVEN, word)
        with pytest.raises(GdexpError, match="must have at least 12 characters") as refused:
            Administrator(folder)
        assert word not in str(refused.value)


def test_who_signs_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert credentials("http://host") == {}
    (tmp_path / ".mlflow").mkdir()
    kept = "[mlflow]\nmlflow_tracking_username = a\nmlflow_tracking_password = b%c\n"
    (tmp_path / ".mlflow" / "credentials").write_text(kept)
    assert credentials("http://host") == {"Authorization": "Basic YTpiJWM="}
    assert credentials("http://d:e@host") == {"Authorization": "Basic ZDpl"}


def test_hosts_that_are_answered() -> None:
    assert allowed("0.0.0.0", ["mlflow.org"]) == [
        *("127.0.0.1", "127.0.0.1:*", "localhost", "localhost:*", "[::1]", "[::1]:*"),
        *("mlflow.org", "mlflow.org:*"),
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("eta=1", "server: 'eta=1' is not a setting of it. Write outputs=, port=, host=,"),
        ("port=http", "port must be a whole number from 1 to 65535. Got 'http'."),
        ("host=no.such.invalid", "host must be a name or an address of this machine, or 0.0.0.0"),
        ("names=a_b", "names must be names or addresses, with commas. Got 'a_b'."),
        ("workers=0", "workers must be a whole number from 1 to 64. Got '0'."),
        ("key=/none", "certificate, authority: missing. Write all of certificate=, key=,"),
        ("certificate=/a key=/b authority=/c", "key: cannot read /b (No such file or directory)."),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    inside: Command, monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    monkeypatch.setattr("gdexp.serving.postgres.programs", lambda version: ("", ""))
    monkeypatch.delenv(GIVEN, raising=False)
    ran = inside("server", *words.split())
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(told)
    assert len(ran.stderr.splitlines()) == 1


def test_what_is_not_installed_is_named(
    inside: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "PLACES", (f"{tmp_path}/*/bin",))
    ran = inside("server", PATH=str(tmp_path))
    assert ran.returncode == 1
    assert ran.stderr.startswith("PostgreSQL is not installed: there is no initdb and postgres")
    assert "apt-get install postgresql" in ran.stderr
    for version in ("9.6", "17", "16"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "postgres"):
            (folder / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgres.programs()[0] == f"{tmp_path}/17/bin/initdb"
    assert postgres.programs("16")[1] == f"{tmp_path}/16/bin/postgres"


def test_the_page_says_what_it_means_to_be_reached(inside: Command) -> None:
    assert "nobody signs in" in inside("ui", "--help").stdout
