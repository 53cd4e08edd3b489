"""Close looks: which row they are of, what is kept of them, and what two of them tell together."""

from gwtop.model import Model
from gwtop.model.anatomy import KEPT_LOOKS, Anatomies
from gwtop.nouns.times import instant
from tests.screens._facts import T0, S, born, exited, pool, seen
from tests.screens._people import LOOKED_AT, looked, looked_at_pool, not_there


def model_of(facts: list[object]) -> Model:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model


def test_a_look_is_kept_by_the_key_of_its_row() -> None:
    snapshot = model_of([*pool(), looked()]).snapshot()
    (key,) = snapshot.looked
    assert next(p for p in snapshot.processes if p.key == key).pid == 1209
    assert snapshot.looked[key].at == LOOKED_AT and snapshot.looked[key].cpu_percent == {}


def test_two_looks_tell_what_each_thread_spent_between_them() -> None:
    (kept,) = model_of(looked_at_pool()).snapshot().looked.values()
    assert kept.cpu_percent == {1209: 12.5, 2209: 0.0}


def test_a_pid_that_was_reused_is_not_looked_at_in_its_place() -> None:
    other = looked(born_at=instant(T0 + 9 * S))
    assert model_of([*pool(), other]).snapshot().looked == {}
    (kept,) = model_of([*pool(), looked(), looked(start_ticks=1)]).snapshot().looked.values()
    assert kept.fact.start_ticks != 1


def test_a_birth_that_nobody_told_is_believed_the_first_time() -> None:
    assert len(model_of([*pool(), looked(born_at=None)]).snapshot().looked) == 1


def test_one_that_is_gone_keeps_its_last_look() -> None:
    (kept,) = model_of([*looked_at_pool(), not_there()]).snapshot().looked.values()
    assert kept.is_gone and kept.fact.argv == ["uwsgi", "--socket", ":3031", "-p", "4"]
    facts = [*looked_at_pool(), exited(1209, LOOKED_AT + 2 * S)]
    assert len(model_of(facts).snapshot().looked) == 1


def test_a_process_that_nobody_told_of_is_not_kept() -> None:
    assert model_of([looked()]).snapshot().looked == {}
    assert model_of([*pool(), not_there()]).snapshot().looked == {}


def test_only_the_newest_looks_are_kept() -> None:
    pids = range(500, 500 + KEPT_LOOKS + 3)
    facts: list[object] = [seen(pid, 1, "worker", "w") for pid in pids]
    facts += [looked(pid) for pid in pids]
    kept = model_of(facts).snapshot().looked
    assert [one.fact.pid for one in kept.values()] == list(pids)[3:]


def test_looks_that_were_taken_stay_as_they_were() -> None:
    anatomies, model = Anatomies(), model_of([born(500, T0)])
    row = model.processes.of(500)
    anatomies.told(looked(500, born_at=None), row)
    before = anatomies.looks()
    anatomies.told(looked(500, born_at=None, at=LOOKED_AT + S), row)
    assert [one.at for one in before.values()] == [LOOKED_AT]
