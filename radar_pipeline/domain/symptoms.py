"""Every symptom that is recognised, in the order in which they are looked for.

The words are those of MySQL and its drivers, of S3 and its clients, of Airbyte's servers and workers of both eras, and
of this platform's own rooms; the tests hold a real message for each. The first symptom that fits counts, so what is
specific stands before what is general.
"""

from __future__ import annotations

from radar_pipeline.domain import symptoms_of_ends as ends
from radar_pipeline.domain.causes import Cause, symptom
from radar_pipeline.domain.failure import FailureClass

PAST_DAY = symptom(
    Cause.PAST_DAY,
    FailureClass.PERMANENT,
    "The day is not today, and a sync reads the present.",
    "Run today's partition. A past day can only be proven again from the files that lie there.",
    r"past day cannot be extracted",
    r"has not begun",
    r"utc by now: a sync started now would land",
)
YAML_BROKEN = symptom(
    Cause.YAML_BROKEN,
    FailureClass.CONFIGURATION,
    "A YAML file cannot be used as it is.",
    "Correct the file at the line that the message names; `radar check-config` says whether it is right.",
    r"\.ya?ml\b.{0,80}(line \d+|expected|is empty|cannot be read|:\d+)",
    r"mapping values are not allowed",
    r"while (parsing|scanning) an? (block|flow|simple|quoted|anchor|alias)",
    r"(could|did) not find expected",
    r"found character .{1,8} that cannot start any token",
)
VARIABLE_MISSING = symptom(
    Cause.VARIABLE_MISSING,
    FailureClass.CONFIGURATION,
    "An environment variable is missing or unusable.",
    "Set the variable that the message names where this process is started, then run `radar check-config`.",
    r"\b[a-z][a-z0-9]*_[a-z0-9_]+ is not set\b",
    r"\b[a-z][a-z0-9]*_[a-z0-9_]+, read from ",
    r"set both or neither",
    r"radar_env_file names",
    r"name=value is expected",
)
OUT_OF_MEMORY = symptom(
    Cause.OUT_OF_MEMORY,
    FailureClass.PLATFORM,
    "The worker ran out of memory.",
    "Give the sync more memory in Airbyte, or make the destination's Parquet blocks smaller (64 MB, pages of 512 kB).",
    r"oom.?killed",
    r"out ?of ?memory",
    r"java heap space",
    r"gc overhead limit",
    r"cannot allocate memory",
    r"\bmemoryerror\b",
    r"exit code:? 137\b",
    r"low on resource: memory",
)
DISK_FULL = symptom(
    Cause.DISK_FULL,
    FailureClass.PLATFORM,
    "A disk is full.",
    "Free or enlarge the disk that the message names: the worker's for temporary files, or MySQL's.",
    r"no space left on device",
    r"disk (is |may be )?full",
    r"disk quota exceeded",
    r"low on resource: ephemeral-storage",
    r"the table '?[^ ]*'? is full",
    r"\benospc\b",
)
DUPLICATE_KEY = symptom(
    Cause.DUPLICATE_KEY,
    FailureClass.PERMANENT,
    "A primary key appears twice: a key that is none, or a day that was written twice.",
    "Check the table's primary key in the registry and at the source; `radar tables diff` compares them.",
    r"duplicate (entry|primary key|key|id)\b",
)
SCHEMA_MISMATCH = symptom(
    Cause.SCHEMA_MISMATCH,
    FailureClass.PERMANENT,
    "A table or column at the source is not as Airbyte's catalogue or the registry has it.",
    "Refresh the source schema in Airbyte, look at `radar tables diff`, and take it over with `radar tables pull`.",
    r"unknown column",
    r"table '?[^ ]+'? doesn't exist",
    r"has no table '",
    r"schema (mismatch|change|evolution)",
    r"(incompatible|mismatched) schema",
    r"column .{1,100} (does not exist|not found)",
    r"\b(added|lost|became .{1,40}) in (mysql|airbyte|parquet)\b",
)
AIRBYTE_REFUSED = symptom(
    Cause.AIRBYTE_REFUSED,
    FailureClass.CONFIGURATION,
    "Airbyte refuses: the connection's id, the credentials or the address of the server are wrong.",
    "Check RADAR_CONNECTION_ID, the RADAR_AIRBYTE_* credentials and AIRBYTE_SERVER_HOST with `radar check-config`.",
    r"check radar_connection_id",
    r"check the radar_airbyte_",
    r"granted no token",
    r"is (it|this) an airbyte server",
    r"could not find configuration for",
    r"can only sync an active connection",
    r"airbyte answered .{1,200} http 4(?!29|09)\d\d",
    r"airbyte answered .{1,200} with no json",
)
QUEUE_FULL = symptom(
    Cause.QUEUE_FULL,
    FailureClass.TRANSIENT,
    "No worker took the sync up: the queue or the cluster is full.",
    "Look at what else runs in Airbyte and at the cluster's room for new pods; scale the workers up if it stays.",
    r"never claimed",
    r"could not start the (sync )?process",
    r"a sync is already running",
    r"resourceconstraint",
    r"insufficient (cpu|memory)",
    r"unschedulable|failedscheduling",
    r"(still|has been) (queued|pending)\b",
    r"waits? in the queue",
)
SYNC_TIMEOUT = symptom(
    Cause.SYNC_TIMEOUT,
    FailureClass.TRANSIENT,
    "The sync did not end in the time that it may take.",
    "It was not cancelled: look at its log in Airbyte. Where it stands still, cancel it there and run the day again.",
    r"job \d+ is still \w+",
    r"still running after",
    r"activity task timed out",
    r"heartbeat ?timeout",
    r"did(n't| not) send any records in the last",
    r"exceeded maximum runtime",
    r"max_runtime",
)
WORKER_LOST = symptom(
    Cause.WORKER_LOST,
    FailureClass.TRANSIENT,
    "A worker ended before its work did: evicted, restarted or killed.",
    "What is transient is tried again by itself; if it stays, look at the cluster's events for that pod.",
    r"worker is gone",
    r"could not track the sync progress",
    r"sync process exited without reporting",
    r"workload-monitor|workload failed",
    r"pods? .{0,100}(evicted|deleted|not found|preempted)",
    r"exited with (a )?non-?zero exit code",
    r"worker exited with code",
    r"the process of this run died",
    r"unexpectedly exited",
    r"run worker .{0,60}(crashed|failed|lost|died)",
    r"(received|terminated by|killed by) (signal|sig)",
)
AIRBYTE_UNREACHABLE = symptom(
    Cause.AIRBYTE_UNREACHABLE,
    FailureClass.TRANSIENT,
    "The Airbyte server does not answer: down, restarting, or kept away by DNS or a network policy.",
    "Check that the server runs, and AIRBYTE_SERVER_HOST and AIRBYTE_SERVER_PORT. A running sync goes on.",
    r"airbyte at .{1,200} (cannot be reached|did not answer)",
    r"airbyte (has been away|does not answer|could not be asked)",
    r"airbyte answered .{1,200} http (429|5\d\d)",
    r"airbyte is temporarily unavailable",
    r"no sync of .{1,40} could be started",
    r"upstream connect error",
)
TABLE_FAILED = symptom(
    Cause.TABLE_FAILED,
    FailureClass.SOURCE,
    "Single tables could not be copied, while others could.",
    "Read the table's lines in the log of the Airbyte job, remove the cause and run the day again.",
    r"broke off after",
    r"something went wrong within the (source|destination) connector",
    r"could not be extracted",
    r"copying '.{1,100}' failed",
)
EMPTY_AT_SOURCE = symptom(
    Cause.NO_DATA,
    FailureClass.PERMANENT,
    "The table holds no rows at the source, and the registry does not allow that.",
    "If that is right, set may_be_empty: true for it in radar_tables.yaml; otherwise have it filled again in MySQL and "
    "run the day again before it ends.",
    r"the source holds no rows of this table",
    r"read this table to its end and found no rows",
)
NO_DATA = symptom(
    Cause.NO_DATA,
    FailureClass.PERMANENT,
    "The sync left no whole copy of the data in the bucket, whatever it said of itself.",
    "Read the Airbyte job's log for the tables that are named, and run the day again before it ends.",
    r"nothing lies in the bucket",
    r"the bucket holds none",
    r"succeeded without a row",
    r"rows in the bucket where airbyte counted",
    r"no file of the table lies",
    r"nothing shows that the table was finished",
    r"crossed midnight",
    r"\b(is|are) not there\b",
)

SYMPTOMS = (
    PAST_DAY,
    # Before broken YAML: its words name the registry's file.
    EMPTY_AT_SOURCE,
    YAML_BROKEN,
    VARIABLE_MISSING,
    OUT_OF_MEMORY,
    DISK_FULL,
    ends.S3_CREDENTIALS,
    ends.S3_BUCKET,
    ends.S3_REGION,
    ends.MYSQL_GRANT,
    ends.MYSQL_LOGIN,
    ends.MYSQL_BUSY,
    ends.MYSQL_TLS,
    ends.MYSQL_REFUSED,
    ends.MYSQL_TIMEOUT,
    DUPLICATE_KEY,
    ends.S3_POLICY,
    ends.S3_UNREACHABLE,
    SCHEMA_MISMATCH,
    AIRBYTE_REFUSED,
    QUEUE_FULL,
    SYNC_TIMEOUT,
    AIRBYTE_UNREACHABLE,
    WORKER_LOST,
    TABLE_FAILED,
    NO_DATA,
)
