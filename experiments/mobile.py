"""Question: a client moves and has another address: who keeps its session at its server?

Prediction: whatever the switch goes by is a field of the packet, and all of them are others now: of n servers a hash
hits the same one once in n. So does L7 if it goes by the address. A cookie comes along, and so the session is kept.

    session: a request, the client moves (or stays), two requests more; each in a connection of its own

                        stays   moves
    L2 by MAC           all     1 in n      source hash at each layer
    L3, L4 by address   all     1 in n
    L7 by address       all     1 in n
    L7 by cookie        all     all         the proxy's own, signed (l7proxy/sticky.py)

And a canary: srv3 is given a stated part of the new sessions, and whoever is there must stay there, or he would meet
two releases in turn.

Method: real clients with cookie jars in Mininet hosts. In each round all of them begin a session with every VIP, then
half of them, by lot, change MAC and address in their host (ip link, ip addr), then all go on. A session is a case; it
is kept if every later request was answered by the server of the first one. Stayed and moved sessions are of the same
rounds. What goes by the address hashes the same addresses in the same way at every layer, so it has the same luck.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from balancing import Service
from experiments.clients import ClientHost, session
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.mobile_lab import BY_COOKIE, CANARY, SERVERS, STATED, WITH_CANARY, MobileLab, services
from experiments.services import PORTS
from experiments.traffic import Answer, ask
from experiments.verdicts import CONSTRUCTED, HOLDS, ONLY_IF, Claim, Rule, Verdict, of_part, of_rounds
from layerlab import LabError

AFFINITIES = tuple(one.name for one in services() if one.name != WITH_CANARY)
AT_ONCE = 8   # requests under way
LATER = 2     # requests of a session after the move

KEPT = Rule("part of the sessions that stayed at their server", ">", 0.9)
CLAIMS = {
    **{name: Claim(0, f"{name}: a session is kept", KEPT, "its client doesn't move")
       for name in AFFINITIES if name != BY_COOKIE},
    BY_COOKIE: Claim(6, "L7 keeps a session by cookie, also if its client moves", KEPT),
}
SHARE = Claim(6, f"a canary gets {STATED:.0%} of new sessions, as stated",
              Rule("difference between its part of a round's sessions and the stated one", "<", 0.05),
              by_construction=True)
STAYS = Claim(6, "whoever is at the canary stays there, and nobody else comes, also if he moves",
              Rule("part of the sessions that stayed on their side", ">", 0.9))


@dataclass(frozen=True)
class Size:
    """How many rounds, and how many clients in each, of which half move."""

    rounds: int
    clients: int = 20


QUICK, FULL = Size(rounds=4), Size(rounds=20)


@dataclass
class Session:
    """One client's with one VIP in one round, and who answered its requests so far."""

    service: Service
    client: ClientHost
    number: int
    jar: requests.Session
    moves: bool = False
    servers: list[str] = field(default_factory=list)

    def go_on(self) -> None:
        """One more request. Raises LabError if it isn't answered."""
        answer: Answer = ask(self.jar, self.client, f"http://{self.service.vip}:{PORTS['tcp']}/", "fresh")
        if answer.error:
            raise LabError(f"{self.client.name} was not answered by {self.service!r}: {answer.error}", "an answer",
                           "./lab doctor")
        self.servers.append(answer.server)

    @property
    def kept(self) -> bool:
        """Whether all of it was one server's."""
        return len(set(self.servers)) == 1

    @property
    def kept_side(self) -> bool:
        """Whether all of it was the canary's, or nothing."""
        return len({server == CANARY for server in self.servers}) == 1


