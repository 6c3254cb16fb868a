"""Certificates: which one a client is shown, what it is good for, and how a new one takes its place.

     ClientHello ──SNI──► find ──► shop.lab      its own name
                                   *.shop.lab    any one label before it (RFC 9525 6.3)
                                   the first     no SNI, or a name that is nobody's (RFC 6066 3 allows either end)
     request ──Host──► covers? ──no──► 421, misdirected (RFC 9110 15.5.20): that name is not proven here

Rules kept here:

1. Every TLS context of the proxy is made by `_context`: versions and ciphers are said once (RFC 9325 3.1, 4.2).
2. A certificate says itself whose it is: the names are read from its subjectAltName, never configured beside it.
3. Handshakes begin with a context that has no certificate, only the key of the session tickets; so new certificates
   neither touch a connection nor make a client's session worthless. That key is changed once in ticket_key_s (RFC
   9325 3.4: else who steals it reads what was said under TLS 1.2 before).
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

from cryptography import x509

from layerlab import LabError

CIPHERS = "@SECLEVEL=2:ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; all of 1.3's are sound
_KNOWN_HOSTS = 1024  # spellings of Host that a certificate remembers to cover: they differ by port, case and wildcard


def _context() -> ssl.SSLContext:
    """TLS 1.2 and 1.3 for a server that speaks HTTP/1.1, as RFC 9325 recommends it; no renegotiation."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    return context


@dataclass(frozen=True)
class CertificateFiles:
    """Where a certificate is, with the chain up to its CA behind it, and its key; both PEM, maybe one file."""

    certificate: Path
    key: Path


class Shown(ssl.SSLObject):
    """A connection's TLS, and what its ClientHello led to: the name asked for (SNI), and the certificate shown."""

    server_name: str | None
    certificate: Certificate


class Certificate:
    """One that can be shown. names: from its subjectAltName, lower case; wildcards as they stand, addresses as text."""

    def __init__(self, files: CertificateFiles) -> None:
        """Raises LabError for a file that is missing, not PEM or locked, for no names, and for another's key."""
        self.files = files
        leaf = _leaf(files.certificate)
        self.names = _names(leaf, files.certificate)
        self.not_before, self.not_after = _utc(leaf, "not_valid_before"), _utc(leaf, "not_valid_after")
        self.context = _with_key(files)
        self._hosts: set[bytes] = set()

    def covers(self, host: bytes) -> bool:
        """Whether it is proof of this Host, port included. Costs one look-up from the second time on."""
        return host in self._hosts or self._learn(host)

    def _learn(self, host: bytes) -> bool:
        name = _name_in(host.decode("latin-1"))
        known = name[:1] not in ("", ".", "*") and (name in self.names or wildcard(name) in self.names)
        if known and len(self._hosts) < _KNOWN_HOSTS:
            self._hosts.add(host)
        return known

    def __repr__(self) -> str:
        return f"<Certificate of {', '.join(sorted(self.names))} until {self.not_after:%Y-%m-%d}>"


class Certificates:
    """Those of one listener.

    >>> certificates = Certificates([CertificateFiles(Path("shop.pem"), Path("shop.key"))], ticket_key_s=86_400)
    >>> certificates.find("www.shop.lab")
    <Certificate of *.shop.lab until 2030-01-01>
    """

    def __init__(self, files: Sequence[CertificateFiles], ticket_key_s: float) -> None:
        self.ticket_key_s = ticket_key_s
        self._context: ssl.SSLContext | None = None
        self._made_s = 0.0
        self.load(files)

    def load(self, files: Sequence[CertificateFiles]) -> None:
        """Show those of `files` from the next handshake on. Raises LabError, and then everything is as it was."""
        found = [Certificate(one) for one in files]
        if not found:
            raise LabError("there is no certificate to show", "at least one certificate and its key")
        self.all = tuple(found)
        self._by_name = {name: certificate for certificate in reversed(found) for name in certificate.names}

    def find(self, name: str | None) -> Certificate:
        """The one to show to who asks for `name`: exact before wildcard, earlier before later, else the first."""
        if name is None:
            return self.all[0]
        name = name.rstrip(".").lower()
        return self._by_name.get(name) or self._by_name.get(wildcard(name)) or self.all[0]

    def wrap(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, now_s: float) -> Shown:
        """TLS for a connection that is new at `now_s` (of any clock that never goes back)."""
        if self._context is None or now_s - self._made_s >= self.ticket_key_s:
            self._context, self._made_s = self._without_certificate(), now_s
        tls = self._context.wrap_bio(incoming, outgoing, server_side=True)
        assert isinstance(tls, Shown)
        return tls

    def warnings(self, now: datetime) -> list[str]:
        """What clients will complain of: certificates that are over, or not yet begun."""
        late = [f"{one.files.certificate} has expired: it was valid until {one.not_after:%Y-%m-%d %H:%M} UTC"
                for one in self.all if now > one.not_after]
        return late + [f"{one.files.certificate} is not valid yet, only from {one.not_before:%Y-%m-%d %H:%M} UTC"
                       for one in self.all if now < one.not_before]

    def _without_certificate(self) -> ssl.SSLContext:
        context = _context()
        context.sslobject_class = Shown
        context.sni_callback = self._show
        return context

    def _show(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """OpenSSL has read a ClientHello, with SNI or without."""
        assert isinstance(tls, Shown)
        tls.server_name, tls.certificate = name, self.find(name)
        tls.context = tls.certificate.context

    def __repr__(self) -> str:
        return f"<Certificates: {', '.join(map(repr, self.all))}>"


def wildcard(name: str) -> str:
    """The one wildcard that covers `name`: its first label, and no more than that one, is a star (RFC 9525 6.3)."""
    return "*." + name.partition(".")[2]


def _name_in(host: str) -> str:
    """The name or address in a Host, as subjectAltName would have it; empty if there is none."""
    if not host.startswith("["):
        return host.partition(":")[0].rstrip(".").lower()
    try:
        return str(ip_address(host[1:].partition("]")[0]))
    except ValueError:
        return ""


def ignore_bad_names() -> None:
    """Print nothing when SNI is not ASCII. Its handshake fails, as it must; but Python prints a traceback, too (3.11),
    so that any client could fill the log.
    """
    before = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, UnicodeDecodeError):
            before(unraisable)
    sys.unraisablehook = hook


