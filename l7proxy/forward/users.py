"""Who asks: Basic credentials for the proxy (RFC 7617, RFC 9110 11.7), against passwords that are kept hashed.

     Proxy-Authorization: Basic YW5uOnNlY3JldA==  ──read──►  ann, secret
                                                              │ known(...)   a look-up, for all requests but the first
                                                              └ verify(...)  scrypt: a tenth of a second, in a thread
     ann:$scrypt$ln=14,r=8,p=1$SALT$HASH          an entry of the file of users, made by `entry`

Rules kept here:

1. Passwords are not kept: the file has scrypt hashes (RFC 7914), memory has keyed digests of credentials that were
   right or wrong, and only so many, so that not every request pays for scrypt.
2. An unknown user costs the same time as a wrong password, and comparisons take the same time whatever differs.
3. Wrong credentials are remembered apart from right ones: whoever guesses pushes nobody out.
4. The field is for this proxy: fields.py takes it out of what is forwarded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from l7proxy.forward.verdict import Outcome, Verdict, denied
from layerlab import LabError

COST = 14           # log2 of scrypt's N: 16 MiB, a tenth of a second
MOST_COST = 20
MOST_KNOWN = 1024   # credentials, right and wrong each
LONGEST = 1024      # octets of a field value
_SALT_BYTES, _HASH_BYTES = 16, 32
_BASIC = re.compile(rb"(?i)basic +([A-Za-z0-9+/]+={0,2})")
_ENTRY = re.compile(r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # RFC 7617 2

UNVERIFIED = denied("users", "too many others are being asked who they are", 503, "proxy_internal_response")


class Credentials(NamedTuple):
    """What somebody says to be, and how he would show it."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"<Credentials of {self.user}>"


class Hashed(NamedTuple):
    """A password's hash by scrypt, and what it was made with (RFC 7914 2)."""

    cost: int
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        """Whether it is this password's. Slow, which is the purpose; may run in a thread."""
        return hmac.compare_digest(_scrypt(password, self), self.digest)

    def __str__(self) -> str:
        return f"$scrypt$ln={self.cost},r={self.block},p={self.parallel}${_base64(self.salt)}${_base64(self.digest)}"


def read(value: bytes) -> Credentials | None:
    """What a Proxy-Authorization says; None if that is nothing which RFC 7617 knows."""
    found = _BASIC.fullmatch(value) if len(value) <= LONGEST else None
    if found is None:
        return None
    try:
        said = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        return None
    text = unicodedata.normalize("NFC", _decoded(said))
    user, colon, password = text.partition(":")
    return Credentials(user, password) if user and colon and not _CONTROL.search(text) else None


def _decoded(said: bytes) -> str:
    """UTF-8, which is what we ask for; some clients, requests among them, know only ISO 8859-1 (RFC 7617 2.1, B.3)."""
    try:
        return said.decode("utf-8")
    except UnicodeDecodeError:
        return said.decode("latin-1")


def challenge(realm: str, rule: str) -> Verdict:
    """The verdict for who has not shown who he is: 407, with the scheme, realm and charset (RFC 7617 2, 2.1)."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    more = f'Proxy-Authenticate: Basic realm="{quoted}", charset="UTF-8"\r\n'.encode()
    return Verdict(Outcome.AUTHENTICATE, rule, "this proxy asks who you are", 407, "http_request_denied", more)


def entry(user: str, password: str, cost: int = COST) -> str:
    """The line of the file of users for `user`. Raises LabError for a name or password that Basic can't carry."""
    user, password = (unicodedata.normalize("NFC", text) for text in (user, password))
    if not user or ":" in user or _CONTROL.search(user) or user.startswith("#") or user != user.strip():
        raise LabError(f"{user!r} is no name of a user", "characters that can be printed, no colon", field="user")
    if not password or _CONTROL.search(password):
        raise LabError("that is no password", "characters that can be printed", field="password")
    return f"{user}:{_hashed(password, cost)}"


class Users:
    """Who may show who he is. A change of the file makes another of these, which has to be convinced anew."""

    def __init__(self, hashes: Mapping[str, Hashed]) -> None:
        self._hashes = dict(hashes)
        self._nobody = next(iter(self._hashes.values()), None) or _hashed(secrets.token_hex(), COST)
        self._key = os.urandom(32)
        self._right: dict[bytes, str] = {}
        self._wrong: dict[bytes, str] = {}

    def same(self, other: Users | None) -> bool:
        """Whether `other` has the same entries."""
        return other is not None and self._hashes == other._hashes

    def known(self, value: bytes) -> str | None:
        """The user of this Proxy-Authorization: "" if it is known to be wrong, None if it must be verified."""
        digest = self._digest(value)
        return self._right.get(digest) or self._wrong.get(digest)

    def verify(self, value: bytes) -> str:
        """The same, worked out: a user, or "". Changes nothing, so it may run in a thread; then `remember`."""
        credentials = read(value)
        if credentials is None:
            return ""
        right = self._hashes.get(credentials.user, self._nobody).fits(credentials.password)
        return credentials.user if right and credentials.user in self._hashes else ""

    def remember(self, value: bytes, user: str) -> None:
        """What `verify` has said."""
        known = self._right if user else self._wrong
        if len(known) >= MOST_KNOWN:
            del known[next(iter(known))]
        known[self._digest(value)] = user

    def _digest(self, value: bytes) -> bytes:
        return hashlib.blake2b(value, key=self._key, digest_size=16).digest()

    def __repr__(self) -> str:
        return f"<Users: {len(self._hashes)}>"


def read_users(text: str, name: str) -> Users:
    """The users in a file: a line each, as `entry` makes it; # begins a comment. Raises LabError with the line."""
    hashes: dict[str, Hashed] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            user, _, rest = line.strip().partition(":")
            hashed = _read_hash(rest)
            if hashed is None or not user or user in hashes:
                raise LabError(f"{name}:{number}: " + ("a second entry of one user" if user in hashes else "no entry"),
                               "USER:$scrypt$ln=14,r=8,p=1$SALT$HASH", "lab-proxy passwd USER makes one")
            hashes[unicodedata.normalize("NFC", user)] = hashed
    return Users(hashes)


def _read_hash(text: str) -> Hashed | None:
    found = _ENTRY.fullmatch(text)
    if found is None:
        return None
    cost, block, parallel = map(int, found.groups()[:3])
    salt, digest = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in found.groups()[3:])
    sound = 1 <= cost <= MOST_COST and 1 <= block <= 32 and 1 <= parallel <= 16 and len(digest) >= 16
    return Hashed(cost, block, parallel, salt, digest) if sound else None


def _hashed(password: str, cost: int) -> Hashed:
    made = Hashed(cost, 8, 1, os.urandom(_SALT_BYTES), bytes(_HASH_BYTES))
    return made._replace(digest=_scrypt(password, made))


def _scrypt(password: str, terms: Hashed) -> bytes:
    n, r, p = 2**terms.cost, terms.block, terms.parallel
    return hashlib.scrypt(password.encode(), salt=terms.salt, n=n, r=r, p=p, dklen=len(terms.digest),
                          maxmem=128 * r * (n + p + 2) + 2**20)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
