"""Data and models: folders that are uploaded once, then downloaded or used in place on nodes.

A share is a folder of the artifact store. `manifest` tells what it holds, `upload` brings a local
folder into it, `cache` makes it a folder of a node, `use` is what a job says of it.
"""
