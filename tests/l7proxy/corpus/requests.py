"""What a client sends. Sources: RFC 9112 11.2, PortSwigger's desync papers (2019 to 2025), llhttp's and nginx's CVEs.

REFUSED   name: (bytes, status, section)    nothing of it, or of what follows, is forwarded
BROKEN    name: (bytes, status, section)    its head was fine and went on; its body did not, nor anything behind it
PASSED    name: (bytes, requests, absent)   the requests that a server reads, each (method, target, body); and what it
                                            must not read: field names
"""

from __future__ import annotations

from l7proxy.limits import Limits

LIMITS = Limits(head_bytes=1024, target_bytes=256, header_count=10, body_bytes=2**20, chunk_line_bytes=64)

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
LAST = b"0\r\n\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def coded(line: bytes) -> bytes:
    """A request that a lenient reader takes for chunked."""
    return POST + line + b"\r\n\r\n" + LAST


def sized(*lines: bytes) -> bytes:
    """A request of three octets, to a lenient reader."""
    return POST + b"\r\n".join(lines) + b"\r\n\r\nabc"


def line(text: bytes) -> bytes:
    """A request with this request-line."""
    return text + b"\r\nHost: a.example\r\n\r\n"


def host(*lines: bytes) -> bytes:
    """A request with these lines in the place of Host."""
    return b"GET / HTTP/1.1\r\n" + b"".join(it + b"\r\n" for it in lines) + b"\r\n"


