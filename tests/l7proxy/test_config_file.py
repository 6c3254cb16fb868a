"""The file: what it becomes, and how every way to get it wrong is told, with its line."""

from __future__ import annotations

import dataclasses
import ipaddress
from pathlib import Path

import pytest

from balancing import HealthCheck, Pair, Route
from l7proxy.balancer import Policy
from l7proxy.config import STDOUT, Answer, CacheTerms, Certificate, Redirect
from l7proxy.config_file import of_flags, read_file, read_text
from l7proxy.config_reader import Faults
from l7proxy.config_words import understood
from l7proxy.limits import Limits
from layerlab import LabError

ROOT = Path(__file__).resolve().parents[2]
SMALLEST = """\
[[listener]]
address = "127.0.0.1:8080"
[[pool]]
name = "web"
backends = ["127.0.0.1:8001"]
"""


def read(text, folder=Path()):
    return read_text(text, "proxy.toml", folder)


def faults(text, folder=Path()):
    """What is said of `text`, an entry for each fault: its place and what was seen."""
    with pytest.raises(Faults) as caught:
        read(text, folder)
    return [error.saw for error in caught.value.errors]


def test_the_smallest_file_leads_everything_to_its_only_pool():
    config = read(SMALLEST)
    listener, = config.listeners
    pool, = config.pools
    rule, = config.rules
    assert (str(listener.address), listener.name, listener.tls) == ("127.0.0.1:8080", "127.0.0.1:8080", False)
    assert (rule.name, rule.action, rule.match) == ("web", "web", None)
    assert pool.service.algorithm == "round-robin"
    assert [(one.id, one.name, one.port, one.weight) for one in pool.service.backends] == [
        (1, "127.0.0.1:8001", 8001, 1)]
    assert (config.cache, config.limits, config.logs.access, config.api) == (None, Limits(), None, None)
    assert pool.policy == Policy()


def test_the_example_is_what_it_says():
    config = read_file(ROOT / "examples" / "proxy.toml")
    shop, pictures = config.pools
    assert [(one.name, one.weight) for one in shop.service.backends] == [("127.0.0.1:8001", 1), ("127.0.0.1:8002", 2)]
    assert shop.service.health == HealthCheck(path="/health", interval_s=1.0, fall=3)
    assert (shop.policy.most, shop.policy.queue, shop.policy.sticky.name) == (200, 50, "lab")
    assert [one.draining for one in pictures.service.backends] == [False, True]
    internal, old, pics, beta, rest = config.rules
    assert internal.action == Answer(403, b"not from outside\n")
    assert (old.match, old.action) == (Route(path_pattern="/catalogue/*/pictures/**"),
                                       Redirect("/pictures/{1}/{2}", 301))
    assert (pics.match.method, pics.rewrite, pics.action) == (("GET", "HEAD"), "{rest}", "pictures")
    assert (beta.match, beta.cache) == (Route(cookie=Pair("group", "beta")), False)
    assert rest.match is None
    assert config.cache == CacheTerms(64 * 2**20, 8 * 2**20)
    assert config.forwarding.trusted == (ipaddress.ip_network("10.0.0.0/8"),)
    assert (config.hidden, config.logs.access, config.logs.form) == (("x-runtime",), STDOUT, "json")
    assert config.limits == dataclasses.replace(Limits(), head_s=5.0, body_bytes=10_485_760)


def test_the_same_file_is_the_same_config():
    """So a reload of what has not changed changes nothing: not even what signs the cookies."""
    assert read_file(ROOT / "examples" / "proxy.toml") == read_file(ROOT / "examples" / "proxy.toml")


def test_paths_begin_where_the_file_is(tmp_path):
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("")
    file = tmp_path / "proxy.toml"
    file.write_text(SMALLEST + '''
[[listener]]
name = "secure"
address = "[::]:8443"
tls = true
[[certificate]]
name = "shop"
cert = "c.pem"
key = "k.pem"
names = ["Shop.example", "*.shop.example"]
[log]
access = "access.log"
events = "/var/log/events"
[api]
socket = "proxy.sock"
''')
    config = read_file(file)
    assert config.certificates == (
        Certificate("shop", tmp_path / "c.pem", tmp_path / "k.pem", ("shop.example", "*.shop.example")),)
    assert config.listeners[1].certificates == ("shop",)
    assert (config.logs.access, config.logs.events) == (tmp_path / "access.log", Path("/var/log/events"))
    assert config.api == tmp_path / "proxy.sock"


