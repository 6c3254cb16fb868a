"""[forward.traffic], [forward.requests] and Squid's log, as the file says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from l7proxy.config_file import of_forward_flags, read_text
from l7proxy.config_reader import Faults
from l7proxy.forward.admission import RequestRate
from l7proxy.forward.terms import TrafficTerms
from l7proxy.forward.traffic import Share

LISTENER = '[[listener]]\naddress = "127.0.0.1:3128"\n'
TRAFFIC = LISTENER + "[forward]\n[forward.traffic]\n"
MIB = 2**20


def read(text):
    return read_text(text, "forward.toml", Path()).forward


def test_a_rate_alone_is_the_ceiling_too():
    assert read(TRAFFIC + 'rate = "1MiB"').traffic == TrafficTerms(Share(MIB, MIB))
    assert read(LISTENER + "[forward]\n").traffic is None


def test_what_others_leave_is_borrowed_up_to_the_total_or_the_ceiling():
    assert read(TRAFFIC + 'rate = "1MiB"\ntotal = "8MiB"').traffic == TrafficTerms(Share(MIB, 8 * MIB), 8 * MIB)
    assert read(TRAFFIC + 'rate = "1MiB"\nceil = "2MiB"\ntotal = "8MiB"\nburst_s = 1').traffic == TrafficTerms(
        Share(MIB, 2 * MIB), 8 * MIB, burst_s=1.0)


def test_shares_of_their_own():
    share = '[[forward.traffic.share]]\nname = "{}"\nrate = "2MiB"\n'
    said = read(TRAFFIC + 'rate = "1MiB"\ntotal = "8MiB"\nper = "user"\n' + share.format("ann")
                + share.format("2001:db8::7") + 'ceil = "4MiB"\n').traffic
    assert said.shares == {"ann": Share(2 * MIB, 8 * MIB), "2001:db8::/64": Share(2 * MIB, 4 * MIB)}


def test_requests():
    assert read(LISTENER + "[forward]\n[forward.requests]\nrate = 2.5").requests == RequestRate(2.5, 50)
    assert read(LISTENER + "[forward]\n[forward.requests]\nrate = 1\nburst = 3").requests == RequestRate(1.0, 3)


@pytest.mark.parametrize(("text", "line", "saw"), [
    (TRAFFIC, 4, "[forward.traffic] has no rate"),
    (TRAFFIC + 'rate = 5', 5, "rate is 5"),
    (TRAFFIC + 'rate = "0B"', 5, "0 bytes/s are assured"),
    (TRAFFIC + 'ceil = "1MiB"\nrate = "2MiB"', 5, "2097152 bytes/s are assured and 1048576 the ceiling"),
    (TRAFFIC + 'rate = "1MiB"\nceil = "2MiB"', 6, "there is no total to borrow from"),
    (TRAFFIC + 'rate = "1MiB"\nceil = "2MiB"\ntotal = "1MiB"', 7, "2097152 bytes/s for one client, of 1048576 in all"),
    (TRAFFIC + 'rate = "1MiB"\nper = "host"', 6, "'host'"),
    (TRAFFIC + 'rate = "1MiB"\nburst_s = 0', 6, "burst_s is 0"),
    (TRAFFIC + 'rate = "1MiB"\n[[forward.traffic.share]]\nname = "ann"\nrate = "1MiB"', 7, "'ann' is no address"),
    (TRAFFIC + 'rate = "1MiB"\n[[forward.traffic.share]]\nname = "::1"\nrate = "1MiB"\n'
     '[[forward.traffic.share]]\nname = "::2"\nrate = "1MiB"', 10, "two shares of ::/64"),
    (LISTENER + "[forward]\n[forward.requests]\nrate = 0", 5, "rate is 0"),
    (LISTENER + "[forward]\n[forward.requests]\nburst = 9", 4, "[forward.requests] has no rate"),
    (LISTENER + '[[pool]]\nname = "a"\nbackends = ["127.0.0.1:1"]\n[[route]]\npool = "a"\n[log]\nformat = "squid"', 9,
     "Squid's format is a forward proxy's"),
])
def test_what_is_wrong_is_said_where_it_stands(text, line, saw):
    with pytest.raises(Faults) as caught:
        read(text)
    assert str(caught.value).startswith(f"forward.toml:{line}: ")
    assert saw in str(caught.value).splitlines()[0]


def test_squids_log_by_a_flag():
    assert of_forward_flags("127.0.0.1:3128", (), None, "-", "squid").logs.form == "squid"
