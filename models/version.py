"""Which version of the program this is. It stands here alone: `setup.py` and the package's maker read this line."""

VERSION = "0.1.0"
