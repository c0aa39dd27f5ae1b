"""Names and addresses of hosts: which are this machine's own, and which a request names."""

import contextlib
import ipaddress
import socket

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def allowed_names(host: str) -> frozenset[str]:
    """By which names a server that is bound to `host` may be asked.

    Args:
        host: A name or an address, as given to `--host`.
    """
    names = {*LOOPBACK_NAMES, host.lower()}
    if not is_loopback(host):
        own = socket.gethostname().lower()
        names |= {own, f"{own}.local"}
    return frozenset(names)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that is bound to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_every_address(host: str) -> bool:
    """Whether `host` stands for all addresses of this machine, as `0.0.0.0` does."""
    return is_address(host) and ipaddress.ip_address(host).is_unspecified


def own_address(host: str) -> str:
    """By which address other machines reach a server that is bound to all of this one's; its name where it has none.

    Args:
        host: `0.0.0.0`, or `::` for IPv6.
    """
    is_new = ":" in host
    family, elsewhere = (socket.AF_INET6, "2001:db8::1") if is_new else (socket.AF_INET, "192.0.2.1")
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((elsewhere, 9))  # for datagrams this only chooses the way: nothing is sent
        address: str = probe.getsockname()[0]
        return address
    return socket.gethostname()


def is_address(name: str) -> bool:
    """Whether a name is an address in numbers."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def host_name(header: str) -> str:
    """The name in a `Host` header: lower case, without port and brackets; empty where it is malformed."""
    name, _, port = header.strip().rpartition(":")
    if not name or "]" in port:  # there is no port
        name, port = header.strip(), ""
    if port and not port.isdecimal():
        return ""
    if name.startswith("[") and name.endswith("]"):
        return name[1:-1].lower()
    return "" if ":" in name else name.lower().removesuffix(".")


def same_host(origin: str, host: str) -> bool:
    """Whether an `Origin` header, `scheme://name[:port]`, and a `Host` header name the same place."""
    scheme, separator, place = origin.partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme.lower())
    if not separator or default is None:
        return False
    return place.lower().removesuffix(default) == host.strip().lower().removesuffix(default)
