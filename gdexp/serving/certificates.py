"""Certificates for a server: the user's own, or made here for this machine."""

import datetime
import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdexp.errors import GdexpError

if TYPE_CHECKING:
    from cryptography import x509

DAYS, LEFT = 397, 30  # that ours are good for; with fewer left they are made anew
MARGIN = datetime.timedelta(hours=1)  # of clocks that disagree


@dataclass(frozen=True)
class Certificates:
    """What a server shows, and what its clients are to believe.

    Parameters
    ----------
    key, certificate : Path
        The server's.
    authority : Path
        The certificate of who signed it, or itself.
    """

    key: Path
    certificate: Path
    authority: Path


def own(folder: Path, names: Sequence[str]) -> Certificates:
    """Give certificates for names and addresses, made where there are none, or no good ones.

    The authority's key is thrown away, so that nothing else can be signed with it.

    Raises
    ------
    OSError
        Where they cannot be written.
    """
    found = Certificates(folder / "key.pem", folder / "certificate.pem", folder / "authority.pem")
    if not _good(found, names):
        folder.mkdir(parents=True, exist_ok=True)
        _make(found, names)
    return found


def given(certificate: str, key: str, authority: str) -> Certificates:
    """Give the user's own.

    Raises
    ------
    GdexpError
        Where they cannot be read, or do not belong together.
    """
    import ssl

    paths = [Path(each).expanduser().absolute() for each in (key, certificate, authority)]
    for name, path in zip(("key", "certificate", "authority"), paths, strict=True):
        try:
            path.read_bytes()
        except OSError as error:
            raise GdexpError(f"{name}: cannot read {path} ({error.strerror}).") from None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            paths[1],
            paths[0],
            "",  # else OpenSSL asks for it
        )
    except (ssl.SSLError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise GdexpError(
            f"certificate: {paths[1]} and key: {paths[0]} cannot be used ({why}). "
            "Write PEM files that belong together; the key without a password."
        ) from None
    return Certificates(*paths)


def _good(found: Certificates, names: Sequence[str]) -> bool:
    """Whether the files are there, are for these names, and are good for a while."""
    from cryptography import x509

    with suppress(OSError, ValueError, x509.ExtensionNotFound):
        found.key.read_bytes()
        found.authority.read_bytes()
        shown = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        left = shown.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        alternative = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return list(alternative.value) == [*map(_name, names)] and left.days >= LEFT
    return False


def _make(place: Certificates, names: Sequence[str]) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    top, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("gdexp: made on this machine", top, None, top, ())
    shown = _certificate(names[0], key, authority, top, names)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    place.key.unlink(missing_ok=True)
    place.key.touch(0o600)
    place.key.write_bytes(secret)
    place.certificate.write_bytes(shown.public_bytes(serialization.Encoding.PEM))
    place.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))


def _certificate(
    name: str, key: Any, issuer: "x509.Certificate | None", signer: Any, names: Sequence[str]
) -> "x509.Certificate":
    """Sign a certificate: of an authority, where it has no issuer; else of a server."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now, is_top = datetime.datetime.now(datetime.UTC), issuer is None
    building = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - MARGIN)
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(is_top, 0 if is_top else None), critical=True)
        .add_extension(_usage(signs=is_top), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if names:
        alternative = x509.SubjectAlternativeName([*map(_name, names)])
        serves = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        building = building.add_extension(alternative, critical=False)
        building = building.add_extension(serves, critical=False)
    return building.sign(signer, hashes.SHA256())


def _usage(*, signs: bool) -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