BOTH = b"Content-Length: 6\r\nTransfer-Encoding: chunked"
REFUSED = {
    # Two ways to find the end (RFC 9112 6.1, 6.3)
    "CL.TE": (POST + BOTH + b"\r\n\r\n0\r\n\r\nG", 400, "RFC 9112 6.1"),
    "TE.CL": (coded(b"Transfer-Encoding: chunked\r\nContent-Length: 3"), 400, "RFC 9112 6.1"),
    "TE.CL, length of nothing": (coded(b"Content-Length: 0\r\nTransfer-Encoding: chunked"), 400, "RFC 9112 6.1"),
    "CL.TE, malformed TE": (coded(b"Content-Length: 5\r\nTransfer-Encoding: chunke"), 400, "RFC 9112 6.1"),
    # Lengths (RFC 9110 8.6)
    "two lengths": (sized(b"Content-Length: 3", b"Content-Length: 4"), 400, "RFC 9112 6.3"),
    "two lengths, the same": (sized(b"Content-Length: 3", b"content-length: 3"), 400, "RFC 9112 6.3"),
    "length list": (sized(b"Content-Length: 3, 3"), 400, "RFC 9110 8.6"),
    "length plus": (sized(b"Content-Length: +3"), 400, "RFC 9110 8.6"),
    "length minus": (sized(b"Content-Length: -3"), 400, "RFC 9110 8.6"),
    "length minus nothing": (sized(b"Content-Length: -0"), 400, "RFC 9110 8.6"),
    "length hex": (sized(b"Content-Length: 0x3"), 400, "RFC 9110 8.6"),
    "length float": (sized(b"Content-Length: 3.0"), 400, "RFC 9110 8.6"),
    "length exponent": (sized(b"Content-Length: 3e0"), 400, "RFC 9110 8.6"),
    "length underscore": (sized(b"Content-Length: 0_3"), 400, "RFC 9110 8.6"),
    "length empty": (sized(b"Content-Length:"), 400, "RFC 9110 8.6"),
    "length words": (sized(b"Content-Length: 3 3"), 400, "RFC 9110 8.6"),
    "length quoted": (sized(b'Content-Length: "3"'), 400, "RFC 9110 8.6"),
    "length beyond 64 bits": (sized(b"Content-Length: 18446744073709551619"), 400, "RFC 9110 8.6"),
    "length beyond 63 bits": (sized(b"Content-Length: 9223372036854775808"), 400, "RFC 9110 8.6"),
    "length of zeros": (sized(b"Content-Length: " + b"0" * 30 + b"3"), 400, "RFC 9110 8.6"),
    "length in other digits": (sized("Content-Length: ٣".encode()), 400, "RFC 9110 8.6"),
    "length superscript": (sized(b"Content-Length: \xb3"), 400, "RFC 9110 8.6"),
    "length too large": (sized(b"Content-Length: 1048577"), 413, "RFC 9110 15.5.14"),
    # Transfer codings, in disguise (RFC 9112 6.1)
    "TE gzip": (coded(b"Transfer-Encoding: gzip"), 501, "RFC 9112 6.1"),
    "TE gzip, chunked": (coded(b"Transfer-Encoding: gzip, chunked"), 501, "RFC 9112 6.1"),
    "TE chunked, gzip": (coded(b"Transfer-Encoding: chunked, gzip"), 400, "RFC 9112 6.3"),
    "TE chunked, chunked": (coded(b"Transfer-Encoding: chunked, chunked"), 400, "RFC 9112 6.3"),
    "TE chunked, identity": (coded(b"Transfer-Encoding: chunked, identity"), 400, "RFC 9112 6.3"),
    "TE identity": (coded(b"Transfer-Encoding: identity"), 501, "RFC 9112 6.1"),
    "TE xchunked": (coded(b"Transfer-Encoding: xchunked"), 501, "RFC 9112 6.1"),
    "TE quoted": (coded(b'Transfer-Encoding: "chunked"'), 501, "RFC 9112 6.1"),
    "TE parameter": (coded(b"Transfer-Encoding: chunked;q=1"), 501, "RFC 9112 6.1"),
    "TE empty": (coded(b"Transfer-Encoding:"), 501, "RFC 9112 6.1"),
    "TE comma": (coded(b"Transfer-Encoding: chunked,"), 400, "RFC 9112 6.3"),
    "TE comma first": (coded(b"Transfer-Encoding: , chunked"), 501, "RFC 9112 6.1"),
    "TE twice": (coded(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400, "RFC 9112 6.1"),
    "TE twice, the second unknown": (coded(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x"), 400, "RFC 9112 6.1"),
    "TE twice, the first unknown": (coded(b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked"), 501, "RFC 9112 6.1"),
    "TE space before colon": (coded(b"Transfer-Encoding : chunked"), 400, "RFC 9112 5.1"),
    "TE tab before colon": (coded(b"Transfer-Encoding\t: chunked"), 400, "RFC 9112 5.1"),
    "TE vertical tab": (coded(b"Transfer-Encoding: \x0bchunked"), 400, "RFC 9110 5.5"),
    "TE form feed behind": (coded(b"Transfer-Encoding: chunked\x0c"), 400, "RFC 9110 5.5"),
    "TE NUL": (coded(b"Transfer-Encoding: chunked\x00"), 400, "RFC 9110 5.5"),
    "TE NUL in name": (coded(b"Transfer\x00-Encoding: chunked"), 400, "RFC 9110 5.5"),
    "TE no-break space": (coded(b"Transfer-Encoding:\xa0chunked"), 501, "RFC 9112 6.1"),
    "TE long s": (coded("Tranſfer-Encoding: chunked".encode()), 400, "RFC 9110 5.1"),
    "TE folded": (coded(b"Transfer-Encoding:\r\n chunked"), 400, "RFC 9112 5.2"),
    "TE folded by tab": (coded(b"Transfer-Encoding:\r\n\tchunked"), 400, "RFC 9112 5.2"),
    "TE behind a fold": (coded(b"X: y\r\n Transfer-Encoding: chunked"), 400, "RFC 9112 5.2"),
    "TE behind LF": (coded(b"X: y\nTransfer-Encoding: chunked"), 400, "RFC 9112 2.2"),
    "TE behind CR": (coded(b"X: y\rTransfer-Encoding: chunked"), 400, "RFC 9112 2.2"),
    "TE behind LF CR": (coded(b"X: y\n\rTransfer-Encoding: chunked"), 400, "RFC 9112 2.2"),
    "TE CR inside": (coded(b"Transfer-Encoding: chun\rked"), 400, "RFC 9112 2.2"),
    "TE no colon": (coded(b"Transfer-Encoding chunked"), 400, "RFC 9110 5.1"),
    "TE equals": (coded(b"Transfer-Encoding=chunked"), 400, "RFC 9110 5.1"),
    "TE in HTTP/1.0": (coded(b"Transfer-Encoding: chunked").replace(b"1.1", b"1.0", 1), 400, "RFC 9112 6.1"),
    # Lines and names (RFC 9112 2.2, 5)
    "obs-fold": (GET + b"X: a\r\n b\r\n\r\n", 400, "RFC 9112 5.2"),
    "fold before the first field": (b"GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", 400, "RFC 9112 5.2"),
    "line of spaces": (GET + b" \r\n\r\n", 400, "RFC 9112 5.2"),
    "bare LF": (GET + b"X: a\nY: b\r\n\r\n", 400, "RFC 9112 2.2"),
    "bare LF everywhere": (b"GET / HTTP/1.1\nHost: a\n\n", 400, "RFC 9112 2.2"),
    "bare LF at the end": (GET + b"\n", 400, "RFC 9112 2.2"),
    "bare CR": (GET + b"X: a\rY: b\r\n\r\n", 400, "RFC 9112 2.2"),
    "two CR": (GET + b"X: a\r\r\n\r\n", 400, "RFC 9112 2.2"),
    "CR in the request-line": (line(b"GET /\rx HTTP/1.1"), 400, "RFC 9112 2.2"),
    "LF first": (b"\n" + line(b"GET / HTTP/1.1"), 400, "RFC 9112 2.2"),
    "CR first": (b"\r" + line(b"GET / HTTP/1.1"), 400, "RFC 9112 2.2"),
    "space before colon": (GET + b"X : a\r\n\r\n", 400, "RFC 9112 5.1"),
    "no colon": (GET + b"X\r\n\r\n", 400, "RFC 9110 5.1"),
    "no name": (GET + b": a\r\n\r\n", 400, "RFC 9110 5.1"),
    "parentheses in a name": (GET + b"X(y): a\r\n\r\n", 400, "RFC 9110 5.1"),
    "control in a name": (GET + b"X\x01: a\r\n\r\n", 400, "RFC 9110 5.5"),
    "another alphabet in a name": (GET + "Ⅹ: a\r\n\r\n".encode(), 400, "RFC 9110 5.1"),
    "NUL in a value": (GET + b"X: a\0b\r\n\r\n", 400, "RFC 9110 5.5"),
    "ESC in a value": (GET + b"X: \x1b[2J\r\n\r\n", 400, "RFC 9110 5.5"),
    "DEL in a value": (GET + b"X: a\x7fb\r\n\r\n", 400, "RFC 9110 5.5"),
    # Host (RFC 9112 3.2)
    "no Host": (host(), 400, "RFC 9112 3.2"),
    "two Hosts": (host(b"Host: a", b"Host: b"), 400, "RFC 9112 3.2"),
    "two Hosts, the same": (host(b"Host: a", b"host: a"), 400, "RFC 9112 3.2"),
    "Host empty": (host(b"Host:"), 400, "RFC 9112 3.2"),
    "Host with a space": (host(b"Host: a b"), 400, "RFC 9112 3.2"),
    "Host list": (host(b"Host: a, b"), 400, "RFC 9112 3.2"),
    "Host with a path": (host(b"Host: a/b"), 400, "RFC 9112 3.2"),
    "Host with a query": (host(b"Host: a?b"), 400, "RFC 9112 3.2"),
    "Host with a user": (host(b"Host: u@a"), 400, "RFC 9112 3.2"),
    "Host with a scheme": (host(b"Host: http://a"), 400, "RFC 9112 3.2"),
    "Host with words for a port": (host(b"Host: a:http"), 400, "RFC 9112 3.2"),
    "Host with two ports": (host(b"Host: a:80:81"), 400, "RFC 9112 3.2"),
    "Host with no port there is": (host(b"Host: a:65536"), 400, "RFC 9112 3.2"),
    "Host only a port": (host(b"Host: :80"), 400, "RFC 9112 3.2"),
    "Host half an address": (host(b"Host: [::1"), 400, "RFC 9112 3.2"),
    "Host no address": (host(b"Host: [:::]"), 400, "RFC 9112 3.2"),
    "Host a zone": (host(b"Host: [fe80::1%25eth0]"), 400, "RFC 9112 3.2"),
    "Host half an escape": (host(b"Host: a%2"), 400, "RFC 9112 3.2"),
    "Host injects": (host(b'Host: a";proto="https'), 400, "RFC 9112 3.2"),
    "Host behind a fold": (host(b"X: y", b" Host: a"), 400, "RFC 9112 5.2"),
    "Host space before colon": (host(b"Host : a"), 400, "RFC 9112 5.1"),
    "absolute-form, Host missing": (b"GET http://a/ HTTP/1.1\r\n\r\n", 400, "RFC 9112 3.2"),
    "absolute-form, Host malformed": (b"GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "RFC 9112 3.2"),
    "absolute-form, no authority": (line(b"GET http:///x HTTP/1.1"), 400, "RFC 9110 4.2.4"),
    "absolute-form, a user": (line(b"GET http://u:p@a/ HTTP/1.1"), 400, "RFC 9110 4.2.4"),
    "absolute-form, a backslash": (line(b"GET http://a\\@b/ HTTP/1.1"), 400, "RFC 9110 4.2.4"),
    "absolute-form, another scheme": (line(b"GET ftp://a/ HTTP/1.1"), 400, "RFC 9112 3.2"),
    "absolute-form, dot-segments": (line(b"GET http://a/../b HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    # The request-line (RFC 9112 3)
    "two spaces": (line(b"GET  / HTTP/1.1"), 400, "RFC 9112 3"),
    "space at the end": (line(b"GET / HTTP/1.1 "), 400, "RFC 9112 3"),
    "space first": (line(b" GET / HTTP/1.1"), 400, "RFC 9112 3"),
    "tab": (line(b"GET\t/ HTTP/1.1"), 400, "RFC 9112 3"),
    "vertical tab": (line(b"GET\x0b/ HTTP/1.1"), 400, "RFC 9110 5.5"),
    "no-break space": (line(b"GET\xa0/ HTTP/1.1"), 400, "RFC 9112 3"),
    "space in the target": (line(b"GET /a b HTTP/1.1"), 400, "RFC 9112 3"),
    "a request in the target": (line(b"GET / HTTP/1.1\tX / HTTP/1.1"), 400, "RFC 9112 3"),
    "octets beyond ASCII in the target": (line("GET /é HTTP/1.1".encode()), 400, "RFC 9112 3"),
    "NUL in the target": (line(b"GET /\0 HTTP/1.1"), 400, "RFC 9110 5.5"),
    "no target": (line(b"GET HTTP/1.1"), 400, "RFC 9112 3"),
    "no slash": (line(b"GET a HTTP/1.1"), 400, "RFC 9112 3.2"),
    "asterisk, not OPTIONS": (line(b"GET * HTTP/1.1"), 400, "RFC 9112 3.2"),
    "fragment": (line(b"GET /#x HTTP/1.1"), 400, "RFC 9112 3.2"),
    "fragment in a query": (line(b"GET /?a#x HTTP/1.1"), 400, "RFC 9112 3.2"),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400, "RFC 9112 3"),
    "HTTP/0.9 in name": (line(b"GET / HTTP/0.9"), 505, "RFC 9110 15.6.6"),
    "HTTP/1.2": (line(b"GET / HTTP/1.2"), 505, "RFC 9110 15.6.6"),
    "HTTP/2.0": (line(b"GET / HTTP/2.0"), 505, "RFC 9110 15.6.6"),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "RFC 9110 15.6.6"),
    "HTTP/1.10": (line(b"GET / HTTP/1.10"), 400, "RFC 9112 3"),
    "HTTP/01.1": (line(b"GET / HTTP/01.1"), 400, "RFC 9112 3"),
    "HTTP/1": (line(b"GET / HTTP/1"), 400, "RFC 9112 3"),
    "http/1.1": (line(b"GET / http/1.1"), 400, "RFC 9112 3"),
    "another protocol": (line(b"GET / RTSP/1.1"), 400, "RFC 9112 3"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "RFC 9110 5.5"),
    "method in small letters": (line(b"get / HTTP/1.1"), 501, "RFC 9110 9.1"),
    "method unknown": (line(b"FROB / HTTP/1.1"), 501, "RFC 9110 9.1"),
    "method no token": (line(b"GE(T / HTTP/1.1"), 400, "RFC 9112 3"),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, "RFC 9110 9.3.6"),
    "CONNECT a path": (line(b"CONNECT / HTTP/1.1"), 501, "RFC 9110 9.3.6"),
    "TRACE": (line(b"TRACE / HTTP/1.1"), 501, "RFC 9110 9.3.6"),
    # Paths that can be read in two ways (RFC 3986)
    "dot-segments": (line(b"GET /a/../b HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segment at the end": (line(b"GET /a/. HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments escaped": (line(b"GET /a/%2e%2E/b HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments half escaped": (line(b"GET /a/.%2e/b HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments and an escaped slash": (line(b"GET /a/..%2fb HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments between escaped slashes": (line(b"GET /a%2F..%2Fb HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments and a backslash": (line(b"GET /a/..\\b HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments and an escaped backslash": (line(b"GET /a%5C..%5Cb HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments and a parameter": (line(b"GET /a/..;x=y/b HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "dot-segments before a query": (line(b"GET /a/..?b HTTP/1.1"), 400, "RFC 3986 5.2.4"),
    "an escaped NUL": (line(b"GET /a%00.txt HTTP/1.1"), 400, "RFC 3986 2.1"),
    "half an escape": (line(b"GET /a%2 HTTP/1.1"), 400, "RFC 3986 2.1"),
    "no escape": (line(b"GET /a%zz HTTP/1.1"), 400, "RFC 3986 2.1"),
    "an escape of another kind": (line(b"GET /a%u002fb HTTP/1.1"), 400, "RFC 3986 2.1"),
    # Expectations (RFC 9110 10.1.1)
    "Expect unknown": (sized(b"Content-Length: 3", b"Expect: 200-maybe"), 417, "RFC 9110 10.1.1"),
    "Expect in disguise": (sized(b"Content-Length: 3", b"Expect: y 100-continue"), 417, "RFC 9110 10.1.1"),
    "Expect empty": (sized(b"Content-Length: 3", b"Expect:"), 417, "RFC 9110 10.1.1"),
    # Too much (RFC 6585 5, RFC 9110 15.5.15)
    "a long target": (line(b"GET /" + b"a" * 300 + b" HTTP/1.1"), 414, "RFC 9112 3"),
    "an endless target": (b"GET /" + b"a" * 2000, 414, "RFC 9112 3"),
    "a large head": (GET + b"X: " + b"a" * 2000 + b"\r\n\r\n", 431, "RFC 6585 5"),
    "an endless head": (GET + b"X: " + b"a" * 2000, 431, "RFC 6585 5"),
    "many fields": (GET + b"X: a\r\n" * 10 + b"\r\n", 431, "RFC 6585 5"),
}


def chunks(text: bytes) -> bytes:
    """A request with this chunked body."""
    return CHUNKS + text


BROKEN = {
    "size with a sign": (chunks(b"+3\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size minus": (chunks(b"-1\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size 0x": (chunks(b"0x3\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size 0X0": (chunks(b"0X0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size with an underscore": (chunks(b"0_3\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size behind a space": (chunks(b" 3\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size before a space": (chunks(b"3 \r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size empty": (chunks(b"\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size no hex": (chunks(b"3g\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size in other digits": (chunks("٣\r\nabc\r\n0\r\n\r\n".encode()), 400, "RFC 9112 7.1"),
    "size beyond 64 bits": (chunks(b"10000000000000003\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size of 64 bits": (chunks(b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size of many zeros": (chunks(b"0" * 40 + b"3\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size with NUL": (chunks(b"3\0\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size list": (chunks(b"3,3\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size LF": (chunks(b"3\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "size CR": (chunks(b"3\rabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "extension LF (TERM.EXT)": (chunks(b"3;a\nb\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "extension CR": (chunks(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "extension without a name": (chunks(b"3;\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "extension without a value": (chunks(b"3;a=\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "extension quoted in part": (chunks(b'3;a="b\r\nabc\r\n0\r\n\r\n'), 400, "RFC 9112 7.1"),
    "extension with a line in quotes": (chunks(b'3;a="\r\nabc\r\n0\r\n\r\n"\r\n'), 400, "RFC 9112 7.1"),
    "extension long": (chunks(b"3;" + b"a" * 100 + b"\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 7.1.1"),
    "extension endless": (chunks(b"3;" + b"a" * 100), 400, "RFC 9112 7.1.1"),
    "data longer": (chunks(b"3\r\nabcd\r\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "data without an end (SPILL.TERM)": (chunks(b"3\r\nabcXX0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "data with LF": (chunks(b"3\r\nabc\n0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "data with CR": (chunks(b"3\r\nabc\r0\r\n\r\n"), 400, "RFC 9112 7.1"),
    "last chunk with LF": (chunks(b"0\n\n"), 400, "RFC 9112 7.1"),
    "last chunk, LF at the end": (chunks(b"0\r\n\n"), 400, "RFC 9112 2.2"),
    "last chunk, CR at the end": (chunks(b"0\r\n\rX\r\n\r\n"), 400, "RFC 9112 2.2"),
    "trailer folded": (chunks(b"0\r\nA: b\r\n c\r\n\r\n"), 400, "RFC 9112 5.2"),
    "trailer no field": (chunks(b"0\r\nGET / HTTP/1.1\r\n\r\n"), 400, "RFC 9110 5.1"),
    "trailer with NUL": (chunks(b"0\r\nA: \0\r\n\r\n"), 400, "RFC 9110 5.5"),
    "trailer with LF": (chunks(b"0\r\nA: b\nB: c\r\n\r\n"), 400, "RFC 9112 2.2"),
    "trailer space before colon": (chunks(b"0\r\nA : b\r\n\r\n"), 400, "RFC 9112 5.1"),
    "trailer too large": (chunks(b"0\r\n" + b"A: bbbbbbbbbbbbbbbbbbbb\r\n" * 50 + b"\r\n"), 431, "RFC 6585 5"),
    "trailer endless": (chunks(b"0\r\nA: " + b"b" * 2000), 431, "RFC 6585 5"),
    "trailers too many": (chunks(b"0\r\n" + b"A:\r\n" * 11 + b"\r\n"), 431, "RFC 6585 5"),
    "body too large": (chunks(b"100001\r\n" + b"x" * 0x100001 + b"\r\n0\r\n\r\n"), 413, "RFC 9110 15.5.14"),
}
ROOT = (b"GET", b"/", b"")
ABC = (b"POST", b"/", b"abc")
PASSED = {
    "plain": (GET + b"\r\n", [ROOT], ()),
    "pipelined": ((GET + b"\r\n") * 3, [ROOT] * 3, ()),
    "empty lines first": (b"\r\n" * 3 + GET + b"\r\n", [ROOT], ()),
    "a flood of empty lines first": (b"\r\n" * 5000 + GET + b"\r\n", [ROOT], ()),
    "an empty line behind a body": (sized(b"Content-Length: 3") + b"\r\n" + GET + b"\r\n", [ABC, ROOT], ()),
    "a length": (sized(b"CONTENT-LENGTH:3"), [ABC], ()),
    "a length with zeros": (sized(b"Content-Length: 003"), [ABC], ()),
    "no octets": (POST + b"Content-Length: 0\r\n\r\n", [(b"POST", b"/", b"")], ()),
    "chunks": (chunks(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), [ABC], ()),
    "chunks in capitals": (POST + b"Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n", [ABC], ()),
    "chunks and tabs": (POST + b"Transfer-Encoding:\tchunked \t\r\n\r\n3\r\nabc\r\n0\r\n\r\n", [ABC], ()),
    "chunks with extensions": (chunks(b'3;a;b=c ; d = "e\\"\xff;"\r\nabc\r\n0;z\r\n\r\n'), [ABC], ()),
    "chunks with zeros": (chunks(b"003\r\nabc\r\n000\r\n\r\n"), [ABC], ()),
    "a chunk that looks like the last": (chunks(b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"), [(b"POST", b"/", b"0\r\n\r\n")], ()),
    "trailers": (chunks(b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"), [ABC], ()),
    "trailers that frame": (chunks(b"3\r\nabc\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\n"
                                   b"Cookie: c\r\nContent_Length: 9\r\n\r\n"), [ABC],
                            (b"content-length", b"cookie", b"content_length")),
    "trailers that Connection names": (
        POST + b"Connection: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", [ABC],
        (b"x-sum",)),
    "GET with a body (CL.0)": (GET + b"Content-Length: 3\r\n\r\nabc", [(b"GET", b"/", b"abc")], ()),
    "GET with chunks": (GET + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", [(b"GET", b"/", b"abc")], ()),
    "HEAD with a body": (GET.replace(b"GET", b"HEAD") + b"Content-Length: 3\r\n\r\nabc", [(b"HEAD", b"/", b"abc")], ()),
    "a body that is a request": (POST + b"Content-Length: %d\r\n\r\n" % len(GET) + GET, [(b"POST", b"/", GET)], ()),
    "Connection names Host": (GET + b"Connection: Host\r\n\r\n", [ROOT], (b"connection",)),
    "Connection names the length": (
        sized(b"Connection: Content-Length", b"Content-Length: 3"), [ABC], (b"connection",)),
    "Connection names the coding": (
        POST + b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", [ABC],
        (b"connection",)),
    "Connection names others": (
        GET + b"Connection: close-not, Cookie ,\tX-Me\r\nCookie: a\r\nX-ME: b\r\nConnection: y\r\nY: z\r\n\r\n", [ROOT],
        (b"connection", b"cookie", b"x-me", b"y")),
    "hop by hop": (GET + b"Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: x\r\nTE: gzip\r\n\r\n",
                   [ROOT], (b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te")),
    "TE trailers": (GET + b"TE: trailers, gzip\r\nConnection: TE\r\n\r\n", [ROOT], ()),
    "h2c": (GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", [ROOT],
            (b"connection", b"upgrade", b"http2-settings")),
    "Upgrade that Connection does not name": (GET + b"Upgrade: websocket\r\n\r\n", [ROOT], (b"connection", b"upgrade")),
    "what CGI takes for another": (
        sized(b"Content-Length: 3", b"Content_Length: 9", b"Transfer_Encoding: chunked", b"X_Forwarded_For: 6",
              b"Proxy: http://evil"), [ABC],
        (b"content_length", b"transfer_encoding", b"x_forwarded_for", b"proxy", b"transfer-encoding")),
    "Expect": (sized(b"Content-Length: 3", b"Expect: 100-Continue", b"Expect: 100-continue"), [ABC], ()),
    "Expect in HTTP/1.0": (sized(b"Content-Length: 3", b"Expect: 100-continue", b"Connection: keep-alive").replace(
        b"1.1", b"1.0", 1), [ABC], (b"expect",)),
    "Upgrade in HTTP/1.0": (b"GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: x\r\n\r\n", [ROOT],
                            (b"connection", b"upgrade")),
    "absolute-form against Host": (line(b"GET http://b.example/x?y HTTP/1.1"), [(b"GET", b"/x?y", b"")], ()),
    "absolute-form, only a query": (line(b"GET HTTP://b.example?y HTTP/1.1"), [(b"GET", b"/?y", b"")], ()),
    "absolute-form, OPTIONS": (line(b"OPTIONS http://b.example HTTP/1.1"), [(b"OPTIONS", b"*", b"")], ()),
    "asterisk": (line(b"OPTIONS * HTTP/1.1"), [(b"OPTIONS", b"*", b"")], ()),
    "an escaped slash": (line(b"GET /a%2Fb HTTP/1.1"), [(b"GET", b"/a%2Fb", b"")], ()),
    "two slashes": (line(b"GET //b.example/x HTTP/1.1"), [(b"GET", b"//b.example/x", b"")], ()),
    "dots that are no segment": (line(b"GET /a..b/...?../.. HTTP/1.1"), [(b"GET", b"/a..b/...?../..", b"")], ()),
    "a percent sign in a query": (line(b"GET /?100% HTTP/1.1"), [(b"GET", b"/?100%", b"")], ()),
    "octets beyond ASCII in a value": (GET + b"X: \x80\xff\r\n\r\n", [ROOT], ()),
    "an empty value": (GET + b"X:\r\n\r\n", [ROOT], ()),
    "as many fields as may be": (GET + b"X: a\r\n" * 9 + b"\r\n", [ROOT], ()),
}
