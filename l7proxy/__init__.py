"""HOW a proxy balances: an HTTP/1.1 reverse proxy whose unit is the request.

     client ═══ TCP ═══► ClientSocket ┐                        ┌ UpstreamSocket ═══ TCP ═══► s1
                 shell.py             ▼                        ▲                             s2
     bytes ──► http1.py ──► conversation.py ──► exchange.py ──► write.py ──► bytes           s3
               framing.py    one client,         one request,
               body.py       its requests        its backend: balancing.Pool.assign(unit)
                                  │
                             routing.py: whose request is it?

Read in this order: messages, framing, http1, exchange, routing, conversation, outside; then the shell.

Rules of this room:

1. The core is sans-IO: events in by method calls, commands out through one narrow interface (outside.py).
   Sockets, clock and signals are in shell.py, upstreams.py and server.py, and uvloop in loop.py only.
2. Nothing raw is forwarded: parsed, decided, written anew. In doubt about where a message ends, it is refused.
3. Nothing is unbounded: every wait and every size is a field of Limits, and no body is held in memory.
4. It imports `balancing` and the error class, and nothing else of ours.
"""