def measure(lab: MobileLab, size: Size, seed: int, say: Callable[[str], object]) -> list[Session]:
    """All rounds' sessions."""
    dice, found = random.Random(seed), list[Session]()
    for number in range(1, size.rounds + 1):
        say(f"mobile: round {number} of {size.rounds}")
        clients = lab.clients()
        movers = {client.name for client in dice.sample(clients, len(clients) // 2)}
        sessions = [Session(one, client, number, session(client), client.name in movers)
                    for one in lab.services for client in clients]
        dice.shuffle(sessions)
        _all_go_on(sessions)
        for name in sorted(movers):
            lab.move(name)
        for _ in range(LATER):
            _all_go_on(sessions)
        for one in sessions:
            one.jar.close()
        lab.forget()
        found += sessions
    return found


def _all_go_on(sessions: Sequence[Session]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(one.go_on) for one in sessions]:
            done.result()


# -- the tables --------------------------------------------------------------------------------


def of(sessions: Iterable[Session], name: str, moves: bool | None = None) -> list[Session]:
    """Those with one VIP; of clients that moved or didn't, where that is asked."""
    return [one for one in sessions if one.service.name == name and moves in (None, one.moves)]


def rows(sessions: Sequence[Session]) -> list[dict[str, object]]:
    """The table `mobile`."""
    found: list[dict[str, object]] = []
    for name in AFFINITIES:
        stayed, moved = of(sessions, name, False), of(sessions, name, True)
        found.append({"affinity": name, "stayed": len(stayed), "stayed_kept": sum(one.kept for one in stayed),
                      "moved": len(moved), "moved_kept": sum(one.kept for one in moved),
                      "moved_expected": 1.0 if name == BY_COOKIE else round(1 / SERVERS, 3)})
    return found


def canary_rows(sessions: Sequence[Session]) -> list[dict[str, object]]:
    """The table `canary`: a row a round."""
    own, found = of(sessions, WITH_CANARY), list[dict[str, object]]()
    for number in sorted({one.number for one in own}):
        here = [one for one in own if one.number == number]
        at_canary = sum(one.servers[0] == CANARY for one in here)
        found.append({"round": number, "sessions": len(here), "at_canary": at_canary,
                      "share_of_new": round(at_canary / len(here), 3), "stated": STATED,
                      "kept_side": sum(one.kept_side for one in here)})
    return found


def verdicts(sessions: Sequence[Session]) -> list[Verdict]:
    """What came of the claims on affinity."""
    found = []
    for name, claim in CLAIMS.items():
        stayed, moved = (of_part(sum(one.kept for one in own), len(own))
                         for own in (of(sessions, name, False), of(sessions, name, True)))
        found.append(claim.judge(stayed, moved) if claim.only_if else claim.judge(moved))
    return found


def canary_verdicts(sessions: Sequence[Session]) -> list[Verdict]:
    """What came of those on the canary."""
    own, found = of(sessions, WITH_CANARY), canary_rows(sessions)
    off = of_rounds(abs(float(str(row["share_of_new"])) - STATED) for row in found)
    return [SHARE.judge(off), STAYS.judge(of_part(sum(one.kept_side for one in own), len(own)))]


def moral(found: Sequence[dict[str, object]]) -> str:
    """What is to be seen, in the run's own figures."""
    words = ", ".join(f"{row['affinity']} {row['moved_kept']} of {row['moved']}" for row in found)
    stayed = sum(int(str(row["stayed_kept"])) for row in found)
    return (f"Sessions kept though their client moved: {words}; by a hash 1 in {SERVERS} would be by chance. Of "
            f"clients that stayed {stayed} of {sum(int(str(row['stayed'])) for row in found)} were kept.")


def canary_moral(found: Sequence[dict[str, object]]) -> str:
    """The same of the canary."""
    count, whole, kept = (sum(int(str(row[name])) for row in found) for name in ("at_canary", "sessions", "kept_side"))
    return (f"{count} of {whole} new sessions went to the canary, {STATED:.0%} were stated; {kept} of {whole} stayed "
            "on their side of it, half of them though their client moved.")


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Two tables of one run."""
    found: list[Session] = []

    def mobile(options: Options, display: Display) -> Part:
        size = QUICK if options.quick else FULL
        with MobileLab(size.clients, display.say) as lab:
            found.extend(measure(lab, size, options.seed, display.say))
        table, judged = rows(found), verdicts(found)
        return Part("mobile", table, moral(table), as_predicted(judged), verdicts=judged)

    def canary(options: Options, display: Display) -> Part:
        table, judged = canary_rows(found), canary_verdicts(found)
        return Part("canary", table, canary_moral(table), as_predicted(judged), verdicts=judged)

    return mobile, canary


def as_predicted(judged: Sequence[Verdict]) -> bool:
    """Whether everything came out as claimed, and what has a condition within it only."""
    return all(one.verdict.startswith(ONLY_IF) if one.claim.only_if else one.verdict in (HOLDS, CONSTRUCTED)
               for one in judged)
