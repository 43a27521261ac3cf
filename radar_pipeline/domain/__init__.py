"""Pure decisions of the bronze layer: which files are the truth, whether to sync, whether a count is believable.

What belongs here: frozen values and functions from values to verdicts, each verdict with its reasons.
What does not: dagster, boto3, pyarrow, HTTP, the environment, the clock. Time comes in as a parameter, always UTC.
"""
