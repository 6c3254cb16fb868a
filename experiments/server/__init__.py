"""The lab's server: it says who it is and what it saw of the client. `python -m experiments.server --help`.

                      ┌──────────────── one process, one thread ────────────────┐
    TCP :80, :8001 ──►│ Connection ──► Capacity: `workers` at a time, FIFO ──►  │──► JSON
                      │            └─► Asides: /_stats, /_capacity ──────────►  │──► JSON
    UDP :9000      ──►│ Echo ────────────────────────────────────────────────►  │──► JSON, from the address asked
                      └─────────────────────────────────────────────────────────┘

Rules kept here:

1. An answer proves where it came from: the server's name, the address and port that the client
   called, the client's own address as it arrived, and running numbers of connection and request.
2. Capacity is a number one sets, also while it runs, not what the machine happens to give:
   `workers` / (`service_time_s` x slowness).
3. It starts fast, because a lab starts many: nothing is imported that every run doesn't need.

Read in this order: settings, capacity, queues, connection, asides, udp, __main__.
"""
