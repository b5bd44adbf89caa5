from dataclasses import asdict

from experiments.chaos.record import Record


def test_counts_of_a_suite_become_a_record_and_other_names_are_kept() -> None:
    record = Record.of({"tried": 7, "ok": 4, "refused": 1, "silent": 2, "seconds": 1.5, "peak_mib": 80})
    assert (record.tried, record.ok, record.silent, record.seconds) == (7, 4, 2, 1.5)
    assert record.more == {"peak_mib": 80}
    assert Record.of(record) is record
    assert Record.of(asdict(record)) == record


def test_what_must_not_happen_is_a_failure() -> None:
    record = Record()
    for outcome in ("ok", "refused", "lost", "wrong", "silent", "traceback", "crash", "hang"):
        record.add(outcome)
    assert (record.tried, record.failures) == (8, 6)


def test_other_counts_are_added_up() -> None:
    record = Record()
    record.note("killed")
    record.note("killed", 2)
    assert record.more == {"killed": 3}
