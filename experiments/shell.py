"""`./lab shell`: a lab that is up, and Mininet's own prompt in it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from balancing import Service
from experiments.lab import Lab
from topologies import capsule, running
from topologies.nodes import prompt


def run(lab: Lab) -> None:
    """Enter a capsule, bring `lab` up in it, and hand over to the prompt until Ctrl-D."""
    capsule.enter()
    console = Console(stderr=True, highlight=False)
    with console.status("starting") as status:
        lab.say = lambda words: status.update(f"starting {words}")
        lab.start()
    try:
        console.print(banner(lab), soft_wrap=True)
        prompt(lab.net)
    finally:
        lab.stop()


def banner(lab: Lab) -> str:
    """What is running, and what to type first."""
    what = "\n".join(f"  {line}" for line in map(_line, lab.services))
    clients, servers = lab.topo.client_names(), lab.topo.server_names()
    return f"""
[bold]Layer Lab {running.own_id()}[/bold]: {lab.topo.name}, {clients[0]} to {clients[-1]}, \
{servers[0]} to {servers[-1]}, {lab.datapath} datapath
{what}

  h1 curl http://vip/                ask the VIP; every server says its name. Do it again
  h1 ping -c1 srv1                   a server by its own name, beside its VIP
  pingall                            everybody reaches everybody
  sh ovs-ofctl dump-flows s1         what the controller made of it
  sh cat {lab.directory}/*.ndjson      every decision, as it was made
  sh ./lab pool show                 who serves, and how busy; from another terminal: ./lab pool show
  exit                               or Ctrl-D: nothing of it remains
"""


def _line(service: Service) -> str:
    backends: Sequence[str] = [f"{backend.name} ({backend.ip}:{service.port_of(backend)}, weight {backend.weight})"
                               for backend in service.backends]
    port = f":{service.port}/{service.protocol}" if service.row.by_port or not service.row.in_switch else ""
    return (f"[cyan]vip[/cyan] {service.vip}{port}  {service.layer} {service.algorithm} ({service.realisation})"
            f" over {', '.join(backends)}")


