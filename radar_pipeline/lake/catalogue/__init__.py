"""The Glue catalogue: reading, registering days, marking them, the crawler.

What should stand there is decided in ``domain.catalogue``.
"""
