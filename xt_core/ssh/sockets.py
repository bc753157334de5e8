"""A Unix socket of a box, as an ordinary connected socket of this process.

One end of a socket pair is the caller's; what goes through the other is carried by a channel of the
box's connection, each side waiting for the other where that is slower. Nothing is left in the file
system, and no other process can come this way.
"""

import asyncio
import socket
from typing import Any, cast

import asyncssh


async def remote_socket(connection: asyncssh.SSHClientConnection, path: str) -> socket.socket:
    """A blocking socket that is connected to the socket file `path` of the box.

    Raises asyncssh.ChannelOpenError where nobody listens there, or sshd forbids it.
    """
    ours, theirs = socket.socketpair()
    near = asyncssh.SSHForwarder()
    try:
        await asyncio.get_running_loop().create_connection(lambda: near, sock=theirs)
        # The far end is made with its peer: no byte of it can come too early.
        session = cast(Any, lambda: asyncssh.SSHForwarder(near))
        await connection.create_unix_connection(session, path)
    except BaseException:
        near.close()
        ours.close()
        theirs.close()
        raise
    return ours
