"""Code snapshots: the user's code as one zip, and back as a folder for each run.

`sources` says what is asked for, `selection` which files that is, `taking` writes them, `unpacking`
and `cache` bring them back.

Invariants: the same names, contents and x bits give the same bytes; unpacking writes nothing
outside its folder, whatever the zip says.
"""