def test_a_pools_vip_is_where_clients_ask():
    """It is the Host of its tests; of an address that stands for all of them, it would say nothing."""
    assert str(read(SMALLEST).pools[0].service.vip) == "127.0.0.1"
    service = read(SMALLEST.replace("127.0.0.1:8080", "0.0.0.0:8080").replace("127.0.0.1:8001", "127.0.0.2:81"))
    assert (str(service.pools[0].service.vip), service.pools[0].service.port) == ("127.0.0.2", 81)
    other = read(SMALLEST.replace("127.0.0.1:8001", "[::1]:81"))
    assert str(other.pools[0].service.vip) == "::1"


def test_all_faults_are_told_each_with_its_line():
    assert faults(SMALLEST + '''
algoritm = "maglev"
tries = 0
[[route]]
pool = "wbe"
[[route]]
path = "/../x"
host = "*"
answer = { status = 99 }
[limits]
head_s = "5"
hed_bytes = 1
''') == [
        "proxy.toml:7: there is no key of [[pool]] 'algoritm'",
        "proxy.toml:8: tries is 0",
        "proxy.toml:10: there is no pool 'wbe'",
        "proxy.toml:12: the route's path is '/../x'",
        "proxy.toml:13: the route's host is '*'",
        "proxy.toml:14: status is 99",
        "proxy.toml:16: head_s is '5'",
        "proxy.toml:17: there is no key of [limits] 'hed_bytes'",
    ]


def test_a_fault_says_what_was_expected_and_what_to_type():
    with pytest.raises(Faults) as caught:
        read(SMALLEST + 'algorithm = "round-robbin"\nmax_conections = 3\n')
    assert str(caught.value).splitlines()[2::3] == [
        "  try:      round-robin (did you mean that?)", "  try:      max_connections (did you mean that?)"]
    assert "  expected: one of round-robin, weighted-round-robin" in str(caught.value)


POOL = """\
[[pool]]
name = "web"
backends = ["127.0.0.1:8001"]
"""
ROUTE = SMALLEST + "[[route]]\n"


