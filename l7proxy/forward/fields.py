"""Which fields say something to a forward proxy itself: the engine's tables (framing.py), with another row or two.

     field                     of a request                         of a response
     proxy-authorization       noted, never forwarded
     server, x-powered-by                                           kept: they are the origin's to say
     location, refresh                                              kept: the client knows where the origin is
     proxy-status                                                   kept: of proxies before the origin (RFC 9209 2)
     proxy-authenticate,                                            dropped: only this proxy asks its clients for
     proxy-authentication-info                                      credentials (RFC 9110 11.7)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from l7proxy.framing import DROP, REQUEST_FIELDS, RESPONSE_FIELDS, Rule
from l7proxy.messages import Field, field, values

_CREDENTIALS = b"Proxy-Authorization"
_KEPT = frozenset((b"server", b"x-powered-by", b"x-aspnet-version", b"location", b"content-location", b"refresh",
                   b"proxy-status"))

_OF_CONNECTION = re.compile(rb"(?i)(?:negotiate|ntlm)\b")


def authenticates_connection(fields: Sequence[Field]) -> bool:
    """Whether a request's credentials may hold for all that follows on its connection, whoever asks it (RFC 4559 6)."""
    return any(_OF_CONNECTION.match(value) for value in values(fields, b"authorization"))


# Noted as what is said of the client is: in RequestReader.forwarded, never among the fields that go on.
FORWARD_REQUEST_FIELDS: Mapping[bytes, Rule] = {
    **REQUEST_FIELDS,
    _CREDENTIALS.lower(): Rule(lambda value: field(_CREDENTIALS, value), REQUEST_FIELDS[b"forwarded"].note),
}
FORWARD_RESPONSE_FIELDS: Mapping[bytes, Rule] = {
    **{name: rule for name, rule in RESPONSE_FIELDS.items() if name not in _KEPT},
    b"proxy-authentication-info": DROP,
}
