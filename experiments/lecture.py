"""What the lecture claims, by number. The lab tries each: `./lab list` says where, reports what came of it."""

from __future__ import annotations

LECTURE: dict[int, str] = {
    1: "scale-up hits a limit and its price grows faster than its power; scale-out goes on",
    2: "judging servers by test packets balances better than a fixed ratio when load changes; a fixed ratio is better "
       "when capacities are known and steady",
    3: "no server becomes a hot spot",
    4: "L2 balances by MAC, L3 by IP, L4 by port, L7 by content, each at its cost",
    5: "with several programs on one server, told apart by port, L4 is the least that will do",
    6: "L7 splits by URL category, by header and by cookie",
    7: "round robin is right for equal servers and short sessions, and wrong where sessions last",
    8: "weighted round robin is right for unequal servers",
    9: "IP hash keeps a client on its server, also when servers come and go",
    10: "least connections is right for long or uneven sessions",
    11: "least response time is right where servers differ in speed at the moment",
    12: "a proxy does its jobs: forward for clients, reverse for servers",
    13: "a proxy can stand anywhere",
}
