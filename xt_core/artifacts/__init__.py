"""Artifacts: the files of workspaces, jobs and runs, behind one interface.

`store` holds the interface; `directory` keeps the artifacts in a folder, `blob` in a container of
Azure Blob storage; `transfers` moves many files.
"""
