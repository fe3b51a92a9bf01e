"""Which events say that an image was created, and which images they are about."""
