"""What a server answers, or somebody in its name. What one reader takes for the end of an answer, and another doesn't,
makes of the rest an answer to the next client's request: response smuggling.

REFUSED   name: bytes                       the client is told 502, and the server's connection ends
CUT       name: bytes                       its head went on, then it broke: the client's connection is reset
PASSED    name: (method, bytes, ends, status, body, kept)
                                            ends: the server closes behind it. body: what the client reads. kept: the
                                            server's connection serves another request
"""

from __future__ import annotations

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ABC = OK + b"Content-Length: 3\r\n\r\nabc"
LAST = b"0\r\n\r\n"


def framed(*lines: bytes) -> bytes:
    """An answer with these field lines, and three octets."""
    return OK + b"".join(line + b"\r\n" for line in lines) + b"\r\nabc"


REFUSED = {
    # Two ways to find the end (RFC 9112 6.1, 6.3)
    "CL.TE": framed(b"Content-Length: 3", b"Transfer-Encoding: chunked"),
    "TE.CL": framed(b"Transfer-Encoding: chunked", b"Content-Length: 3"),
    "two lengths": framed(b"Content-Length: 3", b"Content-Length: 4"),
    "two lengths, the same": framed(b"Content-Length: 3", b"Content-Length: 3"),
    "length list": framed(b"Content-Length: 3, 3"),
    "length plus": framed(b"Content-Length: +3"),
    "length minus": framed(b"Content-Length: -1"),
    "length hex": framed(b"Content-Length: 0x3"),
    "length empty": framed(b"Content-Length:"),
    "length beyond 64 bits": framed(b"Content-Length: 18446744073709551619"),
    "TE gzip": framed(b"Transfer-Encoding: gzip"),
    "TE chunked, gzip": framed(b"Transfer-Encoding: chunked, gzip"),
    "TE gzip, chunked": framed(b"Transfer-Encoding: gzip, chunked"),
    "TE twice": framed(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "TE identity": framed(b"Transfer-Encoding: identity"),
    "TE in HTTP/1.0": CHUNKS.replace(b"1.1", b"1.0") + LAST,
    "TE space before colon": framed(b"Transfer-Encoding : chunked"),
    "TE folded": framed(b"Transfer-Encoding:\r\n chunked"),
    "TE behind LF": framed(b"X: y\nTransfer-Encoding: chunked"),
    "TE behind CR": framed(b"X: y\rTransfer-Encoding: chunked"),
    # Lines (RFC 9112 2.2, 4, 5): what goes on must not split an answer in two
    "obs-fold": framed(b"X: a\r\n b"),
    "bare LF": framed(b"X: a\nSet-Cookie: b"),
    "bare CR": framed(b"X: a\rSet-Cookie: b"),
    "NUL": framed(b"X: a\0b"),
    "space before colon": framed(b"X : a"),
    "no colon": framed(b"X"),
    "no name": framed(b": a"),
    "empty line first": b"\r\n" + ABC,
    "LF only": b"HTTP/1.1 200 OK\n\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status 099": b"HTTP/1.1 099 X\r\n\r\n",
    "status 600": b"HTTP/1.1 600 X\r\n\r\n",
    "status in other digits": "HTTP/1.1 ٢٠٠ OK\r\n\r\n".encode(),
    "status negative": b"HTTP/1.1 -20 OK\r\n\r\n",
    "reason with a control": b"HTTP/1.1 200 O\x00K\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "http/1.1": b"http/1.1 200 OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    # Interim answers (RFC 9110 15.2)
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "101 to nothing": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "100 with a length": b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc" + ABC,
    "103 with chunks": b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ABC,
    "a flood of 1xx": b"HTTP/1.1 102 Processing\r\n\r\n" * 1000 + ABC,
    # Too much
    "large head": OK + b"X: " + b"x" * 2000 + b"\r\n\r\n",
    "endless head": OK + b"X: " + b"x" * 2000,
    "many fields": OK + b"X: y\r\n" * 20 + b"\r\n",
}
CUT = {
    "too few octets": ABC[:-1],
    "no octets": ABC[:-3],
    "chunk too short": CHUNKS + b"4\r\nabc",
    "no last chunk": CHUNKS + b"3\r\nabc\r\n",
    "half a last chunk": CHUNKS + b"3\r\nabc\r\n0\r\n",
    "chunk size with a sign": CHUNKS + b"3\r\nabc\r\n+0\r\n\r\n",
    "chunk size minus": CHUNKS + b"-1\r\n\r\n",
    "chunk size 0x": CHUNKS + b"0x3\r\nabc\r\n" + LAST,
    "chunk size beyond 64 bits": CHUNKS + b"10000000000000000\r\nabc\r\n" + LAST,
    "chunk size LF": CHUNKS + b"3\nabc\r\n" + LAST,
    "chunk data longer": CHUNKS + b"3\r\nabcd\r\n" + LAST,
    "chunk data without an end": CHUNKS + b"3\r\nabcXX" + LAST,
    "chunk extension LF": CHUNKS + b"3;a\nb\r\nabc\r\n" + LAST,
    "trailer folded": CHUNKS + b"0\r\nA: b\r\n c\r\n\r\n",
    "trailer no field": CHUNKS + b"0\r\nHTTP/1.1 200 OK\r\n\r\n",
    "trailers too many": CHUNKS + b"0\r\n" + b"A:\r\n" * 20 + b"\r\n",
}
PASSED = {
    "a length": (b"GET", ABC, False, 200, b"abc", True),
    "nothing": (b"GET", OK + b"Content-Length: 0\r\n\r\n", False, 200, b"", True),
    "chunks": (b"GET", CHUNKS + b"1;x=y\r\na\r\n2\r\nbc\r\n" + LAST, False, 200, b"abc", True),
    "trailers": (b"GET", CHUNKS + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nSet-Cookie: a\r\n\r\n",
                 False, 200, b"abc", True),
    "until close": (b"GET", OK + b"\r\nabc", True, 200, b"abc", False),
    "until close, nothing": (b"GET", OK + b"\r\n", True, 200, b"", False),
    "HTTP/1.0": (b"GET", ABC.replace(b"1.1", b"1.0"), False, 200, b"abc", False),
    "close": (b"GET", ABC.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), False, 200, b"abc", False),
    "no reason": (b"GET", ABC.replace(b" OK", b" "), False, 200, b"abc", True),
    "no space, no reason": (b"GET", ABC.replace(b" OK", b""), False, 200, b"abc", True),
    "status unknown": (b"GET", ABC.replace(b"200", b"599"), False, 599, b"abc", True),
    "HEAD": (b"HEAD", ABC[:-3], False, 200, b"", True),
    "HEAD with chunks": (b"HEAD", CHUNKS, False, 200, b"", True),
    "HEAD with a body all the same": (b"HEAD", ABC, False, 200, b"", False),
    "204": (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", False, 204, b"", True),
    "204 with a length": (b"GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", False, 204, b"", False),
    "204 with chunks": (b"GET", CHUNKS.replace(b"200 OK", b"204 No Content"), False, 204, b"", False),
    "304 with a length": (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", False, 304, b"", True),
    "304 with a body all the same": (b"GET", b"HTTP/1.1 304 Not Modified\r\n\r\nabc", False, 304, b"", False),
    "interim ones first": (b"GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ABC,
                           False, 200, b"abc", True),
    "an answer behind it": (b"GET", ABC + ABC, False, 200, b"abc", False),
    "an octet behind it": (b"GET", ABC + b"d", False, 200, b"abc", False),
    "line ends behind it": (b"GET", ABC + b"\r\n", False, 200, b"abc", False),
    "an answer behind chunks": (b"GET", CHUNKS + LAST + ABC, False, 200, b"", False),
    "octets beyond ASCII": (b"GET", ABC.replace(b"\r\n\r\n", b"\r\nX: \xff\r\n\r\n"), False, 200, b"abc", True),
    "Connection names the length": (
        b"GET", ABC.replace(b"\r\n\r\n", b"\r\nConnection: Content-Length\r\n\r\n"), False, 200, b"abc", True),
}
