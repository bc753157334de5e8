"""Boxes over SSH: connections as OpenSSH is configured for them, commands, sockets and files."""
