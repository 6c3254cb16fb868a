"""Where a request goes on to: a path or a Location with gaps, filled from the request. Compiled once.

     path = "/shop"                    rewrite = "/v2{rest}"                 /shop/cart?a=1  ──►  /v2/cart?a=1
     path_pattern = "/users/*/img/**"  rewrite = "/img/{1}/{2}"              /users/7/img/a/b ──► /img/7/a/b
     host = "*.example"                to = "https://shop.example{path}"     /x?a=1 ──► https://shop.example/x?a=1

     gap          is filled with
     {path}       the whole path, in its normal form (balancing/path.py)
     {rest}       what follows the route's `path`: nothing, or a slash and more
     {1} {2} ...  what the stars of its `path_pattern` stand for
     {host}       the host that was asked for, without port (in a Location only)
     {query}      what came after "?"; where the template has no "?" of its own, it is added to the end

Rules kept here:

1. A template is checked where it is written: a gap that nothing could fill, or that could become part of the host's
   name, is refused. So whatever a client sends, only the configuration says to which site it is redirected.
2. What comes out is a path that begins with one slash, or such a URL. Of other octets than visible ASCII there are
   none: a target that has them was refused when it was read (http1.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from balancing import Route
from balancing.path import normal_path
from l7proxy.conditions import glob, host_name
from l7proxy.messages import RequestHead
from layerlab import LabError

Filled = Callable[[RequestHead], bytes]
_Gaps = Callable[[str], tuple[str, ...]]  # a normal path to what its gaps {0}, {1}, ... are filled with

_GAP = re.compile(r"\{(\w*)\}")
_LITERAL = re.compile(r"[!#-;=?-\[\]_a-z~]*")  # what a URI may hold (RFC 3986 2), braces aside
# After the host comes a path that begins with a slash, or nothing: rule 1.
_SITE = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]|\{host\})(?::[0-9]{1,5})?(?=/|\?|\{path\}|\{rest\}|\Z)")


def rewrite(text: str, route: Route | None) -> Filled:
    """The target that `text` makes of a request which `route` has taken. Raises LabError if it is no template."""
    if not text.startswith(("/", "{path}", "{rest}")) or "#" in text:
        raise LabError(f"rewrite is {text!r}", "a path that begins with /, {path} or {rest}", "/v2{rest}",
                       field="rewrite")
    fill = _compile(text, route, "rewrite", gaps=())
    return lambda head: head.target if head.target == b"*" else fill(head)


def location(text: str, route: Route | None) -> Filled:
    """The Location that `text` makes of a request which `route` has taken. Raises LabError if it is no template."""
    if not _SITE.match(text) and not re.match(r"/(?!/)|\{path\}|\{rest\}", text):
        raise LabError(f"redirect to {text!r}", "http(s)://HOST and then a path, {path}, {rest} or nothing; or a path "
                       "that begins with /", "https://shop.example{path}", field="to")
    return _compile(text, route, "to", gaps=("host",))


def _compile(text: str, route: Route | None, field: str, gaps: tuple[str, ...]) -> Filled:
    names, find = _gaps_of(route)
    known = ["path", *names, "query", *gaps]
    for name in _GAP.findall(text):
        if name not in known:
            raise LabError(f"{field} has a gap {{{name}}}", "one of " + ", ".join(f"{{{one}}}" for one in known),
                           "{rest} needs a path, {1} a path_pattern with a star", field=field)
    if not _LITERAL.fullmatch(_GAP.sub("", text)):
        raise LabError(f"{field} is {text!r}", "what a URL can hold: others as %XX", field=field)
    form, relative = text + ("" if "?" in text else "{query}"), not text.startswith("http")
    mark, by_host = "" if "?" in text else "?", "{host}" in text

    def fill(head: RequestHead) -> bytes:
        target, _, query = head.target.decode("latin-1").partition("?")
        path = normal_path(target) if target != "*" else "/"
        assert path is not None, "the router has refused such a path"
        found = dict(zip(names, find(path), strict=True), path=path, query=query and mark + query)
        if by_host:
            found["host"] = host_name(head.host).decode("latin-1")
        return _clean(_GAP.sub(lambda gap: found[gap[1]], form), relative)
    return fill


def _gaps_of(route: Route | None) -> tuple[tuple[str, ...], _Gaps]:
    """The gaps that only this route can fill: their names, and how."""
    if route is not None and route.path is not None:
        length = len(route.path.rstrip("/"))
        return ("rest",), lambda path: (path[length:],)
    if route is not None and route.path_pattern is not None:
        pattern = glob(route.path_pattern)

        def groups(path: str) -> tuple[str, ...]:
            found = pattern.fullmatch(path)
            assert found, "the router has matched it"
            return found.groups()
        return tuple(map(str, range(1, pattern.groups + 1))), groups
    return (), lambda path: ()


def _clean(text: str, relative: bool) -> bytes:
    """Rule 2. Two slashes at the beginning would name another site (RFC 3986 4.2), to a browser also / and \\."""
    return ("/" + text.lstrip("/\\") if relative else text).encode("ascii")
