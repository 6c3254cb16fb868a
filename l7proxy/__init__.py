"""HOW a proxy balances: an HTTP/1.1 reverse proxy whose unit is the request.

     client ═══ TCP, TLS ═══► ClientSocket ┐                              ┌ UpstreamSocket ═══ TCP ═══► s1
               tls.py, shell.py            ▼                              ▲ upstreams.py                s2
     bytes ──► http1.py ──► conversation.py ──► dispatch.py ──► exchange.py ──► write.py ──► bytes      s3
               lines.py      one client,         whose is it?    one request, its backend:
               framing.py    its requests        routing.py      balancer.py, balancing.Pool
               body.py                               │
                                                 caching.py ◄──► cache/

     probes.py ═══ TCP ═══► s1, s2, s3 ──passed, failed──┐         exam.py: what is asked, what an answer is worth
                                                         ├──► Pool ──on_leave──► server.py: what is at a server that
     operators.py ═══ Unix socket ═══► Api ──────────────┘         is down or was removed, is tried elsewhere or ends

An evening's order to read it in. Each file opens with what it is and the rules that it keeps.

    what is said        messages, refusal, framing, lines, body, target, http1, write
    what is done        failures, limits, outside, conversation, dispatch, exchange
    who serves          balancer, sticky, conditions, templates, routing
    what is told        forwarded, hiding, proxystatus, accesslog, counters, explain, witness
    what is stored      caching, then cache/
    on sockets          wheel, upstreams, guests, shell, certificates, tls, server, eventlog, loop
    who judges          exam, probes, operators
    how it is told      config, config_keys and the other config_*, reload, __main__; compiled makes it fast

Rules of this room:

1. The core is sans-IO: events in by method calls, commands out through one narrow interface (outside.py).
   Sockets, clock and signals are in shell.py, upstreams.py, server.py, probes.py and operators.py, TLS in tls.py and
   certificates.py, uvloop in loop.py only.
2. Nothing raw is forwarded: parsed, decided, written anew. In doubt about where a message ends, it is refused.
3. Nothing is unbounded: every wait and every size is a field of Limits, and no body that is relayed is held in memory.
4. One loop owns everything. What must not happen in the midst of something else happens in the loop's next round.
5. It imports `balancing` and the error class, and nothing else of ours.
"""

from l7proxy.compiled import use

COMPILED = use(__path__, __name__)
