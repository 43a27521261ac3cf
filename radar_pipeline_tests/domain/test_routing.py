"""Routes: channels of the severity, what owners and areas add, and never nowhere."""

from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.alert import AffectedTable
from radar_pipeline.domain.routing import Addition, Medium, Routes, Target, route
from radar_pipeline.domain.severity import Severity

NEWS, ALERTS, MAIL = Target(Medium.SLACK, "#data-engineering"), Target(Medium.SLACK, "#alerts"), Target(Medium.EMAIL)
PAGER, SMS, PRODUCTS = Target(Medium.PAGERDUTY), Target(Medium.SMS), Target(Medium.SLACK, "#products")
ROUTES = Routes(
    {
        Severity.INFO: (NEWS,),
        Severity.WARNING: (NEWS,),
        Severity.ERROR: (ALERTS, MAIL),
        Severity.CRITICAL: (PAGER, ALERTS),
        Severity.EMERGENCY: (SMS, PAGER, ALERTS),
    },
    owners={"team:products": Addition(Severity.WARNING, (PRODUCTS,))},
    areas={"products": Addition(Severity.CRITICAL, (MAIL, PRODUCTS))},
)
TABLE = AffectedTable("product", owner="team:products", area="products")


def test_what_is_not_configured_is_left_out_where_something_is():
    found = route(Severity.CRITICAL, (), ROUTES, configured={Medium.SLACK})
    assert (found.targets, found.missing, found.fallback) == ((ALERTS,), (PAGER,), False)


def test_a_severity_whose_channels_all_are_missing_goes_to_those_of_the_next_greater_one():
    assert route(Severity.WARNING, (), ROUTES, configured={Medium.EMAIL}).targets == (MAIL,)
    assert route(Severity.ERROR, (), ROUTES, configured={Medium.PAGERDUTY}).targets == (PAGER,)
    found = route(Severity.EMERGENCY, (), ROUTES, configured={Medium.EMAIL})
    assert (found.targets, found.fallback) == ((MAIL,), True)


def test_owners_and_areas_add_from_their_severity_on_and_each_place_hears_once():
    everywhere = frozenset(Medium)
    assert route(Severity.INFO, (TABLE,), ROUTES, configured=everywhere).targets == (NEWS,)
    assert route(Severity.WARNING, (TABLE,) * 3, ROUTES, configured=everywhere).targets == (NEWS, PRODUCTS)
    assert route(Severity.CRITICAL, (TABLE,), ROUTES, configured=everywhere).targets == (PAGER, ALERTS, PRODUCTS, MAIL)


def test_what_says_that_a_channel_is_away_goes_elsewhere():
    everywhere = frozenset(Medium)
    assert route(Severity.ERROR, (), ROUTES, configured=everywhere, without=[Target(Medium.SLACK)]).targets == (MAIL,)
    assert route(Severity.ERROR, (), ROUTES, configured=everywhere, without=[ALERTS]).targets == (MAIL,)
    away = [Target(Medium.SLACK), MAIL]
    assert route(Severity.ERROR, (), ROUTES, configured=everywhere, without=away).targets == (PAGER,)


@given(
    st.sampled_from(Severity),
    st.sets(st.sampled_from(Medium)),
    st.sets(st.sampled_from([NEWS, ALERTS, MAIL, PAGER, SMS, *(Target(medium) for medium in Medium)])),
)
def test_no_alert_goes_nowhere_while_any_routed_channel_can_be_used(severity, configured, without):
    found = route(severity, (TABLE,), ROUTES, configured=configured, without=without)
    usable = {
        target
        for targets in ROUTES.by_severity.values()
        for target in targets
        if target.medium in configured and target not in without and Target(target.medium) not in without
    }
    assert bool(found.targets) >= bool(usable)
    assert all(target.medium in configured and target not in without for target in found.targets)
    assert len(found.targets) == len(set(found.targets))


@given(st.sampled_from(Medium), st.sampled_from(["", "#alerts", "a@b.com", "…1234"]))
def test_a_target_reads_back_as_it_is_written(medium, address):
    assert Target.parse(str(Target(medium, address))) == Target(medium, address)
