"""The OpenFlow framework: Ryu, or os-ken, its maintained fork with the same API. The only file that imports it.

What the two don't share, and what is made of it here:

    Ryu 4.34 asks eventlet for a name that later releases dropped    it is put back before the import
    os-ken 4 passes over any exception in a thread, without a word   a thread's exception is logged,
                                                                     a handler's ends the process
    os-ken's threads outlive the main one                            they are daemons
    os-ken has no manager command                                    `command` says so

In both, all handlers of an app run one after another, in one thread: a framework's other threads only
put events into the app's queue (base/app_manager.py, _event_loop). An app needs no lock; whatever else wants
something of it, a timer or the API, puts its `Work` into the same queue.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import logging
import os
import signal
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from controller import which
from layerlab import LabError

FRAMEWORK = which.framework()


def _import(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eventlet's own farewell; what Ryu will not mend any more
        return importlib.import_module(name)


def _module(path: str) -> Any:
    return _import(f"{FRAMEWORK}.{path}")


if FRAMEWORK == "ryu" and not hasattr(wsgi := _import("eventlet.wsgi"), "ALREADY_HANDLED"):
    wsgi.ALREADY_HANDLED = object()


app_manager = _module("base.app_manager")
ofp_event = _module("controller.ofp_event")
hub = _module("lib.hub")
ofproto = _module("ofproto.ofproto_v1_3")
packet, ethernet, arp, ipv4, icmp, tcp, udp = (
    _module(f"lib.packet.{name}") for name in ("packet", "ethernet", "arp", "ipv4", "icmp", "tcp", "udp"))
_handler = _module("controller.handler")

App: Any = getattr(app_manager, "RyuApp", None) or app_manager.OSKenApp
MAIN, DEAD = _handler.MAIN_DISPATCHER, _handler.DEAD_DISPATCHER


def on(event: Any, states: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a method the handler of `event` in these states of a switch's connection.

    An exception in it is logged and ends the process: half a balancer that says nothing is worse than none.
    """
    def decorate(handler: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(handler)
        def or_end(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception:
                logging.exception("%s failed", handler.__qualname__)
                logging.shutdown()
                os._exit(1)  # from whatever thread

        handles: Callable[..., None] = _handler.set_ev_cls(event, states)(or_end)
        return handles

    return decorate


def _spawn(function: Callable[..., object], *arguments: Any, **options: Any) -> Any:
    """os-ken's hub.spawn, as a daemon that doesn't fail in silence."""
    def or_say_so() -> None:
        try:
            function(*arguments, **options)
        except Exception:
            logging.exception("%s failed", getattr(function, "__qualname__", function))

    thread = hub.HubThread(or_say_so, (), {})
    thread.daemon = True
    thread.start()
    return thread


if FRAMEWORK == "os_ken":
    hub.spawn = _spawn


class Work(_module("controller.event").EventBase):  # type: ignore[misc]
    """Something to be done in an app's own loop. An app has `@on(Work, None)` to do it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__()
        self.function = function


def ask(app: Any, function: Callable[[], Any]) -> Any:
    """Call `function` in the app's loop and return what it returns. From any greenlet or thread of the framework."""
    done, results = hub.Event(), []

    def work() -> None:
        results.append(function())
        done.set()

    app.send_event(app.name, Work(work))
    done.wait()
    return results[0]


def repeat(app: Any, function: Callable[[], float]) -> None:
    """Call `function` in the app's loop again and again; it returns after how many seconds to be called next."""
    def forever() -> None:
        while True:
            hub.sleep(max(0.0, ask(app, function)))

    hub.spawn(forever)


def listen(path: str, serve: Callable[[Any], object]) -> None:
    """Hand every connection to the Unix socket at `path` to `serve`, each in a greenlet or thread of its own."""
    server = hub.StreamServer((path,), lambda connection, address: serve(connection))
    hub.spawn(server.serve_forever)


def version() -> str:
    """The framework's name and version, such as "os-ken 4.2.2"."""
    name = which.FRAMEWORKS[FRAMEWORK]
    return f"{name} {importlib.metadata.version(name)}"


def run(app: str, host: str, port: int) -> None:
    """Run the app of module `app`, listening for switches on host:port, until interrupted.

    Raises LabError if it can listen there no longer, or never could.
    """
    conf = _module("cfg").CONF
    _module("controller.controller")  # registers the options below
    conf(args=[], project=FRAMEWORK, default_config_files=[])
    conf.set_override("ofp_listen_host", host)
    conf.set_override("ofp_tcp_listen_port", port)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a KeyboardInterrupt may land in a thread that passes over it
    logging.info("%s, for switches at %s:%s", version(), host, port)
    manager = app_manager.AppManager.get_instance()
    manager.load_apps([app, f"{FRAMEWORK}.controller.ofp_handler"])
    hub.joinall(manager.instantiate_apps(**manager.create_contexts()))
    raise LabError(f"nothing listens on {host}:{port} any more; the words above say why",
                   "an address of this machine, and a port that is free", "--listen 127.0.0.1:6654")


def command(words: Sequence[str]) -> None:
    """Ryu's own runner with these words, as `ryu-manager` has them. Raises LabError under os-ken, which has none."""
    if FRAMEWORK != "ryu":
        raise LabError(f"{version()} has no manager command", "Ryu",
                       "python -m controller --app controller.l3 --services examples/services.json")
    _module("cmd.manager").main(args=list(words), prog="ryu-manager")
