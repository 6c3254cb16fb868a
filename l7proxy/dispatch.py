"""What is done with a request that has come: which row of the routing table takes it, and what follows.

     a row      of            what follows
     none                     404
     answer, redirect         said as it is written there (RFC 9110 15.4)
     pool       cached        what is stored, or an exchange (caching.py)
     pool                     an exchange with one of its servers

     a forward proxy has no rows: its face decides (forward/face.py)
     before any row: 413 for a body that is too large, 421 for a host that the certificate shown is not for
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l7proxy import caching, write
from l7proxy.balancer import Balancer
from l7proxy.cache import Reply
from l7proxy.config import Answer
from l7proxy.explain import Explanations, Record, line
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.refusal import Refused
from l7proxy.routing import Routed, said

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation

_NO_ROUTE = 404, "no service here takes such a request", "destination_not_found"
_MISDIRECTED = 421, "the certificate here is not for that host", "http_request_error"


def begin(talk: Conversation, head: RequestHead) -> None:
    """Do it."""
    site = talk.site
    if site.forward is not None:
        site.forward.begin(talk, head)
        return
    if head.body > site.limits.body_bytes:
        talk.refuse(Refused(413, "the request's body is too large", "RFC 9110 15.5.14"))
        return
    if not head.host:  # only HTTP/1.0 may leave it out
        head = head._replace(host=site.authority)
    elif talk.covers is not None and not talk.covers(head.host):
        talk.complain(head, *_MISDIRECTED)
        return
    route = site.route_of(head)
    if site.explain is not None and (told := talk.requests.forwarded) and site.explain.wanted(talk.client, told):
        _explain(talk, site.explain, head, route)
    elif route is None:
        talk.complain(head, *_NO_ROUTE)
    elif type(route.action) is Balancer:
        _forward(talk, head, route, route.action)
    else:
        _say(talk, head, *said(route, head))


def _explain(talk: Conversation, explain: Explanations, head: RequestHead, route: Routed | None) -> None:
    """The same for a request that asks why."""
    record = explain.begin(head, talk.client, route, talk.began_s)
    if route is not None and isinstance(route.action, Balancer):
        _forward(talk, head, route, route.action, record)
        return
    record.ended_s = talk.outside.now()
    if route is None:
        record.status = 404
        talk.complain(head, *_NO_ROUTE, line(record))
    else:
        answer, more = said(route, head)
        record.status = answer.status
        _say(talk, head, answer, more + line(record))


def _forward(talk: Conversation, asked: RequestHead, route: Routed, balancer: Balancer,
             record: Record | None = None) -> None:
    """To one of the balancer's servers, or to what is stored of theirs."""
    head, cache = asked, talk.site.cache
    if route.rewrite is not None:
        head = asked._replace(target=route.rewrite(asked))
    if not route.cache or cache is None:
        talk.send(asked, head, balancer, record)
        return
    found = cache.lookup(head, talk.began_s, route.space)
    talk.site.counts.looked += 1
    if type(found) is Reply and record is None and found.refresh is None:
        caching.serve(talk, asked, found)
    else:
        errand = caching.PoolErrand(talk, cache, asked, head, balancer, route.space, record)
        caching.follow(talk, asked, errand, found)


def _say(talk: Conversation, head: RequestHead, answer: Answer, more: bytes) -> None:
    """Answer what the routing table says. more: field lines."""
    talk.say(head, answer.status, write.own_answer(
        answer.status, answer.body, talk.keep(head, head.body == NO_BODY), bodiless=head.method == b"HEAD",
        more=talk.outside.date() + more, kind=answer.content_type.encode()))
