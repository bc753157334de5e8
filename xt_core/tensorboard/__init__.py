"""Runs as event files of TensorBoard; nothing is imported here, for it takes an extra package."""
