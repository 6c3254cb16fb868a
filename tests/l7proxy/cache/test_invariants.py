"""What holds whatever happens: hypothesis plays origin, clients and clock."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_ANSWERS = st.sampled_from([
    "Cache-Control: max-age=5", "Cache-Control: max-age=9, must-revalidate", "Cache-Control: max-age=0",
    "Cache-Control: s-maxage=3",
    "Cache-Control: no-store", "Cache-Control: private, max-age=9", "Cache-Control: no-cache, max-age=9",
    "Expires: <20>",
    "Cache-Control: max-age=9\nVary: Foo", "Cache-Control: max-age=9\nVary: Foo\nVary: Bar",
    "Cache-Control: max-age=9\nVary: *",
    "Cache-Control: max-age=9\nAge: 4", "CDN-Cache-Control: max-age=2\nCache-Control: max-age=9", "",
])
_TAGS = st.sampled_from(['\nETag: "a{}"', '\nETag: "b{}"', '\nETag: W/"a{}"', "\nLast-Modified: <-5>", ""])
_STEPS = st.lists(st.tuples(
    st.sampled_from(["", "Cache-Control: no-cache", "Cache-Control: max-age=2", "Cache-Control: min-fresh=2",
                     "If-None-Match: *", "Range: bytes=0-1", "Authorization: x", "Cache-Control: no-store"]),
    st.sampled_from("12"), st.sampled_from("12"), _ANSWERS, _TAGS, st.sampled_from([200, 200, 304, 404, 503, None]),
    st.sampled_from(["GET", "GET", "GET", "HEAD", "PUT"]), st.floats(0, 6), st.sampled_from([0, 0, -50, 50])),
    max_size=30)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_never_stale_never_another_ones_never_what_may_not_be_stored(new_web, steps):
    """RFC 9111 4: fresh, selected by Vary, not what no-store and private kept out, not older than a change.

    Each of the origin's answers bears a number, by which what a client gets is traced to when and to whom it was said.
    """
    web, told, changed = new_web(unreachable_s=0), [], 0
    for wish, foo, bar, text, tag, status, method, wait, jump in steps:
        web.wait(wait)
        web.cache.wall_s += jump
        if method == "PUT":
            web.get(method="PUT", status=200)
            changed = len(told)
            continue
        found = web.lookup(f"{wish}\nFoo: {foo}\nBar: {bar}", method=method)
        answer = f"{text}{tag.format(foo + bar)}\nNumber: {len(told)}" if status else None
        told.append((web.at, foo, bar, wish))
        if status == 304 and not getattr(found, "validates", False):
            status = 200
        seen = web.finish(found, answer, status or 200)
        assert not web.cache.flights
        if seen is not None and seen.hit:
            assert int(seen["Number"]) >= changed
            _check(seen, web.at, foo, bar, wish, told[int(seen["Number"])])


def _check(seen, now, foo, bar, wish, told):
    """A reply from the store, to this request, of what was told then."""
    at, its_foo, its_bar, its_wish = told
    said = "\n".join(it.line.decode().strip() for it in seen.head.fields)
    age, lifetime = now - at, next((seconds for word, seconds in _LIFETIMES if word in said), 0)
    assert not any(word in said for word in ("no-store", "private", "no-cache", "Vary: *"))
    assert its_wish != "Cache-Control: no-store"
    assert its_wish != "Authorization: x" or "must-revalidate" in said or "s-maxage" in said
    assert "Vary: Foo" not in said or its_foo == foo
    assert "Vary: Bar" not in said or its_bar == bar
    assert age < lifetime
    assert wish not in ("Cache-Control: no-cache", "Cache-Control: no-store")
    assert wish != "Cache-Control: max-age=2" or age <= 2
    assert wish != "Cache-Control: min-fresh=2" or lifetime - age >= 2
    assert int(seen["Age"]) >= int(age)


# The longest that an answer may be used, in s: the first that is in it counts. How long Expires is, the clock decides.
_LIFETIMES = (("CDN-Cache-Control: max-age=2", 2), ("s-maxage=3", 3), ("max-age=5", 5), ("max-age=9", 9),
              ("max-age=0", 0), ("Expires", 10**6), ("Last-Modified", 10**6))
