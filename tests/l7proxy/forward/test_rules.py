"""Who may go where: conditions as a table, the first that is met, and what must be known for it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.rules import Access, AccessRule, Ports
from l7proxy.forward.verdict import Outcome
from layerlab import LabError
from tests.l7proxy.forward.conftest import asked

CLASS = (ip_network("10.0.1.0/24"),)
WEB = (Ports(80, 80), Ports(8000, 8099))


def takes(request, address=None, **conditions):
    """Whether a rule of these conditions takes a request."""
    access = Access([AccessRule("it", "allow", **conditions)], connect_ports=(443,))
    return access.judge(request, address and ip_address(address)).outcome is Outcome.ALLOW


GET = asked("GET", "http://shop.example/cart?a=1")


@pytest.mark.parametrize(("conditions", "request_", "met"), [
    ({}, GET, True),
    ({"clients": CLASS}, GET, True),
    ({"clients": CLASS}, asked("GET", "http://a/", client="10.0.2.1"), False),
    ({"clients": CLASS}, asked("GET", "http://a/", client="::1"), False),
    ({"clients": CLASS}, asked("GET", "http://a/", client="::ffff:10.0.1.1"), True),
    ({"users": ("ann",)}, asked("GET", "http://a/", user="ann"), True),
    ({"users": ("ann",)}, asked("GET", "http://a/", user="bob"), False),
    ({"users": ("*",)}, asked("GET", "http://a/", user="bob"), True),
    ({"hosts": (".example",)}, GET, True),
    ({"hosts": ("shop.example",)}, asked("GET", "http://SHOP.example./"), True),
    ({"hosts": ("shop.example",)}, asked("GET", "http://a.shop.example/"), False),
    ({"hosts": ("shop.example",)}, asked("CONNECT", "shop.example:443"), True),
    ({"networks": CLASS}, asked("GET", "http://10.0.1.7/"), True),
    ({"networks": CLASS}, asked("GET", "http://10.0.2.7/"), False),
    ({"networks": CLASS}, asked("GET", "http://[::ffff:10.0.1.7]/"), True),
    ({"networks": CLASS}, asked("CONNECT", "[2002:a00:107::]:443"), True),
    ({"ports": WEB}, GET, True),
    ({"ports": WEB}, asked("GET", "http://a:8099/"), True),
    ({"ports": WEB}, asked("GET", "http://a:8100/"), False),
    ({"ports": WEB}, asked("GET", "https://a/"), False),
    ({"methods": ("GET", "HEAD")}, GET, True),
    ({"methods": ("GET", "HEAD")}, asked("POST", "http://a/"), False),
    ({"methods": ("GET",)}, asked("CONNECT", "a:443"), False),
    ({"urls": ("http://shop.example/*",)}, GET, True),
    ({"urls": ("*cart*",)}, GET, True),
    ({"urls": ("*/cart",)}, GET, False),
    ({"urls": ("*/bad*",)}, asked("GET", "http://a/%62ad"), True),
    ({"urls": ("*",)}, asked("CONNECT", "a:443"), False),
    ({"hosts": ("shop.example",), "methods": ("GET",), "clients": CLASS, "ports": WEB}, GET, True),
    ({"hosts": ("shop.example",), "methods": ("PUT",), "clients": CLASS, "ports": WEB}, GET, False),
], ids=str)
def test_a_rule_takes_a_request_or_not(conditions, request_, met):
    assert takes(request_, **conditions) is met


def test_the_first_that_is_met_decides_and_is_named():
    access = Access([AccessRule("ads", "deny", hosts=(".ads.example",)),
                     AccessRule("mail", "allow", hosts=("mail.ads.example", "shop.example"))])
    for target, outcome, rule in (("http://mail.ads.example/", "deny", "ads"),
                                  ("http://shop.example/", "allow", "mail"),
                                  ("http://other.example/", "deny", "default")):
        verdict = access.judge(asked("GET", target))
        assert (verdict.outcome.value, verdict.rule) == (outcome, rule)
        assert verdict.allowed or (verdict.status, verdict.error) == (403, "http_request_denied")


def test_what_no_rule_takes_goes_by_the_default():
    assert not Access([]).judge(GET).allowed
    assert Access([], default="allow").judge(GET).allowed


def test_a_tunnel_goes_to_listed_ports_only():
    access = Access([AccessRule("all", "allow")], connect_ports=(443, 8443))
    assert access.judge(asked("CONNECT", "a:8443")).allowed
    verdict = access.judge(asked("CONNECT", "a:25"))
    assert (verdict.outcome, verdict.rule, verdict.status) == (Outcome.DENY, "connect-ports", 403)
    assert access.judge(asked("GET", "http://a:25/")).allowed


def test_who_asks_is_needed_only_when_the_rule_is_reached():
    access = Access([AccessRule("open", "allow", hosts=("open.example",)),
                     AccessRule("staff", "allow", hosts=("staff.example",), users=("ann",)),
                     AccessRule("not-bob", "deny", ports=(Ports(81, 81),), users=("bob",)),
                     AccessRule("rest", "allow")])
    outcomes = [access.judge(asked("GET", target, user=user)).outcome for target, user in (
        ("http://open.example/", None), ("http://staff.example/", None), ("http://staff.example/", "ann"),
        ("http://a/", None), ("http://a:81/", None), ("http://a:81/", "bob"), ("http://a:81/", "ann"))]
    assert [it.value for it in outcomes] == ["allow", "authenticate", "allow", "allow", "authenticate", "deny", "allow"]
    verdict = access.judge(asked("GET", "http://staff.example/"))
    assert (verdict.status, verdict.rule) == (407, "staff")
    assert verdict.more == b'Proxy-Authenticate: Basic realm="proxy", charset="UTF-8"\r\n'


def test_addresses_are_needed_only_when_the_rule_is_reached():
    inside = (ip_network("10.9.0.0/16"),)
    access = Access([AccessRule("post", "deny", methods=("POST",), networks=inside), AccessRule("rest", "allow")])
    assert access.judge(asked("GET", "http://a/")).allowed
    assert access.judge(asked("POST", "http://a/")).outcome is Outcome.RESOLVE
    assert access.judge(asked("POST", "http://a/"), ip_address("10.9.0.1")).rule == "post"
    assert access.judge(asked("POST", "http://a/"), ip_address("10.8.0.1")).rule == "rest"
    assert access.judge(asked("POST", "http://10.9.0.1/")).rule == "post"


def test_who_is_asked_before_addresses_are_looked_up():
    rule = AccessRule("it", "allow", users=("ann",), networks=(ip_network("10.0.0.0/8"),))
    access = Access([rule])
    assert access.judge(asked("GET", "http://a/")).outcome is Outcome.AUTHENTICATE
    assert access.judge(asked("GET", "http://a/", user="ann")).outcome is Outcome.RESOLVE
    assert access.judge(asked("GET", "http://a/", user="bob")).rule == "default"


def test_a_table_with_urls_looks_at_each():
    access = Access([AccessRule("it", "allow", urls=("*/good",))])
    verdicts = [access.judge(asked("GET", f"http://a.example/{path}")) for path in ("good", "bad", "good")]
    assert [verdict.allowed for verdict in verdicts] == [True, False, True]


def test_the_table_is_printed_as_it_was_understood():
    access = Access([AccessRule("ads", "deny", hosts=(".ads.example", "x.example")),
                     AccessRule("class", "allow", clients=CLASS, users=("*",), ports=WEB, methods=("GET",)),
                     AccessRule("inside", "deny", networks=CLASS, urls=("*/x",))], connect_ports=(443, 563))
    assert access.understood() == """\
