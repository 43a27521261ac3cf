from __future__ import annotations

import pytest

from radar_pipeline.lake import rules
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.rules import put_rules, read_rules
from radar_pipeline_tests.aws_proxy import access_denied, aws_proxy
from radar_pipeline_tests.lake.aging import through


def rule(name, days=365, prefix="origin=airbyte/"):
    return {
        "ID": name,
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "NoncurrentVersionExpiration": {"NoncurrentDays": days},
    }


THEIRS = rule("of-another-team", 7, "logs/")
OURS = (rule("radar-versions"), rule("radar-quarantine", 30, "_radar_pipeline/quarantine/"))

pytestmark = pytest.mark.integration
ministack = pytest.mark.parametrize("server", ["ministack"], indirect=True)


def set_rules(store, *given):
    store.s3.put_bucket_lifecycle_configuration(
        Bucket=store.config.bucket, LifecycleConfiguration={"Rules": list(given)}
    )


def ids(found):
    return sorted(each["ID"] for each in found)


def test_our_rules_come_and_go_and_those_of_others_stay(store):
    assert read_rules(store) == ()
    assert ids(put_rules(store, OURS, seen=())) == ["radar-quarantine", "radar-versions"]
    set_rules(store, THEIRS, *OURS)
    (theirs,) = (each for each in read_rules(store) if each["ID"] == "of-another-team")

    after = put_rules(store, [rule("radar-versions", 90)], seen=read_rules(store))

    assert ids(after) == ["of-another-team", "radar-versions"]
    assert theirs in after
    assert next(each for each in after if each["ID"] == "radar-versions")["NoncurrentVersionExpiration"] == {
        "NoncurrentDays": 90
    }
    assert put_rules(store, [], seen=after) == (theirs,)


def test_with_no_rule_left_the_configuration_is_taken_away(store):
    seen = put_rules(store, OURS, seen=())
    assert put_rules(store, [], seen=seen) == ()
    assert read_rules(store) == ()


@ministack
def test_what_is_set_already_is_not_written_again(config, store):
    seen = put_rules(store, OURS, seen=())
    with aws_proxy(config.endpoint_url) as proxy:
        assert put_rules(through(config, proxy.url), OURS[::-1], seen=seen[::-1]) == seen
        assert proxy.count("PUT") == 0


@ministack
def test_transitions_and_the_smallest_size_of_the_whole_configuration_are_kept(config, store):
    set_rules(store, THEIRS)
    moving = {
        "ID": "radar-moves",
        "Status": "Enabled",
        "Filter": {"Prefix": "origin=airbyte/"},
        "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}],
    }
    with aws_proxy(config.endpoint_url) as proxy:
        after = put_rules(through(config, proxy.url), [moving], seen=read_rules(store))
        (written,) = (each for each in proxy.seen if each.method == "PUT")
    assert moving in after
    found = store.s3.get_bucket_lifecycle_configuration(Bucket=store.config.bucket)
    size = found["TransitionDefaultMinimumObjectSize"]
    assert written.headers["x-amz-transition-default-minimum-object-size"] == size


@ministack
def test_a_change_by_others_since_the_rules_were_looked_at_stops_the_writing(store):
    seen = put_rules(store, OURS, seen=())
    set_rules(store, THEIRS, *OURS)
    with pytest.raises(LakeError, match="since they were looked at") as caught:
        put_rules(store, [], seen=seen)
    assert caught.value.fault is LakeFault.CHANGED
    assert ids(read_rules(store)) == ["of-another-team", "radar-quarantine", "radar-versions"]


@ministack
def test_a_change_by_others_while_the_rules_are_written_is_found(config, store, monkeypatch):
    monkeypatch.setattr(rules, "_WAITS", (0.0, 0.1))

    def another_writer(seen):
        if seen.method == "GET" and proxy.count("PUT"):
            proxy.rules.clear()
            set_rules(store, THEIRS)

    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(another_writer)
        with pytest.raises(LakeError, match="while they were written") as caught:
            put_rules(through(config, proxy.url), OURS, seen=())
    assert caught.value.fault is LakeFault.CHANGED


@ministack
def test_keys_that_may_not_and_names_that_are_not_ours_are_refused(config, store):
    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(lambda seen: access_denied() if seen.method == "PUT" else None)
        with pytest.raises(LakeError, match="check the IAM policy") as caught:
            put_rules(through(config, proxy.url), OURS, seen=())
    assert caught.value.fault is LakeFault.POLICY
    with pytest.raises(ValueError, match="of-another-team"):
        put_rules(store, [THEIRS], seen=())
    assert read_rules(store) == ()
