"""Symptoms of the two ends of a sync: what MySQL and S3, their drivers and clients say."""

from __future__ import annotations

from radar_pipeline.domain.causes import Cause, symptom
from radar_pipeline.domain.failure import FailureClass

S3_CREDENTIALS = symptom(
    Cause.S3_DENIED,
    FailureClass.DESTINATION,
    "S3 does not accept the access keys: they are wrong, expired or deactivated.",
    "Renew the keys (FARMARCAS_AWS_ACCESS_KEY_ID, FARMARCAS_AWS_SECRET_ACCESS_KEY, and those of Airbyte's own).",
    r"invalidaccesskeyid",
    r"signaturedoesnotmatch",
    r"(expired|invalid)token\b",
    r"invalidclienttokenid",
    r"unrecognizedclient",
    r"requesttimetooskewed",
    r"access key id you provided does not exist",
    r"request signature we calculated does not match",
    r"(provided|security) token .{0,30}(expired|invalid)",
    r"unable to (load|locate) (aws )?credentials",
    r"does not accept the access keys",
)
S3_BUCKET = symptom(
    Cause.S3_DENIED,
    FailureClass.DESTINATION,
    "The bucket is not there.",
    "Check the bucket's name (S3_BUCKET_NAME, and Airbyte's destination).",
    r"nosuchbucket",
    r"invalidbucketname",
    r"specified bucket does not exist",
    r"there is no such bucket",
)
S3_REGION = symptom(
    Cause.S3_DENIED,
    FailureClass.DESTINATION,
    "The bucket lies in another region than the one that is configured.",
    "Set the bucket's region (AWS_DEFAULT_REGION, and Airbyte's destination).",
    r"permanentredirect",
    r"authorizationheadermalformed",
    r"authorization header is malformed",
    r"illegallocationconstraint",
    r"must be addressed using the specified endpoint",
    r"the bucket is not in .{1,80}: check aws_default_region",
    r"is in region \S+, not in",
)
S3_POLICY = symptom(
    Cause.S3_DENIED,
    FailureClass.DESTINATION,
    "The keys are valid, but the IAM policy or the bucket policy does not allow this.",
    "Allow listing, reading, writing and deleting in the bucket for both: Airbyte's destination and this platform.",
    r"accessdenied\b",
    r"\baccess denied\b(?! for user)",
    r"not authorized to perform: s3:",
    r"valid but not allowed to do this",
    r"allaccessdisabled",
    r"s3.{0,200}\b403\b",
)
S3_UNREACHABLE = symptom(
    Cause.S3_UNREACHABLE,
    FailureClass.TRANSIENT,
    "S3 did not answer as it should: an outage, throttling, or the network on the way.",
    "What is transient is tried again by itself; if it stays, look at the network and at AWS's health page.",
    r"s3 at .{1,200} does not answer",
    r"could not connect to the endpoint url",
    r"(connect|read) timeout on endpoint url",
    r"unable to execute http request",
    r"slowdown\b",
    r"reduce your request rate",
    r"s3.{0,300}(internalerror|serviceunavailable|\b50[0234]\b|timed out|requesttimeout)",
    r"(internalerror|serviceunavailable|requesttimeout)\b.{0,200}s3",
    r"we encountered an internal error\. please try again",
)
MYSQL_GRANT = symptom(
    Cause.MYSQL_DENIED,
    FailureClass.CONFIGURATION,
    "The MySQL user may not read a table or a column.",
    "GRANT SELECT on what the message names to the user of Airbyte's source, then run the day again.",
    r"command denied to user",
    r"(error code: |error |\()114[23]\b",
    r"may not read .{1,200}: grant select",
)
MYSQL_LOGIN = symptom(
    Cause.MYSQL_DENIED,
    FailureClass.SOURCE,
    "MySQL does not let the user in: a wrong password, a locked or missing user, or a host that is not allowed.",
    "Check user, password and database of Airbyte's source (RADAR_USER, RADAR_PASS, RADAR_DATABASE for this platform).",
    r"access denied for user",
    r"(mysql|mariadb) at .{1,200} refused user",
    r"using password: (yes|no)",
    r"may not read database",
    r"(has no|unknown) database",
    r"is not allowed to connect to this (mysql|mariadb)",
    r"blocked because of many connection errors",
    r"account is locked",
    r"(error code: |error |\()(1045|1044|1049|1130|1129|3118|4151)\b",
)
MYSQL_BUSY = symptom(
    Cause.MYSQL_REFUSED,
    FailureClass.SOURCE,
    "MySQL takes no more connections.",
    "See who holds them (SHOW PROCESSLIST) and whether max_connections is enough, then run the day again.",
    r"too many (user )?connections",
    r"takes no more connections",
    r"max_user_connections",
    r"(error code: |error |\()(1040|1203|1226)\b",
)
MYSQL_TLS = symptom(
    Cause.MYSQL_REFUSED,
    FailureClass.SOURCE,
    "No encrypted connection to MySQL could be agreed on.",
    "Make the TLS mode of Airbyte's source (RADAR_SOURCE_TLS for this platform) fit what the server demands.",
    r"tls with mysql",
    r"sslhandshakeexception",
    r"ssl connection error",
    r"require_secure_transport",
    r"unsecured connection not allowed",
)
MYSQL_REFUSED = symptom(
    Cause.MYSQL_REFUSED,
    FailureClass.SOURCE,
    "MySQL cannot be reached: it is down or restarting, its address is wrong, or a security group refuses.",
    "Check that the database runs, then host, port and security group for Airbyte's workers (RADAR_HOST, RADAR_PORT).",
    r"(mysql|mariadb|jdbc|communications link failure|state code: 08).{0,300}connection refused",
    r"(mysql|mariadb) at .{1,200} cannot be reached",
    r"unknown (mysql|mariadb) server host",
    r"unknownhostexception",
    r"can't connect to (local )?(mysql |mariadb )?server(?!.{0,200}(timed out|\(110\)|timeout))",
)
MYSQL_TIMEOUT = symptom(
    Cause.MYSQL_TIMEOUT,
    FailureClass.TRANSIENT,
    "MySQL did not answer in time: the network, a security group that drops packets, or load.",
    "Look at MySQL's load and at the way from Airbyte's workers to it; what is transient is tried again by itself.",
    r"(mysql|mariadb) at .{1,200} did not answer",
    r"(mysql|mariadb) at .{1,200} closed the connection",
    r"communications link failure",
    r"can't connect to (local )?(mysql |mariadb )?server",
    r"failed to connect to (mysql|mariadb)",
    r"could not create connection to database server",
    r"hikaripool.{0,100}timed out",
    r"sockettimeoutexception",
    r"lost connection to (mysql|mariadb|server)",
    r"server has gone away",
    r"lock wait timeout exceeded",
    r"maximum statement execution time",
    r"(error code: |error |\()(2002|2003|2006|2013)\b",
)
