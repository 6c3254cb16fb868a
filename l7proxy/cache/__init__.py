"""The cache of the proxy: a shared HTTP cache by RFC 9111, in RAM. Pure: no sockets, no clock.

     client ──request──► Cache.lookup ──Reply──────────────────────────────► client       a hit
                            │   │  └─Join─ another asks already: wait, look up again      collapsed
                            │  Ask
                            ▼   ▼                      ┌─Reply─ validated, or stale ─► client
                         store  origin ──► Ask.answered┤
                            ▲                          └─Relay──────────────────────► client
                            └────────── Recording ◄──────── body

     absent ──stored──► fresh ──lifetime over──► stale ──304──► fresh         What may happen to a response.
        ▲                 │                        │
        └─────────────────┴── evicted, replaced, invalidated by an unsafe method ──┘

Read in this order; each opens with its table:

    fields.py       names, lists, quoted strings        conditional.py  If-None-Match and the others, both ways
    httpdate.py     HTTP-date                           ranges.py       206 and 416
    directives.py   Cache-Control, CDN-Cache-Control    entry.py        a stored response
    freshness.py    lifetime, age, stale use            store.py        the byte bound, S3-FIFO
    storable.py     what may be stored                  reply.py        responses made of what is stored
    vary.py         which variant fits                  asking.py       what becomes of a request that went on
    status.py       Cache-Status                        cache.py        what to do with a request

What it leaves out, as RFC 9111 allows: parts (206) are not stored (3.3), a request whose selecting fields fit nothing
stored is not sent with the entity-tags of the other variants (4.1), Warning is neither made nor read (5.5).
"""

from l7proxy.compiled import use

use(__path__, __name__)

from l7proxy.cache.asking import Ask, Join, Recording, Relay  # noqa: E402
from l7proxy.cache.cache import Cache, Settings  # noqa: E402
from l7proxy.cache.reply import Reply  # noqa: E402

__all__ = ["Ask", "Cache", "Join", "Recording", "Relay", "Reply", "Settings"]