tunnels (CONNECT): to ports 443, 563
  1  deny   ads     host .ads.example or x.example
  2  allow  class   client 10.0.1.0/24   user *   port 80 or 8000-8099   method GET
  3  deny   inside  address 10.0.1.0/24   url */x
     deny           everything else"""
    assert Access([AccessRule("all", "allow")]).understood().splitlines()[1:] == ["  1  allow  all  everything"]


@pytest.mark.parametrize(("rules", "saw"), [
    ([{"name": "a b", "action": "allow"}], "called"),
    ([{"name": "a", "action": "permit"}], "permit"),
    ([{"name": "a", "action": "allow", "hosts": ("a b",)}], "no host name"),
    ([{"name": "a", "action": "allow", "ports": (Ports(9, 8),)}], "no ports 9-8"),
    ([{"name": "a", "action": "allow", "ports": (Ports(0, 8),)}], "no ports"),
    ([{"name": "a", "action": "allow", "methods": ("get",)}], "no method"),
    ([{"name": "a", "action": "allow", "hosts": ("x",)}] * 2, "two rules are called a"),
    ([{"name": "a", "action": "allow"}, {"name": "b", "action": "deny"}], "b is never reached"),
])
def test_what_can_not_be_meant_is_refused(rules, saw):
    with pytest.raises(LabError, match=saw):
        Access([AccessRule(**rule) for rule in rules])


HOSTS = st.sampled_from(["a.example", "b.example", "x.a.example"])
RULES = st.builds(dict, action=st.sampled_from(["allow", "deny"]), hosts=st.lists(
    st.sampled_from(["a.example", ".a.example", "*.a.example", "b.example"]), max_size=2).map(tuple),
    methods=st.lists(st.sampled_from(["GET", "POST"]), max_size=1).map(tuple),
    users=st.lists(st.sampled_from(["ann", "bob", "*"]), max_size=1).map(tuple))


@given(st.lists(RULES.filter(lambda rule: rule["hosts"] or rule["methods"] or rule["users"]), max_size=5),
       HOSTS, st.sampled_from(["GET", "POST"]), st.sampled_from([None, "ann", "bob", "cy"]))
def test_it_agrees_with_the_simplest_thing_that_could_be_right(rules, host, method, user):
    access = Access([AccessRule(f"r{number}", **rule) for number, rule in enumerate(rules)])

    def named(pattern):
        below = host.endswith("." + pattern.lstrip("*."))
        return below if pattern.startswith("*.") else host == pattern.lstrip(".") or (pattern[0] == "." and below)

    expected = "default", "deny"
    for number, rule in enumerate(rules):
        if rule["hosts"] and not any(map(named, rule["hosts"])):
            continue
        if rule["methods"] and method not in rule["methods"]:
            continue
        if rule["users"] and user is None:
            expected = f"r{number}", "authenticate"
            break
        if rule["users"] and user not in rule["users"] and "*" not in rule["users"]:
            continue
        expected = f"r{number}", rule["action"]
        break
    for _ in range(2):  # decided, and remembered
        verdict = access.judge(asked(method, f"http://{host}/", user=user))
        assert (verdict.rule, verdict.outcome.value) == expected


def test_what_is_remembered_is_bounded():
    access = Access([AccessRule("all", "allow")])
    for number in range(10_000):
        assert access.judge(asked("GET", f"http://h{number}.example/")).allowed
    assert len(access._known) <= 4096
