import dagster as dg, pytest, time
from radar_pipeline_tests.end_to_end.lifecycle import Lake, WIDE, SMALL, LARGE
from radar_pipeline_tests.servers import PROJECT
from radar_pipeline_tests.conftest import *

@pytest.fixture
def lake(s3, tmp_path, monkeypatch):
    home = tmp_path/"dagster"; home.mkdir()
    (home/"dagster.yaml").symlink_to(PROJECT/"dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield Lake(s3, tmp_path, instance)

def test_it(lake):
    for ago in (2,1,0):
        lake.land("store", lake.day(ago))
        lake.land("menu", lake.day(ago), size=SMALL, files=2)
    def run(days, **kw):
        t=time.time(); r=lake.run(days=days, **kw)
        for e in r.all_events:
            if e.is_step_failure: print(e.step_failure_data.error or e.step_failure_data)
            if e.event_type_value=="ASSET_CHECK_EVALUATION": print(e.asset_check_evaluation_data.check_name, e.asset_check_evaluation_data.passed, e.asset_check_evaluation_data.description)
        print(days, r.success, time.time()-t, lake.tiers("store"), list(lake.open_alerts()))
        return r
    run(31, apply=False)
    run(31)
    run(31)
    run(91)
    r=run(2600)
    for e in r.all_events:
        if e.event_type_value=="ASSET_MATERIALIZATION":
            for k,v in e.materialization.metadata.items(): print(k, v)
    lake.policy(**WIDE)
    run(2600)
    print(lake.radar("retention","status",status=1))
