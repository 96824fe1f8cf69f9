"""Which certificates are believed: those that one file names, else those of the system.

The system's store, and not the list that requests brings along: an authority that the machine's
administrator added or took out counts for git, and so it does here.
"""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from de_tasks.errors import DeTasksError, UsageError

if TYPE_CHECKING:
    import requests

LOOK_SECONDS = 5.0


def context(ca_path: str) -> ssl.SSLContext:
    """Verification against `ca_path` alone, or against the system's store when it is empty.

    Raises `UsageError` for a file that has no certificate.
    """
    if not ca_path:
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=ca_path)
    except ssl.SSLError:
        reason = "has no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
    except OSError as error:
        folder = Path(ca_path).is_dir()
        reason = "is a folder" if folder else f"cannot be read: {error.strerror}"
    raise UsageError(
        f"The certificate file {ca_path} {reason}. "
        "Name another with --ca-path or DASH_ENTERPRISE_CA_PATH"
    )


def session(ca_path: str) -> requests.Session:
    """A requests session that believes these certificates, whatever its options say."""
    import requests

    found = requests.Session()
    found.mount("https://", _adapter(context(ca_path)))
    return found


def _adapter(verifying: ssl.SSLContext) -> requests.adapters.HTTPAdapter:
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
            super().init_poolmanager(*args, **keywords, ssl_context=verifying)

        def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
            return super().proxy_manager_for(proxy, **keywords, ssl_context=verifying)

        def send(self, request: Any, *args: Any, **keywords: Any) -> Any:
            # A path here, as from REQUESTS_CA_BUNDLE, would count besides: git knows none of it.
            return super().send(request, *args, **{**keywords, "verify": True})

        def cert_verify(self, conn: Any, *args: Any, **keywords: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED"

    return Adapter()


def refused(server: str, reason: str) -> DeTasksError:
    """The error for a certificate that was not believed: which one, and what to do.

    `server` is a host with its port, `reason` the words of OpenSSL.
    """
    seen = _look(server)
    which = f", with SHA-256 {fingerprint(seen)}," if seen else ""
    words = reason.rstrip(".")
    if "expired" in words or "not yet valid" in words:
        remedy = "Its administrator can renew it. Is the clock of this machine right?"
    elif (
        "mismatch" in words or "not valid for" in words or "not match" in words or "no alt" in words
    ):
        remedy = "It belongs to another name. Is the host right?"
    else:
        remedy = (
            "If an authority of your own has signed it, give its root certificate with "
            "DASH_ENTERPRISE_CA_PATH or --ca-path"
        )
    return DeTasksError(f"The certificate of {server}{which} is not trusted: {words}. {remedy}")


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of a certificate in DER, written as browsers do."""
    digest = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def _look(server: str) -> bytes:
    # To be shown alone: nothing is sent to a server that could not prove who it is.
    parts = urlsplit(f"https://{server}")
    address = (parts.hostname or "", parts.port or 443)
    try:
        text = ssl.get_server_certificate(address, timeout=LOOK_SECONDS)
    except (OSError, ValueError):
        return b""
    return ssl.PEM_cert_to_DER_cert(text)
