"""What we know: the nouns of an admission, as frozen dataclasses on the standard library alone.

Every other package points its imports here; nothing here points back. `wire` turns nouns into bytes,
`store` keeps them on disk.
"""
