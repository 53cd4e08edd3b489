"""Whole facts, packed: the same when they come back, bounded in number and in bytes."""

import random

from gwtop.model import Model
from gwtop.model.archive import BLOCK_FACTS, Archive
from gwtop.model.requests import KEPT_DETAILS
from gwtop.nouns.facts import Request
from tests.screens._facts import T0, hello, request


def filled(archive: Archive, n: int, first: int = 0, **other: object) -> list[Request]:
    facts = [request(i, T0 + i, target=f"/r/{i}", **other) for i in range(first, first + n)]
    for fact in facts:
        archive.add(fact.id, fact)
    return facts


def test_each_comes_back_as_it_was_packed_or_not_yet() -> None:
    archive = Archive(limit=10_000)
    facts = filled(archive, 3 * BLOCK_FACTS + 5, first=7, fields=[("A", "\x80\xff\x1b")])
    assert [archive.get(fact.id) for fact in facts] == facts
    assert archive.get(6) is None and archive.get(facts[-1].id + 1) is None


def test_nothing_is_kept_of_nothing() -> None:
    assert Archive(limit=100).get(0) is None


def test_the_oldest_go_when_there_are_too_many() -> None:
    archive = Archive(limit=4 * BLOCK_FACTS)
    facts = filled(archive, 10 * BLOCK_FACTS)
    kept = [fact for fact in facts if archive.get(fact.id) is not None]
    assert kept == facts[6 * BLOCK_FACTS :]
    assert archive.get(kept[0].id) == kept[0]


def test_the_oldest_go_when_they_are_too_large_to_be_kept() -> None:
    archive, noise = Archive(limit=100_000, max_bytes=200_000), random.Random(3)
    for i in range(10 * BLOCK_FACTS):
        body = noise.randbytes(1000).decode("latin-1")
        archive.add(i, request(i, T0, request_body=body))
    assert archive._n_bytes <= 200_000 and archive.get(0) is None
    assert archive.get(10 * BLOCK_FACTS - 1) is not None


def test_a_request_far_back_is_still_told_in_full() -> None:
    model = Model()
    facts = [request(i, T0 + i, stderr=f"line {i}") for i in range(KEPT_DETAILS + 500)]
    model.apply(hello())
    for fact in facts:
        model.apply(fact)
    assert [model.requests.detail(n) for n in (0, 63, 64, 499, 500)] == [
        facts[n] for n in (0, 63, 64, 499, 500)
    ]


def test_the_pids_of_several_hosts_stay_apart_in_it() -> None:
    model = Model()
    for i in range(KEPT_DETAILS + 2 * BLOCK_FACTS):
        model.apply(request(i, T0 + i, pid=1207, births=[1207], host=f"web{i % 2}"))
    first, second = model.requests.detail(0), model.requests.detail(1)
    assert first is not None and second is not None
    assert first.pid != second.pid and str(first.pid) == str(second.pid) == "1207"
    assert first.births == [first.pid] and (first.host, second.host) == ("web0", "web1")
