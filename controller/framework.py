"""The OpenFlow framework: Ryu, or os-ken, its maintained fork with the same API. The only file that imports it.

Ryu 4.34 asks eventlet for a name that later releases dropped; it is put back before the import.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from typing import Any


def _package() -> str:
    """The framework to use: LAYER_LAB_FRAMEWORK, or the first that is installed."""
    wanted = os.environ.get("LAYER_LAB_FRAMEWORK")
    for name in [wanted] if wanted else ["ryu", "os_ken"]:
        if importlib.util.find_spec(name):
            return name
    raise ImportError("neither Ryu nor os-ken is installed: ./lab setup")


FRAMEWORK = _package()

if FRAMEWORK == "ryu":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eventlet's own farewell
        import eventlet.wsgi
    if not hasattr(eventlet.wsgi, "ALREADY_HANDLED"):
        eventlet.wsgi.ALREADY_HANDLED = object()


def _module(path: str) -> Any:
    return importlib.import_module(f"{FRAMEWORK}.{path}")


app_manager = _module("base.app_manager")
ofp_event = _module("controller.ofp_event")
hub = _module("lib.hub")
ofproto = _module("ofproto.ofproto_v1_3")
_handler = _module("controller.handler")

App: Any = getattr(app_manager, "RyuApp", None) or app_manager.OSKenApp
on = _handler.set_ev_cls
MAIN, DEAD = _handler.MAIN_DISPATCHER, _handler.DEAD_DISPATCHER


def run(app: str, host: str, port: int) -> None:
    """Run the app of module `app`, listening for switches on host:port, until interrupted."""
    conf = _module("cfg").CONF
    _module("controller.controller")  # registers the options below
    conf(args=[], project=FRAMEWORK, default_config_files=[])
    conf.set_override("ofp_listen_host", host)
    conf.set_override("ofp_tcp_listen_port", port)
    manager = app_manager.AppManager.get_instance()
    manager.load_apps([app, f"{FRAMEWORK}.controller.ofp_handler"])
    hub.joinall(manager.instantiate_apps(**manager.create_contexts()))
