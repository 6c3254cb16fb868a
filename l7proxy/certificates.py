"""Certificates: which one a client is shown, what it is good for, and how a new one takes its place.

     ClientHello ──SNI──► find ──► shop.lab      its own name
                                   *.shop.lab    any one label before it (RFC 9525 6.3)
                                   the first     no SNI, or a name that is nobody's (RFC 6066 3 allows either end)
     request ──Host──► covers? ──no──► 421, misdirected (RFC 9110 15.5.20): that name is not proven here

Rules kept here:

1. Every TLS context of the proxy is made by `_context`: versions and ciphers are said once (RFC 9325 3.1, 4.2).
2. A certificate says itself whose it is, in its subjectAltName; a configuration may name others, at its own risk.
3. Handshakes begin with a context that has no certificate, only the key of the session tickets; so new certificates
   neither touch a connection nor make a client's session worthless. That key is changed once in ticket_key_s (RFC
   9325 3.4: else who steals it reads what was said under TLS 1.2 before).
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, NoReturn

from l7proxy.config import Certificate
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


class Shown(ssl.SSLObject):
    """A connection's TLS, and what its ClientHello led to: the name asked for (SNI), and the certificate shown."""

    server_name: str | None
    identity: Identity


class Identity:
    """A certificate that can be shown, because its key is here. names: small letters; wildcards as they stand."""

    def __init__(self, source: Certificate) -> None:
        """Raises LabError for a file that is missing, not PEM or locked, for no names, and for another's key."""
        self.source = source
        leaf = _leaf(source.cert)
        self.names = frozenset(source.names) or leaf.names
        self.not_before, self.not_after = leaf.not_before, leaf.not_after
        if not self.names:
            raise _nameless(source.cert)
        self.context = _with_key(source)
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

    def fault(self, now: datetime) -> str:
        """Why clients won't take it, in words; empty if they will."""
        if now > self.not_after:
            return f": it has expired, put a new one into {self.source.cert}"
        return f": it is not valid yet, only from {_moment(self.not_before)}" if now < self.not_before else ""

    def __repr__(self) -> str:
        return f"<Identity {', '.join(sorted(self.names))} until {self.not_after:%Y-%m-%d}>"


def read(sources: Sequence[Certificate]) -> dict[str, Identity]:
    """Read certificates and keys; return them by the names that the configuration has for them. Raises LabError."""
    return {source.name: Identity(source) for source in sources}


class Certificates:
    """Those of one listener, at least one; the first for clients that ask for no known name.

    >>> certificates = Certificates([Identity(Certificate("shop", Path("shop.pem"), Path("shop.key")))], 86_400)
    >>> certificates.find("www.shop.lab")
    <Identity *.shop.lab until 2030-01-01>
    """

    def __init__(self, identities: Sequence[Identity], ticket_key_s: float) -> None:
        self.ticket_key_s = ticket_key_s
        self._context: ssl.SSLContext | None = None
        self._made_s = 0.0
        self.show(identities)

    def show(self, identities: Sequence[Identity]) -> None:
        """Show these from the next handshake on."""
        self.all = tuple(identities)
        self._by_name = {name: identity for identity in reversed(identities) for name in identity.names}

    def find(self, name: str | None) -> Identity:
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

    def words(self, now: datetime) -> list[str]:
        """A line for each: whose it is, for how long; and that clients won't take it, where they won't."""
        return [f"shows {', '.join(sorted(one.names))} until {_moment(one.not_after)}{one.fault(now)}"
                for one in self.all]

    def _without_certificate(self) -> ssl.SSLContext:
        context = _context()
        context.sslobject_class = Shown
        context.sni_callback = self._show
        return context

    def _show(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """OpenSSL has read a ClientHello, with SNI or without."""
        assert isinstance(tls, Shown)
        tls.server_name, tls.identity = name, self.find(name)
        tls.context = tls.identity.context

    def __repr__(self) -> str:
        return f"<Certificates: {', '.join(map(repr, self.all))}>"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


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


class Leaf(NamedTuple):
    """What we want to know of a certificate."""

    names: frozenset[str]
    not_before: datetime
    not_after: datetime


def _leaf(path: Path) -> Leaf:
    from cryptography import x509  # 13 MiB, which a proxy without TLS doesn't need

    try:
        leaf = x509.load_pem_x509_certificate(_read(path))
        said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*said.get_values_for_type(x509.DNSName), *map(str, said.get_values_for_type(x509.IPAddress))]
    except x509.ExtensionNotFound:
        names = []
    except ValueError:
        raise LabError(f"{path} holds no certificate in PEM form", "-----BEGIN CERTIFICATE----- and what belongs there",
                       f"openssl x509 -inform DER -in {path} -out {path.stem}.pem, if it is one in DER") from None
    return Leaf(frozenset(name.lower() for name in names),
                _utc(leaf, "not_valid_before"), _utc(leaf, "not_valid_after"))


def _utc(leaf: object, moment: str) -> datetime:
    """A time in a certificate. `cryptography` has names for it that know UTC from 42 on; Debian 12 has 38."""
    known: datetime | None = getattr(leaf, f"{moment}_utc", None)
    return known if known is not None else getattr(leaf, moment).replace(tzinfo=UTC)  # type: ignore[no-any-return]


def _nameless(path: Path) -> LabError:
    """Every client of today would refuse it (RFC 9525 2)."""
    return LabError(f"{path} is for no name: it has no subjectAltName, and the common name is not looked at",
                    "the names or addresses that clients connect to",
                    "openssl req -x509 ... -addext subjectAltName=DNS:shop.example")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror}", "a file in PEM form that the proxy may read",
                       f"ls -l {path.parent}") from None


def _with_key(source: Certificate) -> ssl.SSLContext:
    """A context that shows the certificate, with the key that proves it."""
    _read(source.key)  # OpenSSL would not say which of the two is missing
    context = _context()
    try:
        context.load_cert_chain(source.cert, source.key, password=lambda: _locked(source.key))
    except ssl.SSLError as error:
        raise _unusable(source, error) from None
    return context


def _locked(key: Path) -> NoReturn:
    """OpenSSL asks for a password: it would be asked for on the terminal, if there were one."""
    raise LabError(f"the key in {key} is locked by a password", "a key that can be read without asking",
                   f"openssl pkey -in {key} -out {key.stem}-open.key, and keep that file to yourself")


def _unusable(source: Certificate, error: ssl.SSLError) -> LabError:
    """What OpenSSL said, in the user's terms."""
    if error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
        return LabError(f"the key in {source.key} is not the key of the certificate in {source.cert}",
                        "the two that were made together", "openssl x509 -pubkey -noout -in CERTIFICATE and "
                        "openssl pkey -pubout -in KEY print the same public key")
    if error.reason and error.reason != "NO_START_LINE":
        return LabError(f"{source.cert} with {source.key} can't be used: {error.reason.replace('_', ' ').lower()}",
                        "RSA of 2,048 bits or more, or an elliptic curve", "openssl x509 -text -noout -in CERTIFICATE")
    return LabError(f"{source.key} holds no key in PEM form", "-----BEGIN PRIVATE KEY----- and what belongs there",
                    f"openssl pkey -inform DER -in {source.key} -out {source.key.stem}.key, if it is one in DER")
