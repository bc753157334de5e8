"""The headless commands: one module a command. Standard output is data, standard error is talk."""
