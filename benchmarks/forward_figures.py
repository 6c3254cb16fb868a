"""The figures that the forward proxy is held to; what is measured for each is in WHATS (proxy_figures.py)."""

from __future__ import annotations

from benchmarks.proxy_figures import Figure

FIGURES = (
    Figure("GET not cached against Squid without cache", "fetch", "Squid", 1.0, 1.5),
    Figure("cache hit against Squid", "fetch, cached", "Squid", 0.5, 1.0),
    Figure("GET not cached against tinyproxy", "fetch", "tinyproxy", 3, 5),
    Figure("GET not cached against proxy.py", "fetch", "proxy.py", 1.5, 3),
    Figure("GET not cached against mitmproxy", "fetch", "mitmproxy", 20, 30),
    Figure("CONNECT bytes per CPU second against tinyproxy", "tunnel", "tinyproxy", 1.0, 1.5),
    Figure("CONNECT bytes per CPU second against Squid", "tunnel", "Squid", 1.0, 1.5),
)
