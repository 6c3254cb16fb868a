"""What `./lab pool counters` and `./lab pool explain` show: what the lab's proxy has counted, and why it chose so.

     proxy.sock ──GET /counters──────────► a table for each service, one for the doors    (l7proxy/counters.py)
                ──GET /explanations/ID───► a table of what came of it, one of its tries   (l7proxy/explain.py)

Switches count in their own way: `sh ovs-ofctl dump-flows s1`, at the lab's prompt.
"""

from __future__ import annotations

import json
from typing import Any

import click

from experiments.envelope import Row
from experiments.pools import Form, RunningLab, ask
from experiments.tables import print_table
from layerlab import LabError

CLASSES = ("2xx", "3xx", "4xx", "5xx")


def ask_proxy(lab: RunningLab, target: str) -> Any:
    """What the API of the lab's proxy says. Raises LabError if there is no proxy, or it refuses."""
    socket = lab.folder / "proxy.sock"
    if not socket.exists():
        raise LabError(f"lab {lab.id} has no proxy: its services are the switches'", "a lab with a service of layer l7",
                       "./lab shell --layer l7")
    return ask(socket, "GET", target)


def counters(lab: RunningLab, service: str | None, as_json: bool) -> None:
    """Print what was counted, of all services or one. Raises LabError if the proxy has no such service."""
    form = ask_proxy(lab, "/counters")
    if service is not None:
        form["services"] = [one for one in form["services"] if one["service"] == service]
        if not form["services"]:
            raise LabError(f"the proxy has no service {service!r}", "one of layer l7", "./lab pool counters")
    if as_json:
        click.echo(json.dumps(form, indent=2))
        return
    for one in form["services"]:
        print_table(_heading(one), [*map(counted, one["servers"]), counted({"server": "all", **one})])
    print_table("doors", [door(one) for one in form["doors"]])
    if caches := [spared(one) for one in form["doors"] if one["looked"]]:
        print_table("the cache", caches)


def _heading(form: Form) -> str:
    """A service, and what is counted of it alone: requests that no server could take, and sessions."""
    parts = [f"{form['requests']} requests", f"{form['unserved'] or 'none'} unserved"]
    parts += [f"{times} to a session {what}" for what, times in form["sessions"].items() if times]
    return f"{form['service']}: {', '.join(parts)}"


def counted(form: Form) -> Row:
    """What was counted of a server, or of all, as the table has it."""
    return {
        "server": form["server"], "requests": form["requests"],
        **{name: form["answers"][name] for name in CLASSES},
        "failures": form["failures"] or None, "retried": form["retried"],
        "octets up": form["octets_up"], "octets down": form["octets_down"],
        "opened": form["opened"], "saved": form["saved"], "waiting": form["waiting"], "queued": form["queued"],
        "waited ms": form["waited_ms"],
    }


def door(form: Form) -> Row:
    """What was counted where clients come in."""
    return {
        "door": form["door"], "clients now": form["clients_now"], "clients": form["clients"],
        "handshakes": form["handshakes"], "resumed": form["resumed"], "own answers": form["own_answers"] or None,
    }


def spared(form: Form) -> Row:
    """What the cache spared servers there."""
    return {"door": form["door"], "asked": form["looked"], "answered": form["cached"],
            "ratio": f"{form['cached'] / form['looked']:.2f}", "octets": form["cached_octets"],
            "ms spared": form["cached_ms"]}


def explanation(lab: RunningLab, number: int | None, as_json: bool) -> None:
    """Print why one request went where it went: the last one, or `number`. Raises LabError if there is none such."""
    if number is None:
        forms = ask_proxy(lab, "/explanations")
        if not forms:
            raise LabError("no request has asked for an explanation", "one that has the field Layer-Lab-Explain: 1",
                           "curl -H 'Layer-Lab-Explain: 1' http://vip/")
        form = forms[-1]
    else:
        form = ask_proxy(lab, f"/explanations/{number}")
    if as_json:
        click.echo(json.dumps(form, indent=2))
        return
    times = {f"{name.replace('_', ' ')} ms": value for name, value in form["ms"].items()}
    print_table(f"{form['id']}: {form['request']}, from {form['client']}", [
        {"route": form["route"], "status": form["status"], "cache": form["cache"], **times}])
    if form["tries"]:
        print_table("who was asked, and why", [tried(one) for one in form["tries"]])


def tried(form: Form) -> Row:
    """One try, as the table has it."""
    return {
        "server": form["server"], "because": form["because"], "scores": form["candidates"] or None,
        "passed over": form["passed_over"] or None, "connection": form["connection"], "failure": form["failure"],
    }
