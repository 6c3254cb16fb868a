"""HOW a proxy balances: an HTTP/1.1 reverse proxy whose unit is the request.

     client ═══ TCP ═══► ClientSocket ┐                        ┌ UpstreamSocket ═══ TCP ═══► s1
                 shell.py             ▼                        ▲                             s2
     bytes ──► http1.py ──► conversation.py ──► exchange.py ──► write.py ──► bytes           s3
               framing.py    one client,         one request,
               body.py       its requests        its backend: balancing.Pool.assign(unit)
                                  │
                             routing.py: whose request is it?

     probes.py ═══ TCP ═══► s1, s2, s3 ──passed, failed──┐         exam.py: what is asked, what an answer is worth
                                                         ├──► Pool ──on_leave──► server.py: what is at a server that
     operators.py ═══ Unix socket ═══► Api ──────────────┘         is down or was removed, is tried elsewhere or ends

Read in this order: messages, framing, http1, failures, exchange, routing, conversation, outside; then the shell:
shell, upstreams, server; then who judges and changes the pools meanwhile: exam, probes, operators.

Rules of this room:

1. The core is sans-IO: events in by method calls, commands out through one narrow interface (outside.py).
   Sockets, clock and signals are in shell.py, upstreams.py, server.py, probes.py and operators.py, uvloop in loop.py
   only.
2. Nothing raw is forwarded: parsed, decided, written anew. In doubt about where a message ends, it is refused.
3. Nothing is unbounded: every wait and every size is a field of Limits, and no body that is relayed is held in memory.
4. One loop owns everything. What must not happen in the midst of something else happens in the loop's next round.
5. It imports `balancing` and the error class, and nothing else of ours.
"""

from l7proxy.compiled import use

COMPILED = use(__path__, __name__)
