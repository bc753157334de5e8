"""Bringing XT to a machine that has a shell and Python: the controller, and what it imports.

A box is reached through `box.Box`. `installation.install` finds a Python there (`pythons`), packs
what the controller needs (`needs`) in layers that are named by their contents (`layers`, `wheels`),
sends those that are not there yet, and puts them together to a version (`onbox`, which the box's
Python runs). `starting` is run there too: it starts the controller.

    $XT_HOME/layers/HASH      files: XT itself, or some of the packages it imports
    $XT_HOME/versions/HASH    a virtual environment over some layers, known by them and the Python
    $XT_HOME/uploads          archives on their way

Each is made under another name and renamed when it is whole.
"""
