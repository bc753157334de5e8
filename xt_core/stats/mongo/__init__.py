"""The stats store in MongoDB, or what speaks its protocol (Cosmos DB for MongoDB).

No transactions, no change streams, no `$lookup`: every module says in which order it writes, and
who repairs what a crash between two writes leaves behind. Nothing here is loaded by a command
whose team keeps its stats elsewhere.
"""
