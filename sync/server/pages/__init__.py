"""The page of the server: rendered here, in Chinese and in English, for a phone and for a wall."""
