"""What we keep: the ledger, the manifest, and the sealing of both."""
