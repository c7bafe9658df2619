"""GOV.UK Notify's answers, and what each means for a letter; against a stand-in that answers as its documentation says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from case_closure.outbound import sending
from tests.support import notify

PDF = b"%PDF-1.7 a letter"


@pytest.fixture
def other_side() -> Iterator[notify.Notify]:
    with notify.running() as running:
        yield running


@pytest.fixture
def way_out(other_side: notify.Notify) -> sending.Sender:
    return sending.sender("notify", notify.API_KEY, other_side.url)


def test_a_letter_goes_out_under_its_number(other_side: notify.Notify, way_out: sending.Sender) -> None:
    sent = way_out.send("CMSL6301-1", PDF)
    (taken,) = other_side.taken
    assert (taken["reference"], taken["content"], taken["id"]) == ("CMSL6301-1", PDF, sent.reference)
    assert way_out.find("CMSL6301-1") == sent
    assert way_out.find("CMSL6301-2") is None


def test_a_duplicate_means_it_was_sent(other_side: notify.Notify, way_out: sending.Sender) -> None:
    """409: 'duplicate means success', under the reference of the one that was taken."""
    other_side.refuses_duplicates = True
    first = way_out.send("L", PDF)
    assert way_out.send("L", PDF) == first
    assert len(other_side.taken) == 1


@pytest.mark.parametrize("answer", ["rate", "day"])
def test_429_stops_the_run_and_the_letter_was_not_taken(
    other_side: notify.Notify, way_out: sending.Sender, answer: str
) -> None:
    other_side.answers = [answer]
    with pytest.raises(sending.TryLater, match=r"asks to wait \(429\): Exceeded"):
        way_out.send("L", PDF)


@pytest.mark.parametrize("answer", ["internal", "away", "lost answer", "late error"])
def test_5xx_or_no_answer_leaves_open_whether_it_was_taken(
    other_side: notify.Notify, way_out: sending.Sender, answer: str
) -> None:
    other_side.answers = [answer]
    with pytest.raises(sending.Unsure, match="did not answer plainly"):
        way_out.send("L", PDF)
    assert (way_out.find("L") is not None) == (answer in ("lost answer", "late error"))


def test_a_400_about_the_letter_is_the_letters(way_out: sending.Sender) -> None:
    with pytest.raises(
        sending.LetterRefused, match=r"refused the letter: Letter content is not a valid PDF\. Mend it and"
    ):
        way_out.send("L", b"not a pdf")


@pytest.mark.parametrize("answer", ["key", "clock", "trial", "team key"])
def test_403_and_a_400_about_the_key_are_about_us_and_no_letters_fault(
    other_side: notify.Notify, way_out: sending.Sender, answer: str
) -> None:
    other_side.answers = [answer]
    said = notify.ERRORS[answer][2]
    with pytest.raises(sending.ChannelRefused, match="No letter is lost: they wait") as refused:
        way_out.send("L", PDF)
    assert said in str(refused.value)


def test_a_wrong_key_is_refused_without_being_told(other_side: notify.Notify) -> None:
    wrong = notify.API_KEY[:-1] + "0"
    with pytest.raises(sending.ChannelRefused, match="CASE_CLOSURE_NOTIFY_API_KEY") as refused:
        sending.sender("notify", wrong, other_side.url).find("L")
    assert notify.SECRET[:30] not in str(refused.value)


def test_without_a_key_nothing_is_begun(other_side: notify.Notify) -> None:
    with pytest.raises(sending.ChannelRefused, match="there is no key: set CASE_CLOSURE_NOTIFY_API_KEY"):
        sending.sender("notify", None, other_side.url)


def test_letters_refused_afterwards_are_found_with_the_reason_over_several_pages(
    other_side: notify.Notify, way_out: sending.Sender
) -> None:
    """Notify answers 201 at once and looks into the PDF later."""
    for number in range(5):
        way_out.send(f"L{number}", PDF)
        other_side.taken[number]["status"] = "validation-failed"
    way_out.send("good", PDF)
    way_out.send("virus", PDF)
    other_side.taken[-1]["status"] = "virus-scan-failed"
    refused = dict(way_out.refused())
    assert sorted(refused) == ["L0", "L1", "L2", "L3", "L4", "virus"]
    assert "the PDF does not pass its checks" in refused["L0"]
    assert "virus" in refused["virus"]
    assert way_out.find("L0") is None


def test_the_print_house_takes_what_lies_in_the_folder() -> None:
    way_out = sending.sender("print", None, "")
    assert way_out.send("L", PDF) == way_out.find("L") == sending.Sent("outbound folder")
    assert list(way_out.refused()) == []
