import json
from collections.abc import Sequence

from tests.answers import KnownModel, unseeded
from textsieve.worker.campaigns.membership import CampaignDetector
from textsieve.worker.pipeline import Pipeline, build_pipeline
from textsieve.worker.records import Record
from textsieve.worker.settings import Settings
from textsieve.worker.stages.campaign import FindCampaign
from textsieve.worker.testing import MemoryLeaderStore

FEE = "your parcel is held at customs, pay the fee of {} today"


def pipeline(detector: CampaignDetector | None) -> Pipeline:
    stage = None if detector is None else FindCampaign(detector)
    return build_pipeline(Settings(), predictor=KnownModel(), assign=unseeded, now_ms=lambda: 2000, campaigns=stage)


def detector() -> CampaignDetector:
    return CampaignDetector(MemoryLeaderStore(), now_ms=lambda: 2000, capacity=100)


def results(through: Pipeline, texts: Sequence[str], *, offset: int = 0) -> list[dict[str, object]]:
    records = [
        Record("messages", 3, offset + row, None, json.dumps({"text": text}).encode(), 1000)
        for row, text in enumerate(texts)
    ]
    return [json.loads(result.value or b"") for result in through.process(records).results]


def test_a_result_names_the_campaign_of_its_message() -> None:
    first, other, second = results(
        pipeline(detector()), [FEE.format(17), "shall we have lunch on tuesday", FEE.format(31)]
    )

    campaign = first["campaign"]
    assert isinstance(campaign, dict)
    assert {"id": campaign["id"], "size": 1, "new": True, "similarity": 1.0} == campaign
    assert {**campaign, "size": 2} == second["campaign"]
    assert other["campaign"] is None


def test_disguised_copies_are_copies() -> None:
    first, second = results(
        pipeline(detector()), ["claim your free prize right now", "cl@im your f r e e pr1ze right now"]
    )

    assert isinstance(first["campaign"], dict)
    assert isinstance(second["campaign"], dict)
    assert first["campaign"]["id"] == second["campaign"]["id"]


def test_a_batch_that_is_read_again_makes_no_campaign_of_its_messages() -> None:
    through = pipeline(detector())

    assert [None] == [result["campaign"] for result in results(through, [FEE.format(17)])]
    assert [None] == [result["campaign"] for result in results(through, [FEE.format(17)])]
    assert [None] != [result["campaign"] for result in results(through, [FEE.format(17)], offset=1)]


def test_results_have_no_campaign_where_nobody_asks_for_it() -> None:
    (result,) = results(pipeline(None), [FEE.format(17)])

    assert "campaign" not in result


def test_a_message_counts_its_partition_and_its_campaign() -> None:
    through = pipeline(detector())
    records = [Record("messages", 3, at, None, json.dumps({"text": FEE.format(at)}).encode(), 1000) for at in (1, 2)]

    outcome = through.process(records)

    (column,) = through.counts
    campaign = json.loads(outcome.results[0].value or b"")["campaign"]["id"]
    assert [["@messages:3", f"{campaign} spam"]] * 2 == [
        [counter.field for counter, _ in counts] for counts in outcome.batch[column]
    ]
    assert [1, 1, 1, 1] == [delta for counts in outcome.batch[column] for _, delta in counts]


def test_a_timestamp_in_the_future_moves_no_event_time() -> None:
    stage = FindCampaign(detector(), now_ms=lambda: 2000)
    through = build_pipeline(Settings(), predictor=KnownModel(), assign=unseeded, now_ms=lambda: 2000, campaigns=stage)
    through.process([Record("messages", 3, 0, None, json.dumps({"text": FEE}).encode(), 2_000_000)])

    assert {} == stage.sightings.latest_ms()
