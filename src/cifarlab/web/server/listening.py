"""The address to listen on, bound before anything that takes long is imported: a wrong one is said at once."""

import socket

from cifarlab.utils.errors import CifarlabError

_BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A socket at an address, so that a wrong one is said at once.

    Args:
        host: Name or address of this machine.
        port: 0 takes any that is free.

    Raises:
        CifarlabError: If the port is taken or not allowed, or the host is unknown or not this machine's.
    """
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise CifarlabError(f"unknown host {host!r}: give --host an address of this machine, or 0.0.0.0") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(_BACKLOG)  # two that share an address are told apart only now
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise CifarlabError(
            f"cannot serve at {host}, port {port}: {reason}; choose another --port or --host"
        ) from error
    return listener