# Reading files, and saying what is wrong with them.


def _leaf(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError:
        raise LabError(f"{path} holds no certificate in PEM form", "-----BEGIN CERTIFICATE----- and what belongs there",
                       f"openssl x509 -inform DER -in {path} -out {path.stem}.pem, if it is one in DER") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror}", "a file in PEM form that the proxy may read",
                       f"ls -l {path.parent}") from None


def _names(leaf: x509.Certificate, path: Path) -> frozenset[str]:
    """Its names. One without any would be refused by every client of today (RFC 9525 2), so it is here, too."""
    try:
        said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*said.get_values_for_type(x509.DNSName), *map(str, said.get_values_for_type(x509.IPAddress))]
    except (x509.ExtensionNotFound, ValueError):
        names = []
    if not names:
        raise LabError(f"{path} is for no name: it has no subjectAltName, and the common name is not looked at",
                       "the names or addresses that clients connect to",
                       "openssl req -x509 ... -addext subjectAltName=DNS:shop.example")
    return frozenset(name.lower() for name in names)


def _utc(leaf: x509.Certificate, moment: str) -> datetime:
    """A time in a certificate. `cryptography` has names for it that know UTC from 42 on; Debian 12 has 38."""
    known: datetime | None = getattr(leaf, f"{moment}_utc", None)
    if known is None:
        known = getattr(leaf, moment).replace(tzinfo=UTC)
    return known


def _with_key(files: CertificateFiles) -> ssl.SSLContext:
    """A context that shows the certificate, with the key that proves it."""
    _read(files.key)  # OpenSSL would not say which of the two is missing
    context = _context()
    try:
        context.load_cert_chain(files.certificate, files.key, password=lambda: _locked(files.key))
    except ssl.SSLError as error:
        raise _unusable(files, error) from None
    return context


def _locked(key: Path) -> NoReturn:
    """OpenSSL asks for a password: it would be asked for on the terminal, if there were one."""
    raise LabError(f"the key in {key} is locked by a password", "a key that can be read without asking",
                   f"openssl pkey -in {key} -out {key.stem}-open.key, and keep that file to yourself")


def _unusable(files: CertificateFiles, error: ssl.SSLError) -> LabError:
    """What OpenSSL said, in the user's terms."""
    if error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
        return LabError(f"the key in {files.key} is not the key of the certificate in {files.certificate}",
                        "the two that were made together", "openssl x509 -pubkey -noout -in CERTIFICATE and "
                        "openssl pkey -pubout -in KEY print the same public key")
    if error.reason and error.reason != "NO_START_LINE":
        return LabError(f"{files.certificate} with {files.key} can't be used: {error.reason.replace('_', ' ').lower()}",
                        "RSA of 2,048 bits or more, or an elliptic curve", "openssl x509 -text -noout -in CERTIFICATE")
    return LabError(f"{files.key} holds no key in PEM form", "-----BEGIN PRIVATE KEY----- and what belongs there",
                    f"openssl pkey -inform DER -in {files.key} -out {files.key.stem}.key, if it is one in DER")