@pytest.mark.parametrize(("text", "line", "saw"), [
    (POOL, 1, "the file has no listener"),
    ("listener = 3\n" + POOL, 1, "listener is 3"),
    ("listener = []\n" + POOL, 1, "listener is []"),
    ("[listener]\n" + POOL, 1, "listener is {}"),
    ("[[listener]]\n" + POOL, 1, "[[listener]] has no address"),
    ("[[listener]]\naddress = 8080\n" + POOL, 2, "address: 8080 is no address"),
    ("[[listener]]\naddress = '127.0.0.1'\n" + POOL, 2, "address: '127.0.0.1' is no address"),
    ("[[listener]]\naddress = 'localhost:80'\n" + POOL, 2, "address: 'localhost:80' is no address"),
    ("[[listener]]\naddress = '127.0.0.1:80'", 1, "there are 0 pools and no [[route]]"),
    (SMALLEST + "[[pool]]\nname='b'\nbackends=['127.0.0.1:1']", 1, "there are 2 pools and no [[route]]"),
    (SMALLEST + "[[pool]]\nname='web'\nbackends=['127.0.0.1:1']\n[[route]]\npool='web'", 7,
     "there are two pools called 'web': the other is at proxy.toml:4"),
    (SMALLEST + "[[listener]]\naddress = '127.0.0.1:8080'", 7,
     "there are two listeners at 127.0.0.1:8080: the other is at proxy.toml:2"),
    (SMALLEST + "[[listener]]\naddress='127.0.0.1:1'\nname='127.0.0.1:8080'", 8,
     "there are two listeners called '127.0.0.1:8080': the other is at proxy.toml:1"),
    (SMALLEST.replace("8001", "x"), 5, "address: '127.0.0.1:x' is no address"),
    (SMALLEST.replace("8001", "8001=x"), 5, "'127.0.0.1:8001=x' is no server"),
    (SMALLEST.replace("8001", "8001=70000"), 5, "weight is 70000"),
    (SMALLEST.replace("8001", "0"), 5, "backend '127.0.0.1:0': port is 0"),
    (SMALLEST.replace('"]', '", "127.0.0.1:8001"]'), 5, "there are two servers called '127.0.0.1:8001'"),
    (SMALLEST.replace('"]', '", "[::1]:1"]'), 5, "there are IPv4 and IPv6 addresses in one pool"),
    (SMALLEST.replace('["127.0.0.1:8001"]', "[]"), 5, "backends is []"),
    (SMALLEST.replace('["127.0.0.1:8001"]', "[{weight=1}]"), 5, "[[pool.backends]] has no address"),
    (SMALLEST.replace('"web"', '""'), 4, "service '': name is ''"),
    (SMALLEST + "health = {path='x'}", 6, "the health check: path is 'x'"),
    (SMALLEST + "health.path = '/'\nhealth.fall=0", 7, "the health check: fall is 0"),
    (SMALLEST + "health = {host='a b'}", 6, "the health check: host is 'a b'"),
    (SMALLEST + "sticky = {}", 6, "sticky has neither cookie nor hash"),
    (SMALLEST + "algorithm='maglev'\nsticky = {cookie='a', hash='header:X'}", 7, "sticky has both cookie and hash"),
    (SMALLEST + "sticky = {hash='header:X'}", 6, "sticky by a hash, and round-robin reads none"),
    (SMALLEST + "sticky = {hash='body'}", 6, "hash is 'body'"),
    (SMALLEST + "sticky = {cookie='a b'}", 6, "cookie: 'a b' is none"),
    (SMALLEST + "sticky = {cookie='a', secret_file='none'}", 6, "secret_file: 'none' can't be read"),
    (SMALLEST + "retry_ratio = 1.5", 6, "retry_ratio is 1.5"),
    (SMALLEST + "retry_ratio = nan", 6, "retry_ratio is nan"),
    (SMALLEST + "max_connections = true", 6, "max_connections is True"),
    ("[[listener]]\naddress='127.0.0.1:1'\ntls = true\n" + SMALLEST, 3, "tls is true, and there is no certificate"),
    ("[[listener]]\naddress='127.0.0.1:1'\ncertificates = ['a']\n" + SMALLEST, 3,
     "there are certificates for a listener without TLS"),
    ("[[certificate]]\nname='a'\ncert='none.pem'\nkey='pyproject.toml'\n" + SMALLEST, 3,
     "cert: there is no file 'none.pem'"),
    ("[[listener]]\naddress='127.0.0.1:1'\nredirect_to_https = 0\n" + SMALLEST, 3, "redirect_to_https is 0"),
    (ROUTE, 6, "the route leads to nothing"),
    (ROUTE + "pool='web'\nanswer={status=404}", 6, "the route leads to pool and answer"),
    (ROUTE + "answer={status=404}\nrewrite='/'", 8, "there is a rewrite beside answer"),
    (ROUTE + "pool='web'\nlisteners=['127.0.0.1:8080', 'x']", 8, "there is no listener 'x'"),
    (ROUTE + "pool='web'\npath='/a'\npath_exact='/a'", 9, "the route has path and path_exact"),
    (ROUTE + "pool='web'\npath_pattern='/a'", 8, "the route's path_pattern is '/a'"),
    (ROUTE + "pool='web'\nheader='X'", 8, "header is 'X'"),
    (ROUTE + "pool='web'\nheader='Host: a'", 8, "there is a route by host"),
    (ROUTE + "pool='web'\nheader='X-Forwarded-For: a'", 8, "there is a route by x-forwarded-for"),
    (ROUTE + "pool='web'\ncookie='group'", 8, "cookie is 'group'"),
    (ROUTE + "pool='web'\nmethod='GET'", 8, "method is 'GET'"),
    (ROUTE + "pool='web'\nmethod=['get']", 8, "the route's method is 'get'"),
    (ROUTE + "pool='web'\nrewrite='/{rest}'", 8, "rewrite has a gap {rest}"),
    (ROUTE + "pool='web'\nrewrite='x'", 8, "rewrite is 'x'"),
    (ROUTE + "redirect={to='/{1}'}", 7, "to has a gap {1}"),
    (ROUTE + "redirect={to='/x', status=303}", 7, "status is 303"),
    (ROUTE + "pool='web'\n[[route]]\npool='web'", 8,
     "no request reaches the route 'route-2': 'route-1' before it takes every request"),
    (ROUTE + "pool='web'\nhost='A'\n[[route]]\npool='web'\nhost='a'\nname='x'", 9,
     "no request reaches the route 'x': 'route-1' before it takes the same requests"),
    (ROUTE + "pool='web'\nname='x'\npath='/a'\n[[route]]\npool='web'\nname='x'", 12,
     "there are two routes called 'x': the other is at proxy.toml:8"),
    ("[[listener]]\naddress='127.0.0.1:1'\n" + ROUTE + "pool='web'\nlisteners=['127.0.0.1:8080']", 1,
     "no route is for the listener '127.0.0.1:1'"),
    (SMALLEST + "[cache]\nsize='64MB'", 7, "size is '64MB'"),
    (SMALLEST + "[cache]\nsize=64", 7, "size is 64"),
    (SMALLEST + "[forwarded]\ntrusted=['10.0.0.1/8']", 7, "trusted: '10.0.0.1/8' is no network"),
    (SMALLEST + "[forwarded]\ntrusted=['10']", 7, "trusted: '10' is no network"),
    (SMALLEST + "[forwarded]\nsend='off'", 7, "send is 'off'"),
    (SMALLEST + "[hide]\nfields=['a b']", 7, "fields: 'a b' is none"),
    (SMALLEST + "[hide]\nfields=['X',\n'Content-Length']", 8, "content-length is the proxy's own to write"),
    (SMALLEST + "[log]\nformat='xml'", 7, "format: there is no value 'xml'"),
    (SMALLEST + "[limits]\nhead_bytes=1.5", 7, "head_bytes is 1.5"),
    (SMALLEST + "[limits]\nhead_s=0", 7, "head_s is 0"),
    (SMALLEST + "[api]", 6, "[api] has no socket"),
    (SMALLEST + "[[api]]\nsocket='x'", 6, "api is [{'socket': 'x'}]"),
    (SMALLEST + "[acess_log]", 6, "there is no key of the file 'acess_log'"),
], ids=lambda value: value.removeprefix(SMALLEST) if isinstance(value, str) else str(value))
def test_one_fault_is_told_once_with_its_line(text, line, saw):
    found = faults(text)
    assert len(found) == 1
    assert found[0].startswith(f"proxy.toml:{line}: {saw}")


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("x", 1), ("[a]\n[a]\n", 2),
                                            ("a = '''x\n\n", 3)])
