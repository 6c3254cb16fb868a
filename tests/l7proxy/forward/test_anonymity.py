"""What an origin sees of a client, byte for byte, at each level; and what the client sees of the proxy."""

from __future__ import annotations

import itertools

import pytest

from l7proxy.forward.anonymity import LEVELS, Anonymity, Mask, same_site
from layerlab import LabError
from tests.l7proxy.forward.conftest import fields, lines, read_request, read_response

BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; ann's laptop)",
    "Accept: text/html",
    "Accept-Language: en",
    "Sec-CH-UA: \"Chromium\";v=\"142\"",
    "Sec-CH-UA-Platform: \"Linux\"",
    "Device-Memory: 8",
    "DNT: 1",
    "Sec-GPC: 1",
    "From: ann@campus.example",
    "Referer: http://other.example:81/private/page?q=1",
    "Cookie: sid=77",
    "Authorization: Basic eDp5",
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Port: 81",
    "X-Real-IP: 6.6.6.6",
    "Forwarded: for=6.6.6.6",
    "True-Client-IP: 6.6.6.6",
    "Via: 1.1 ann-laptop.campus.example",
    "Proxy-Connection: keep-alive",
    "Proxy-Authorization: Basic YW5uOnNlY3JldA==",
    "If-None-Match: \"x\"",
)
USUAL = ("User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/142.0.0.0 Safari/537.36")


def seen(goal, terms, *said, url="http://shop.example/", client=b"10.0.1.1", trusted=False, minor=1):
    """The field lines that the origin of `url` gets."""
    head, told = read_request(*said)
    sent = Mask(terms, "lab-1").request(head.fields, told, goal(url), client, trusted=trusted, minor=minor)
    return b"".join(one.line for one in sent).decode().split("\r\n")[:-1]


def test_a_transparent_proxy_changes_nothing_and_says_for_whom(goal):
    assert seen(goal, Anonymity(), *BROWSER) == [
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; ann's laptop)",
        "Accept: text/html",
        "Accept-Language: en",
        "Sec-CH-UA: \"Chromium\";v=\"142\"",
        "Sec-CH-UA-Platform: \"Linux\"",
        "Device-Memory: 8",
        "DNT: 1",
        "Sec-GPC: 1",
        "From: ann@campus.example",
        "Referer: http://other.example:81/private/page?q=1",
        "Cookie: sid=77",
        "Authorization: Basic eDp5",
        "X-Forwarded-Port: 81",
        "True-Client-IP: 6.6.6.6",
        "Via: 1.1 ann-laptop.campus.example",
        "If-None-Match: \"x\"",
        "X-Forwarded-For: 10.0.1.1",
        "Forwarded: for=10.0.1.1",
        "Via: 1.1 lab-1",
    ]


def test_an_anonymous_proxy_says_that_it_is_one_and_not_for_whom(goal):
    assert seen(goal, Anonymity("anonymous"), *BROWSER) == [
        USUAL,
        "Accept: text/html",
        "Accept-Language: en",
        "DNT: 1",
        "Sec-GPC: 1",
        "Referer: http://other.example:81/",
        "Cookie: sid=77",
        "Authorization: Basic eDp5",
        "If-None-Match: \"x\"",
        "Via: 1.1 lab-1",
    ]


def test_an_elite_proxy_is_not_there(goal):
    assert seen(goal, Anonymity("elite"), *BROWSER) == [
        USUAL,
        "Accept: text/html",
        "Accept-Language: en",
        "DNT: 1",
        "Sec-GPC: 1",
        "Cookie: sid=77",
        "Authorization: Basic eDp5",
        "If-None-Match: \"x\"",
    ]


def test_only_a_trusted_client_is_believed_of_others(goal):
    assert seen(goal, Anonymity(), *BROWSER[12:16], BROWSER[19], "Layer-Lab-Explain: 1", trusted=True) == [
        "X-Forwarded-Port: 81", "X-Real-IP: 6.6.6.6", "X-Forwarded-For: 6.6.6.6, 10.0.1.1",
        "Forwarded: for=6.6.6.6, for=10.0.1.1", "Via: 1.1 lab-1"]


def test_an_ipv6_client_stands_in_brackets_and_an_old_one_is_told(goal):
    assert seen(goal, Anonymity(), client=b"2001:db8::1", minor=0) == [
        "X-Forwarded-For: 2001:db8::1", 'Forwarded: for="[2001:db8::1]"', "Via: 1.0 lab-1"]


@pytest.mark.parametrize("level", ["anonymous", "elite"])
@pytest.mark.parametrize("word", ["10.0.1.1", "6.6.6.6", "ann", "campus", "Linux", "secret", "YW5u", "private"])
def test_nothing_tells_who_it_was(goal, level, word):
    assert word not in "\n".join(seen(goal, Anonymity(level), *BROWSER))


