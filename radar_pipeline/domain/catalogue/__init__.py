"""What the Glue catalogue should say of bronze: columns, partitions, what may change, what drifted.

Pure decisions. Speaking to Glue is the lake's work (``lake.catalogue``).
"""
