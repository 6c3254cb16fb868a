"""How the room writes an endpoint. A file of its own because the server must import little."""


def endpoint(ip: str, port: int) -> str:
    """An address and a port as one word: 10.0.3.1:80, or [fd00::1]:80."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