def test_what_is_no_toml_is_told_with_its_line(text, line):
    with pytest.raises(LabError, match=f"^proxy.toml:{line}: not TOML"):
        read(text)


def test_a_file_that_is_none_is_told(tmp_path):
    with pytest.raises(LabError, match="can't be read"):
        read_file(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(LabError, match="not UTF-8"):
        read_file(tmp_path / "latin.toml")


def test_a_secret_is_read_from_its_file(tmp_path):
    (tmp_path / "secret").write_text("0123456789abcdef\n")
    text = SMALLEST + "sticky = { cookie = 'lab', secret_file = 'secret' }"
    assert read(text, tmp_path).pools[0].policy.sticky.secret == b"0123456789abcdef"
    (tmp_path / "secret").write_text("short")
    assert faults(text, tmp_path) == ["proxy.toml:6: secret_file: 5 bytes"]


def flags(**given):
    return of_flags(**{"listen": "127.0.0.1:8080", "backends": ["127.0.0.1:8001"], "algorithm": "round-robin",
                       "cache": None, "access_log": None, "log_format": "text", "tls_cert": None, "tls_key": None,
                       "events": None, "api": None} | given)


def test_flags_say_what_a_file_says():
    said = flags(backends=["127.0.0.1:8001", "127.0.0.1:8002=2"], algorithm="maglev", cache="1MiB", access_log="-",
                 log_format="json", api="x.sock", explain=True)
    assert said == read('''
[[listener]]
name = "web"
address = "127.0.0.1:8080"
[[pool]]
name = "web"
algorithm = "maglev"
backends = ["127.0.0.1:8001", "127.0.0.1:8002=2"]
[cache]
size = "1MiB"
[log]
access = "-"
format = "json"
explain = ["0.0.0.0/0", "::/0"]
[api]
socket = "x.sock"
''')


@pytest.mark.parametrize(("given", "saw"), [
    ({"listen": "8080"}, "--listen: address: '8080' is no address"),
    ({"backends": ["127.0.0.1:8001", "x"]}, "--backend: address: 'x' is no address"),
    ({"algorithm": "x"}, "--algorithm: algorithm: there is no algorithm 'x'"),
    ({"cache": "1"}, "--cache: size is '1'"),
    ({"tls_cert": "x"}, "--tls-cert and --tls-key: there is only one of them"),
    ({"tls_cert": "none", "tls_key": "pyproject.toml"}, "--tls-cert: cert: there is no file 'none'"),
])
def test_a_wrong_flag_is_named(given, saw):
    with pytest.raises(LabError) as caught:
        flags(**given)
    assert caught.value.saw.startswith(saw)


def test_the_table_is_printed_as_it_was_understood():
    said = understood(read_file(ROOT / "examples" / "proxy.toml")).splitlines()
    assert "  2  old       path_pattern /catalogue/*/pictures/**  301 to /pictures/{1}/{2}" in said
    assert any(line.endswith("  pool shop, asked for /beta{path}, never from the cache") for line in said)
    assert "cache: 64MiB, answers of at most 8MiB" in said
    assert understood(read(ROUTE + "path = '/%76'\npool = 'web'")).splitlines()[3:6] == [
        "routes of 127.0.0.1:8080: the first that matches", "  1  route-1  path /v              pool web",
        "              every other request  404"]
    redirects = understood(read("[[listener]]\naddress='127.0.0.1:1'\nredirect_to_https = 443\n" + SMALLEST))
    assert "308 to https, port 443" in redirects
