"""WHAT HAPPENS: one file a question, and the traffic, measuring and reporting that they share.

Rules of this room:

1. It may import all other rooms; none imports it.
2. An experiment states its question, prediction and method at the top of its file, measures real
   traffic, and reports what was counted. It can come out against its prediction.
3. Every experiment takes the same options and writes one envelope (experiment.py, envelope.py).

    cli ──► catalog ──► compare ──► lab (topologies, controller, l7proxy, server) ◄── traffic, clients
                           └──────► envelope, tables
"""
