"""What `gatectl` can do: one module a command, and the file name is the registration.

A module has `command`, a click command or group, and is imported when it is asked for. Files whose name starts with an
underscore are parts of commands.
"""
