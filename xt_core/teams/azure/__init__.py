"""The Azure services of a new team: their names, the template that makes them, what to do with it.

Nothing here talks to Azure: what comes out is text, the same for the same input.
"""
