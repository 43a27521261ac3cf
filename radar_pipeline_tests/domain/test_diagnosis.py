"""Which cause, class and next step follow from the real words of MySQL, S3, Airbyte, Dagster and this platform."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.causes import Cause
from radar_pipeline.domain.diagnosis import Origin, RunFailure, diagnose, is_mendable
from radar_pipeline.domain.failure import FailureClass

C, F = Cause, FailureClass

# Messages as they were seen: of Airbyte's issues, of the drivers' sources, and of this platform's own rooms.
WORDS: list[tuple[str, Cause, FailureClass]] = [
    # 1. MySQL connection time-out.
    (
        "source: State code: 08S01; Message: Communications link failure\n\nThe last packet sent successfully to the "
        "server was 0 milliseconds ago. The driver has not received any packets from the server.",
        C.MYSQL_TIMEOUT,
        F.TRANSIENT,
    ),
    ("HikariPool-1 - Connection is not available, request timed out after 60001ms.", C.MYSQL_TIMEOUT, F.TRANSIENT),
    ("java.net.SocketTimeoutException: connect timed out", C.MYSQL_TIMEOUT, F.TRANSIENT),
    (
        "MySQL at db.internal:3306/radar did not answer within 10 s while connecting: network, firewall or load",
        C.MYSQL_TIMEOUT,
        F.TRANSIENT,
    ),
    ("Can't connect to MySQL server on 'db.internal' (timed out)", C.MYSQL_TIMEOUT, F.TRANSIENT),
    ("Lost connection to MySQL server during query (error 2013)", C.MYSQL_TIMEOUT, F.TRANSIENT),
    ("Lock wait timeout exceeded; try restarting transaction", C.MYSQL_TIMEOUT, F.TRANSIENT),
    ("MySQL at 127.0.0.1:9 cannot be reached: Connection refused", C.MYSQL_REFUSED, F.SOURCE),
    (
        "State code: 08001; Error code: 2003; Message: Can't connect to MySQL server on '127.0.0.1' ([Errno 111] "
        "Connection refused)",
        C.MYSQL_REFUSED,
        F.SOURCE,
    ),
    ("MySQL at db.invalid:3306 cannot be reached: Name or service not known", C.MYSQL_REFUSED, F.SOURCE),
    (
        "State code: 08004; Error code: 1040; Message: Data source rejected establishment of connection, message from "
        'server: "Too many connections"',
        C.MYSQL_REFUSED,
        F.SOURCE,
    ),
    ("MySQL at h:3306/radar takes no more connections (error 1203): see max_connections", C.MYSQL_REFUSED, F.SOURCE),
    ("TLS with MySQL at h:3306/radar failed (set to required): wrong version number", C.MYSQL_REFUSED, F.SOURCE),
    ("javax.net.ssl.SSLHandshakeException: No appropriate protocol", C.MYSQL_REFUSED, F.SOURCE),
    (
        "MySQL at h:3306/radar refused user 'bi-cognitivo-read': the password is wrong, or the user does not exist or "
        "may not connect from this host",
        C.MYSQL_DENIED,
        F.SOURCE,
    ),
    (
        "State code: 28000; Error code: 1045; Message: Access denied for user 'reader'@'10.0.0.7' "
        "(using password: YES)",
        C.MYSQL_DENIED,
        F.SOURCE,
    ),
    ("Host '10.1.2.3' is not allowed to connect to this MySQL server", C.MYSQL_DENIED, F.SOURCE),
    ("MySQL at h:3306 has no database 'radarr'", C.MYSQL_DENIED, F.SOURCE),
    (
        "source, store: Something went wrong within the source connector | SELECT command denied to user "
        "'bi'@'10.0.0.7' for table 'store'",
        C.MYSQL_DENIED,
        F.CONFIGURATION,
    ),
    # 2. S3 access denied.
    (
        "Could not connect to the S3 bucket with the provided configuration. Access Denied (Service: Amazon S3; Status "
        "Code: 403; Error Code: AccessDenied; Request ID: S8MN1DBZWEJJ0RNK)",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    (
        "An error occurred (InvalidAccessKeyId) when calling the PutObject operation: The AWS Access Key Id you "
        "provided does not exist in our records.",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    (
        "Could not connect to the S3 bucket with the provided configuration. The request signature we calculated does "
        "not match the signature you provided.",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    (
        "S3 refused put_object on s3://b/store: ExpiredToken: The provided token has expired.",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    ("Unable to locate credentials", C.S3_DENIED, F.DESTINATION),
    (
        "S3 refused list_objects_v2 on s3://b/p: NoSuchBucket: The specified bucket does not exist",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    (
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'us-east-2'",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    (
        "cannot list p/ in bucket b: the bucket is not in us-east-2: check AWS_DEFAULT_REGION [PermanentRedirect]",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    (
        "cannot write k in bucket b: the keys are valid but not allowed to do this: check the IAM policy and the "
        "bucket policy [AccessDenied]",
        C.S3_DENIED,
        F.DESTINATION,
    ),
    ("User: arn:aws:iam::1:user/x is not authorized to perform: s3:PutObject", C.S3_DENIED, F.DESTINATION),
    ('Could not connect to the endpoint URL: "https://b.s3.us-east-2.amazonaws.com/"', C.S3_UNREACHABLE, F.TRANSIENT),
    (
        "cannot list p/ in bucket b: S3 at us-east-2 does not answer as it should: check the network and "
        "RADAR_S3_ENDPOINT_URL [no connection]",
        C.S3_UNREACHABLE,
        F.TRANSIENT,
    ),
    (
        "S3 refused put_object on s3://b/store/f.parquet: InternalError: We encountered an internal error. Please try "
        "again.",
        C.S3_UNREACHABLE,
        F.TRANSIENT,
    ),
    (
        "Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown)",
        C.S3_UNREACHABLE,
        F.TRANSIENT,
    ),
    # 3. Airbyte unreachable.
    (
        "Airbyte at http://127.0.0.1:1 cannot be reached for GET /api/v1/health: [Errno 111] Connection refused",
        C.AIRBYTE_UNREACHABLE,
        F.TRANSIENT,
    ),
    ("Airbyte at http://a:8001 did not answer POST /api/v1/jobs/list within 30 s", C.AIRBYTE_UNREACHABLE, F.TRANSIENT),
    (
        "Airbyte answered POST /api/v1/jobs/list with HTTP 503: Service Unavailable",
        C.AIRBYTE_UNREACHABLE,
        F.TRANSIENT,
    ),
    (
        "Airbyte has been away for 900 s while sync job 7 was running; the job was not cancelled, and the next run of "
        "the same day will follow it. Last: Airbyte at http://a:8001 did not answer",
        C.AIRBYTE_UNREACHABLE,
        F.TRANSIENT,
    ),
    (
        "no sync of 2026-11-24 could be started in 3 tries, and none runs; once the server starts syncs again, run the "
        "day again. Last: Airbyte answered POST /api/v1/connections/sync with HTTP 500: no reason",
        C.AIRBYTE_UNREACHABLE,
        F.TRANSIENT,
    ),
    (
        "there is no connection 0-0: check RADAR_CONNECTION_ID. Airbyte answered POST /api/v1/connections/get with "
        "HTTP 404: Could not find configuration for STANDARD_SYNC",
        C.AIRBYTE_REFUSED,
        F.CONFIGURATION,
    ),
    (
        "Airbyte answered GET /api/v1/health with HTTP 401: Unauthorized. Check the RADAR_AIRBYTE_* credentials and "
        "what they may do",
        C.AIRBYTE_REFUSED,
        F.CONFIGURATION,
    ),
    # 4. Sync time-out, and what else keeps a sync from ending.
    (
        "sync job 3 is still running after 14400 s. It goes on, and the next run of the same day will follow it.",
        C.SYNC_TIMEOUT,
        F.TRANSIENT,
    ),
    ("reset job 3 is still running, so no sync of 2026-11-24 could be started", C.SYNC_TIMEOUT, F.TRANSIENT),
    (
        "Workload failed, source: airbyte-workload-monitor: Airbyte could not start the sync process within time "
        "limit. The workload was never claimed.",
        C.QUEUE_FULL,
        F.TRANSIENT,
    ),
    ("0/3 nodes are available: 3 Insufficient memory.", C.QUEUE_FULL, F.TRANSIENT),
    (
        "Warning from source: Workload failed, source: workload-monitor-heartbeat: Airbyte could not track the sync "
        "progress. Sync process exited without reporting status.",
        C.WORKER_LOST,
        F.TRANSIENT,
    ),
    ("The server was restarted while the attempt ran and its worker is gone", C.WORKER_LOST, F.TRANSIENT),
    ("The process of this run died. A sync that it started goes on in Airbyte.", C.WORKER_LOST, F.TRANSIENT),
    (
        "Multiprocess executor: child process for step bronze unexpectedly exited with code -9",
        C.WORKER_LOST,
        F.TRANSIENT,
    ),
    # 5. Out of memory, and a full disk.
    (
        "destination: Something went wrong within the destination connector | Destination process exited with non-zero "
        "exit code 137 (OOMKilled: the worker ran out of memory)",
        C.OUT_OF_MEMORY,
        F.PLATFORM,
    ),
    ("java.lang.OutOfMemoryError: Java heap space", C.OUT_OF_MEMORY, F.PLATFORM),
    ("The node was low on resource: memory. Threshold quantity: 100Mi", C.OUT_OF_MEMORY, F.PLATFORM),
    ("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device", C.DISK_FULL, F.PLATFORM),
    ("The table '/rdsdbdata/tmp/#sql_1_0' is full", C.DISK_FULL, F.PLATFORM),
    # 6. Schema mismatch.
    ("Unknown column 'TaxRegime' in 'field list'", C.SCHEMA_MISMATCH, F.PERMANENT),
    ("Table 'radar.vouchers' doesn't exist", C.SCHEMA_MISMATCH, F.PERMANENT),
    ("MySQL has no table 'vouchers' that user 'bi' may see", C.SCHEMA_MISMATCH, F.PERMANENT),
    # 7. Duplicate key.
    ("Duplicate entry '17' for key 'store.PRIMARY'", C.DUPLICATE_KEY, F.PERMANENT),
    # 8. A variable that is not set.
    (
        "AIRBYTE_SERVER_HOST is not set: the host of the Airbyte server (AIRBYTE_SERVER_PORT is its port)",
        C.VARIABLE_MISSING,
        F.CONFIGURATION,
    ),
    ("RADAR_PORT, read from the environment: Input should be a valid integer", C.VARIABLE_MISSING, F.CONFIGURATION),
    ("RADAR_HOST is set and RADAR_PASS is not: set both or neither", C.VARIABLE_MISSING, F.CONFIGURATION),
    (".env, line 3: NAME=VALUE is expected, with quotes that are closed", C.VARIABLE_MISSING, F.CONFIGURATION),
    # 9. Broken YAML.
    (
        "radar_pipeline/tables/radar_tables.yaml, line 12: expected a mapping, found a list",
        C.YAML_BROKEN,
        F.CONFIGURATION,
    ),
    ('mapping values are not allowed here\n  in "x", line 3, column 9', C.YAML_BROKEN, F.CONFIGURATION),
    # And what is nobody's fault but the data's.
    (
        "nothing lies in the bucket for 2026-11-24; sync job 3 failed: source, menu: Something went wrong within the "
        "source connector | reading 'menu' broke off after 5 of 10 rows",
        C.TABLE_FAILED,
        F.SOURCE,
    ),
    (
        "destination, menu: Something went wrong within the destination connector | a finished file is lost",
        C.TABLE_FAILED,
        F.DESTINATION,
    ),
    ("job 3 counted 100 rows, the bucket holds none", C.NO_DATA, F.PERMANENT),
    ("attempt 1 of job 3 left 50 rows in the bucket where Airbyte counted 100", C.NO_DATA, F.PERMANENT),
    ("nothing of 2026-01-01 lies in bronze, and a past day cannot be extracted again", C.PAST_DAY, F.PERMANENT),
    ("2026-11-25 has not begun (today is 2026-11-24 UTC)", C.PAST_DAY, F.PERMANENT),
]


@pytest.mark.parametrize(("words", "cause", "failure_class"), WORDS, ids=[each[0][:60] for each in WORDS])
def test_real_words_lead_to_their_cause(words: str, cause: Cause, failure_class: FailureClass) -> None:
    found = diagnose(words)
    assert (found.cause, found.failure_class) == (cause, failure_class)


def test_every_cause_but_the_unknown_is_recognised_in_some_real_words() -> None:
    assert {cause for _, cause, _ in WORDS} == set(Cause) - {Cause.UNKNOWN}


@pytest.mark.parametrize(
    ("words", "step"),
    [
        ("S3: InvalidAccessKeyId", "FARMARCAS_AWS_ACCESS_KEY_ID"),
        ("S3: NoSuchBucket", "S3_BUCKET_NAME"),
        ("S3: PermanentRedirect", "AWS_DEFAULT_REGION"),
        ("S3: AccessDenied", "Allow listing, reading, writing and deleting"),
    ],
)
def test_which_part_of_the_access_to_s3_is_at_fault_decides_what_to_do(words: str, step: str) -> None:
    assert step in diagnose(words).next_step


@pytest.mark.parametrize(
    ("words", "origin", "cause"),
    [
        ("Connection refused", Origin.SOURCE, C.MYSQL_REFUSED),
        ("Read timed out", Origin.SOURCE, C.MYSQL_TIMEOUT),
        ("Connection reset by peer", Origin.DESTINATION, C.S3_UNREACHABLE),
        ("Connection refused", Origin.AIRBYTE, C.AIRBYTE_UNREACHABLE),
        ("Connection refused", Origin.UNKNOWN, C.UNKNOWN),
        (
            "source: Something went wrong within the source connector | Connection refused",
            Origin.UNKNOWN,
            C.MYSQL_REFUSED,
        ),
    ],
)
def test_words_without_a_name_are_about_the_system_that_they_came_from(
    words: str, origin: Origin, cause: Cause
) -> None:
    assert diagnose(words, origin=origin).cause is cause


def test_what_nobody_knows_is_said_in_its_own_words() -> None:
    found = diagnose("the flux capacitor is out of phase", origin=Origin.DESTINATION)
    assert found.cause is Cause.UNKNOWN
    assert found.failure_class is FailureClass.DESTINATION
    assert "flux capacitor" in found.summary


ORIGINS = st.sampled_from(Origin)


@given(st.text(), ORIGINS)
def test_any_text_gets_a_class_a_summary_and_a_next_step(text: str, origin: Origin) -> None:
    found = diagnose(text, origin=origin)
    assert found.cause in Cause
    assert found.failure_class in FailureClass
    assert found.summary.strip()
    assert found.next_step.strip()


BLANKS = st.sampled_from([" ", "  ", "\n", "\t", " \r\n  "])
CASES = st.sampled_from([str.upper, str.lower, str.title, str.swapcase])


@given(st.sampled_from([words for words, _, _ in WORDS]), ORIGINS, BLANKS, CASES)
def test_letter_case_and_white_space_change_nothing(words: str, origin: Origin, blank: str, case: object) -> None:
    plain = diagnose(words, origin=origin)
    changed = diagnose(blank + blank.join(case(words).split(" ")) + blank, origin=origin)  # type: ignore[operator]
    assert changed == plain


@given(st.sampled_from([words for words, _, _ in WORDS]), st.text(alphabet="abc .,", max_size=50))
def test_what_stands_around_the_words_changes_nothing(words: str, around: str) -> None:
    assert diagnose(f"{around} {words} {around}").cause is diagnose(words).cause


@given(st.sampled_from([words for words, _, _ in WORDS]), st.lists(st.text(max_size=20), max_size=5))
def test_the_record_of_a_failure_reads_back_as_it_was(words: str, missing: list[str]) -> None:
    failure = RunFailure(diagnose(words), tuple(missing))
    assert RunFailure.parse(failure.document()) == failure


def test_a_repetition_is_not_tried_on_what_it_cannot_mend() -> None:
    assert {each for each in FailureClass if not is_mendable(each)} == {F.CONFIGURATION, F.PERMANENT}
