"""HOW the switch does it: a Ryu app that turns decisions of `balancing` into flow rules.

Rules of this room:

1. Rules are built by pure functions as plain data (rules.py, flows.py) and become messages at one
   place (messages.py). Only framework.py imports Ryu.
2. Every rule carries a cookie that says what it is for (cookies.py).
3. What an earlier controller left in a switch is adopted or deleted, never wiped (reconcile.py).
4. What is not for a VIP is switched as by an ordinary learning switch, always.
5. One loop owns everything: packet-ins, timers and the API are all handled in it (framework.Work).

    packet-in ──► frame.parse ──► Assignments.assign ──► rules.unit_flow ──► messages ──► switch
                  (bytes)          (balancing)            (plain data)       (OpenFlow)
                                        ▲
    clock ──► probes.tick ──packet-out──┼── packet-in ──► probes.hear ──► Pool.passed, Pool.failed
    operator ──► balancing.api ─────────┘

Read in this order: rules, flows, carried, app; then probes and packets; then reconcile.
"""
