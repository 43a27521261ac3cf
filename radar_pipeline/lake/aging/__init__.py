"""What is done to old objects: moved, deleted, restored, merged, each written down before and after.

What is to be done is decided in ``domain.aging``; every module here looks again just before it acts.
"""
