"""A store on a fresh bucket of the local endpoint."""

from __future__ import annotations

import pytest

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline_tests.servers import S3Server


@pytest.fixture
def config(s3: S3Server, bucket: str) -> LakeConfig:
    return LakeConfig(bucket, s3.region, s3.endpoint_url, s3.access_key_id, s3.secret_access_key)


@pytest.fixture
def store(config: LakeConfig) -> LakeStore:
    return LakeStore(config)


@pytest.fixture
def layout() -> BronzeLayout:
    return BronzeLayout("origin=airbyte/database=bronze_radar")