@pytest.mark.parametrize(("policy", "referer", "kept"), [
    ("keep", "http://other.example/a?b", "http://other.example/a?b"),
    ("origin", "http://other.example/a?b", "http://other.example/"),
    ("origin", "https://ann:secret@other.example:8443/a", "https://other.example:8443/"),
    ("origin", "http://[::1]:81/a", "http://[::1]:81/"),
    ("origin", "about:blank", None),
    ("origin", "/a", None),
    ("same-site", "http://shop.example/a?b", "http://shop.example/a?b"),
    ("same-site", "https://SHOP.example:81/a", "https://SHOP.example:81/a"),
    ("same-site", "http://www.shop.example/a", "http://www.shop.example/a"),
    ("same-site", "http://example/a", "http://example/a"),
    ("same-site", "http://other.example/a", None),
    ("same-site", "http://xshop.example/a", None),
    ("same-site", "http://shop.example.org/", None),
    ("same-site", "http://shop.example@other.example/", None),
    ("same-site", "x", None),
    ("remove", "http://shop.example/a", None),
])
def test_a_policy_for_referer_takes_the_place_of_the_levels(goal, policy, referer, kept):
    for level in LEVELS:
        sent = seen(goal, Anonymity(level, referer=policy), f"Referer: {referer}")
        assert [line for line in sent if line.startswith("Referer")] == ([f"Referer: {kept}"] if kept else [])


@pytest.mark.parametrize(("policy", "said", "kept"), [
    ("keep", [], True),
    ("remove", ["Referer: http://shop.example/"], False),
    ("same-site", [], True),
    ("same-site", ["Referer: http://shop.example/"], True),
    ("same-site", ["Referer: http://other.example/"], False),
    ("same-site", ["Sec-Fetch-Site: cross-site"], False),
    ("same-site", ["Sec-Fetch-Site: same-site", "Referer: http://img.example/"], True),
    ("same-site", ["Sec-Fetch-Site: none"], True),
])
def test_cookies_go_by_their_policy(goal, policy, said, kept):
    for level in LEVELS:
        sent = seen(goal, Anonymity(level, cookies=policy), "Cookie: sid=77", *said)
        assert ("Cookie: sid=77" in sent) is kept


@pytest.mark.parametrize(("agent", "sent"), [("Lab/1", ["User-Agent: Lab/1"]), ("", [])])
def test_the_agent_can_be_another_or_none(goal, agent, sent):
    assert seen(goal, Anonymity("elite", user_agent=agent), "User-Agent: curl/8") == sent
    assert seen(goal, Anonymity("elite", user_agent=agent)) == []


ANSWER = ("Server: nginx", "X-Powered-By: PHP", "Location: http://10.0.2.1/x", "Set-Cookie: sid=78",
          "Accept-CH: Sec-CH-UA", "Critical-CH: Sec-CH-UA", "Via: 1.1 cdn.example",
          "Proxy-Authenticate: Basic", "ETag: \"x\"")


@pytest.mark.parametrize(("level", "expected"), [
    ("transparent", [*ANSWER[:7], "ETag: \"x\"", "Via: 1.1 lab-1"]),
    ("anonymous", [*ANSWER[:4], "Via: 1.1 cdn.example", "ETag: \"x\"", "Via: 1.1 lab-1"]),
    ("elite", [*ANSWER[:4], "Via: 1.1 cdn.example", "ETag: \"x\""]),
])
def test_what_a_client_sees_of_an_answer(level, expected):
    sent = Mask(Anonymity(level), "lab-1").response(read_response(*ANSWER).fields, 1)
    assert lines(sent) == expected


def test_at_elite_no_answer_names_the_proxy():
    head = read_response(*ANSWER)
    sent = lines(Mask(Anonymity("elite"), "lab-1").response(head.fields, 1))
    assert not any("lab" in line or line.startswith(("Proxy-", "X-Cache", "Age")) for line in sent)
    assert not Anonymity("elite").named


def test_cookies_that_are_not_sent_are_not_taken():
    sent = Mask(Anonymity(cookies="remove"), "lab-1").response(read_response(*ANSWER).fields, 1)
    assert not any(line.startswith("Set-Cookie") for line in lines(sent))


def test_what_comes_in_is_left_as_it_was(goal):
    head, told = read_request(*BROWSER)
    before = list(head.fields)
    for level in LEVELS:
        Mask(Anonymity(level), "lab-1").request(head.fields, told, goal("http://a/"), b"::1", trusted=True, minor=1)
    assert head.fields == before


def test_a_level_hides_what_the_one_before_it_hides(goal):
    """Each line that an elite proxy sends on, an anonymous one does too, but for its own policies."""
    for count in range(len(BROWSER)):
        for said in itertools.islice(itertools.combinations(BROWSER, count), 40):
            sent = [set(seen(goal, Anonymity(level, referer="remove", user_agent=""), *said)) for level in LEVELS]
            assert sent[2] <= sent[1]
            assert sent[1] - {"Via: 1.1 lab-1"} <= sent[0]


@pytest.mark.parametrize("terms", [{"level": "hidden"}, {"referer": "no"}, {"cookies": "origin"}])
def test_a_word_that_is_none_is_refused(terms):
    with pytest.raises(LabError):
        Anonymity(**terms)


def test_a_request_that_no_page_caused_is_of_its_own_site():
    assert same_site("a", fields("Accept: */*"))


def test_only_pseudonyms_stay_in_via_at_level_anonymous(goal):
    said = "Via: 1.1 lab-0123abcd, 1.0 ann-laptop (lab-0123abcd), HTTP/1.1 lab-89abcdef", "Via: 1.1 campus.example"
    assert seen(goal, Anonymity("anonymous"), *said) == [
        "Via: 1.1 lab-0123abcd, HTTP/1.1 lab-89abcdef", "Via: 1.1 lab-1"]
