"""A certificate authority of the sandbox's own, for `sandbox.start --tls`.

It can vouch for this machine's loopback names and nothing else (RFC 5280, section 4.2.1.10), so
that who adds it to a browser trusts it with nothing more.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from de_tasks.server.files import write_private
from de_tasks.server.settings import AUTHORITY, ServerSettings

NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")
AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
"""The longest that browsers take of a server's certificate."""
RENEW_DAYS = 30
BUNDLE = "bundle.pem"


@dataclass(frozen=True)
class Certificates:
    """Files: the authority's certificate, which may be given away, and the server's pair."""

    authority: Path
    chain: Path
    key: Path


def of(settings: ServerSettings) -> Certificates | None:
    """The certificates of a sandbox that serves TLS, None for another."""
    return provide(settings.tls_folder) if settings.tls else None


def provide(folder: Path, now: datetime | None = None) -> Certificates:
    """The certificates in a folder, made or renewed where that is due."""
    now = now or datetime.now(timezone.utc)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = Certificates(folder / AUTHORITY, folder / "server.pem", folder / "server.key")
    authority_key = folder / "authority.key"
    if not (authority_key.exists() and _is_good(found.authority, now)):
        _make_authority(found.authority, authority_key, now)
        found.chain.unlink(missing_ok=True)
    if not (found.key.exists() and _is_good(found.chain, now)):
        _make_server(found, authority_key, now)
    known = ssl.get_default_verify_paths().cafile or certifi.where()
    together = found.authority.read_text() + Path(known).read_text()
    write_private(folder / BUNDLE, together)
    return found


def variables(settings: ServerSettings) -> dict[str, str]:
    """With these an app believes the sandbox besides everybody else; its own go before them."""
    bundle = str(settings.tls_folder / BUNDLE)
    return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), bundle) if settings.tls else {}


def _is_good(file: Path, now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return False
    end = certificate.not_valid_after_utc
    return certificate.not_valid_before_utc <= now < end - timedelta(days=RENEW_DAYS)


def _make_authority(file: Path, key_file: Path, now: datetime) -> None:
    key = _new_key(key_file)
    # One authority of that name for each data directory: browsers tell them apart by it.
    words = f"de-tasks sandbox {os.urandom(4).hex()}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])
    loopback: list[x509.GeneralName] = [x509.DNSName(text) for text in NAMES]
    loopback += [x509.IPAddress(ipaddress.ip_network(text)) for text in ADDRESSES]
    builder = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(loopback, None), critical=True)
    )
    _write(file, builder.sign(key, hashes.SHA256()))


def _make_server(found: Certificates, authority_key: Path, now: datetime) -> None:
    issuer = x509.load_pem_x509_certificate(found.authority.read_bytes())
    signer = serialization.load_pem_private_key(authority_key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    names: list[x509.GeneralName] = [x509.DNSName(text) for text in NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in ADDRESSES]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    builder = (
        _builder(subject, issuer.subject, _new_key(found.key), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # OpenSSL asks for it when it is strict, as Python 3.13 is.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    _write(found.chain, builder.sign(signer, hashes.SHA256()))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that is a little behind must not make it too new.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(file, pem.decode())
    return key


def _write(file: Path, certificate: x509.Certificate) -> None:
    write_private(file, certificate.public_bytes(serialization.Encoding.PEM).decode())
