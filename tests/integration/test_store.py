"""What every store promises of runs, letters, steps and flows."""

from __future__ import annotations

import pytest

from store_records import (
    AGAIN,
    BRIEF,
    DEAD,
    FLOW,
    LONG,
    SHORT,
    STEPS,
    attempt,
    bury,
    letter,
    message,
)
from tasks_platform.store import Where
from waiting import wait_for


class TestRuns:
    def test_of_two_copies_of_one_attempt_the_first_is_run(self, store):
        assert [store.begin("job", 2, copy) for copy in ("x", "y", "x")] == [True, False, True]
        assert store.begin("job", 3, "y")

    def test_a_claim_that_was_given_back_may_be_taken_by_another_copy(self, store):
        store.begin("job", 2, "x")
        store.withdraw("job", 2, "y")
        assert not store.begin("job", 2, "y")
        store.withdraw("job", 2, "x")
        assert store.begin("job", 2, "y")

    def test_the_first_verdict_stands(self, store):
        assert store.decide("job", 1, attempt(1), AGAIN, None) == AGAIN
        assert store.decide("job", 1, attempt(9), DEAD, letter()) == AGAIN
        assert (store.attempts("job"), store.count_letters()) == ([attempt(1)], 0)

    def test_a_message_that_no_task_can_be_given_is_a_letter_whatever_stood_for_its_attempt(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)

        assert store.bury("job", 1, attempt(1) | {"worker": "w"}, letter(7.0))
        found = store.letter("job")
        assert (found["died_at"], found["attempts"]) == (7.0, [attempt(1)])
        assert store.decide("job", 1, attempt(1), AGAIN, None) == DEAD
        assert [record["what"] for record in store.audit()] == ["buried"]

    def test_a_job_that_is_a_letter_is_not_buried_again(self, store):
        bury(store, number=2)

        assert not store.bury("job", 1, attempt(1), letter(7.0))
        assert not store.bury("job", 2, attempt(2), letter(8.0))
        assert (store.letter("job")["died_at"], store.letter("job")["version"]) == (1.0, 1)

    def test_a_replay_that_no_task_could_be_given_is_a_letter_again_and_a_late_copy_changes_nothing(self, store):
        bury(store, number=2)
        store.mark_replaying("job", 5.0, version=1)

        assert not store.bury("job", 2, attempt(2), letter(7.0))
        assert store.letter("job")["state"] == "replaying"
        assert store.bury("job", 3, attempt(3), letter(8.0))
        assert (store.letter("job")["state"], store.letter("job")["version"]) == ("dead", 2)

    def test_attempts_are_told_in_order_whenever_they_were_recorded(self, store):
        for number in (10, 2, 1):
            store.decide("job", number, attempt(number), AGAIN, None)

        assert store.attempts("job") == [attempt(1), attempt(2), attempt(10)]

    def test_a_job_that_never_failed_has_none(self, store):
        assert store.attempts("job") == []

    def test_what_was_forgotten_is_gone(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)
        bury(store, number=2)
        store.forget("job")

        assert (store.attempts("job"), store.letter("job"), store.count_letters()) == ([], None, 0)
        assert store.decide("job", 1, attempt(1), DEAD, None) == DEAD

    def test_a_late_copy_of_a_job_that_succeeded_is_not_run_again(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)
        store.begin("job", 2, "x")
        store.forget("job")

        assert not store.begin("job", 2, "y")


class TestLetters:
    @pytest.mark.checklist(33, 36)
    def test_a_letter_is_told_with_its_attempts(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)
        bury(store, number=2)

        never_replayed = {"replayed_at": None, "begun": 0, "put_back": 0}
        assert store.letter("job") == {
            **letter(),
            **never_replayed,
            "version": 1,
            "attempts": [attempt(1), attempt(2)],
        }

    def test_there_is_no_letter_of_a_job_that_is_tried_again(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)

        assert (store.letter("job"), store.letters(), store.count_letters()) == (None, [], 0)

    @pytest.mark.checklist(36)
    def test_letters_are_told_the_newest_first_page_by_page(self, store):
        for job_id, died_at in (("b", 2.0), ("a", 1.0), ("d", 3.5), ("c", 3.5)):
            bury(store, job_id, died_at=died_at)

        assert [one["id"] for one in store.letters()] == ["d", "c", "b", "a"]
        assert [one["id"] for one in store.letters(1, 2)] == ["c", "b"]
        assert (store.letters(4), store.letters(0, 0), store.count_letters()) == ([], [], 4)

    def test_a_job_that_dies_again_is_one_letter_of_the_next_version(self, store):
        bury(store, number=1, died_at=1.0)
        bury(store, number=2, died_at=2.0, state="parked")

        (found,) = store.letters()
        assert (found["version"], found["died_at"], found["state"]) == (2, 2.0, "parked")
        assert found["attempts"] == [attempt(1), attempt(2)]

    def test_an_edit_changes_the_message_of_the_version_that_was_read(self, store):
        bury(store)
        assert store.edit_letter("job", message("corrected"), 1)
        assert store.letter("job") == {
            **letter(message=message("corrected")),
            "version": 2,
            "replayed_at": None,
            "begun": 0,
            "put_back": 0,
            "attempts": [attempt(1)],
        }

    def test_an_edit_of_what_somebody_else_changed_is_refused(self, store):
        bury(store)
        store.edit_letter("job", message("theirs"), 1)

        assert not store.edit_letter("job", message("mine"), 1)
        assert store.letter("job")["message"] == message("theirs")

    def test_what_is_no_letter_cannot_be_edited_or_replayed(self, store):
        assert not store.edit_letter("job", message(), 1)
        assert not store.mark_replaying("job", 5.0, version=1)
        assert not store.put_back("job", 5.0, 2)
        assert (store.letter("job"), store.count_letters()) == (None, 0)

    def test_a_letter_that_is_replayed_says_so_until_it_dies_again(self, store):
        bury(store)
        assert store.mark_replaying("job", 5.0, version=1)
        assert store.letter("job")["state"] == "replaying"
        assert store.letters()[0]["state"] == "replaying"

        bury(store, number=2)
        assert store.letter("job")["state"] == "dead"

    @pytest.mark.checklist(37)
    def test_a_letter_that_somebody_replays_or_that_died_again_is_marked_only_by_who_has_read_that(self, store):
        bury(store)
        assert store.mark_replaying("job", 5.0, version=1)
        assert not store.mark_replaying("job", 6.0, version=1)
        assert store.mark_replaying("job", 6.0, version=1, before=5.0)
        assert not store.mark_replaying("job", 7.0, version=1, before=5.0)
        assert store.letter("job")["replayed_at"] == 6.0
        store.begin("job", 2, "x")
        bury(store, number=2)
        assert not store.mark_replaying("job", 8.0, version=1, before=6.0)
        found = store.letter("job")
        assert (found["state"], found["version"], found["begun"], found["replayed_at"]) == ("dead", 2, 2, None)

    def test_a_letter_that_is_being_replayed_is_not_edited(self, store):
        bury(store)
        store.mark_replaying("job", 5.0, version=1)
        assert not store.edit_letter("job", message("corrected"), 1)
        assert (store.letter("job")["message"], store.letter("job")["version"]) == (message(), 1)

    @pytest.mark.checklist(37)
    def test_what_could_not_be_sent_is_put_back_and_no_copy_of_it_is_run(self, store):
        bury(store, state="parked")
        store.mark_replaying("job", 5.0, version=1)
        assert not store.put_back("job", 4.0, 2)
        assert store.put_back("job", 5.0, 2)
        assert not store.begin("job", 2, "a copy that was sent all the same")
        found = store.letter("job")
        assert (found["state"], found["begun"], found["put_back"]) == ("parked", 0, 2)
        assert [one["id"] for one in store.letters(where=Where(state="parked"))] == ["job"]
        assert not store.put_back("job", 9.0, 3)

    def test_what_a_worker_has_begun_is_not_put_back(self, store):
        bury(store)
        store.mark_replaying("job", 5.0, version=1)
        store.begin("job", 2, "x")
        assert not store.put_back("job", 5.0, 2)
        assert store.letter("job")["state"] == "replaying"

    @pytest.mark.checklist(37)
    def test_a_replay_is_told_why_its_letters_went(self, store):
        for job, why in (("a", "recovered"), ("b", "cancelled"), ("c", "discarded")):
            bury(store, job)
            if job != "c":
                assert store.claim_for_replay("r", job, {}, version=1, at=5.0)
            store.forget(job, why=why)
        assert store.replay_ends("r", ["a", "b", "c"]) == ["recovered", "cancelled", ""]
        assert store.replay_ends("r", []) == []


class TestSteps:
    def test_a_step_is_done_once(self, store):
        assert store.begin_step("job", "charge", "1:x", LONG) == ("do", None)
        store.finish_step("job", "charge", {"receipt": [7, None]}, LONG)

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", {"receipt": [7, None]})

    def test_a_result_may_be_nothing(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", None, LONG)

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", None)

    def test_two_runs_are_never_at_one_step(self, store):
        store.begin_step("job", "charge", "1:x", LONG)

        assert store.begin_step("job", "charge", "1:y", LONG) == ("busy", None)
        assert store.begin_step("job", "charge", "1:x", LONG) == ("do", None)
        assert store.begin_step("job", "refund", "1:y", LONG) == ("do", None)
        assert store.begin_step("other", "charge", "1:y", LONG) == ("do", None)

    def test_a_lease_that_ran_out_frees_the_step(self, store):
        store.begin_step("job", "charge", "1:x", SHORT)
        store.begin_step("job", "refund", "1:x", LONG)

        assert wait_for(lambda: store.begin_step("job", "charge", "2:y", LONG) == ("do", None))
        assert store.begin_step("job", "refund", "2:y", LONG) == ("busy", None)

    def test_a_result_is_kept_until_the_next_attempt_however_far_off_it_is(self, store):
        for job in ("job", "other"):
            store.begin_step(job, "charge", "1:x", BRIEF)
            store.finish_step(job, "charge", 7, BRIEF)
        store.decide("job", 1, attempt(1), AGAIN, None)

        assert wait_for(lambda: store.begin_step("other", "charge", "2:y", LONG)[0] == "do")
        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", 7)

    @pytest.mark.parametrize("run", ["1:x", "1:"])
    def test_steps_are_freed_by_the_run_that_was_at_them_or_by_its_attempt(self, store, run):
        store.begin_step("job", "charge", "1:x", LONG)
        store.begin_step("job", "refund", "2:y", LONG)
        store.begin_step("job", "notify", "11:x", LONG)
        store.abandon_steps("job", run)

        assert [store.begin_step("job", step, "3:z", LONG)[0] for step in ("charge", "refund", "notify")] == [
            "do",
            "busy",
            "busy",
        ]

    def test_freeing_steps_leaves_those_that_are_done(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", 7, LONG)
        store.abandon_steps("job", "1:")

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", 7)

    def test_a_result_is_forgotten_after_its_time(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", 7, SHORT)

        assert wait_for(lambda: store.begin_step("job", "charge", "2:y", LONG) == ("do", None))

    def test_a_result_is_kept_as_long_as_the_letter(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", 7, BRIEF)
        store.acquire("meanwhile", "a", BRIEF + SHORT)
        bury(store)
        store.begin_step("job", "notify", "2:y", SHORT)
        wait_for(lambda: store.holder("meanwhile") is None)

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", 7)


class TestFlows:
    def test_a_flow_is_told_as_it_was_created(self, store):
        assert store.create_flow("f", FLOW, STEPS)
        assert store.flow("f") == {**FLOW, "steps": STEPS, "states": {}}

    def test_of_two_flows_of_one_id_the_first_stands(self, store):
        store.create_flow("f", FLOW, STEPS)

        assert not store.create_flow("f", {**FLOW, "kind": "year", "created_at": 9.0}, {})
        assert store.flow("f")["kind"] == "month"
        assert store.flows() == ["f"]

    def test_steps_and_fields_change(self, store):
        store.create_flow("f", FLOW, STEPS)
        store.mark_step("f", "a", "active")
        store.mark_step("f", "a", "succeeded")
        store.mark_step("f", "b", "parked")
        store.update_flow("f", {"started": True, "note": {"é": [1]}})
        store.update_flow("f", {"note": None})
        store.update_flow("f", {})

        assert store.flow("f") == {
            **FLOW,
            "started": True,
            "note": None,
            "steps": STEPS,
            "states": {"a": "succeeded", "b": "parked"},
        }

    def test_what_is_no_flow_does_not_become_one(self, store):
        store.mark_step("f", "a", "active")
        store.update_flow("f", {"started": True})
        assert (store.flow("f"), store.flows()) == (None, [])

        store.create_flow("f", FLOW, STEPS)
        assert store.flow("f") == {**FLOW, "steps": STEPS, "states": {}}

    def test_flows_are_told_the_newest_first(self, store):
        for flow_id, created_at in (("b", 2.0), ("a", 1), ("d", 3.5), ("c", 3.5)):
            store.create_flow(flow_id, {**FLOW, "created_at": created_at}, {})

        assert store.flows() == ["d", "c", "b", "a"]


class TestWatch:
    def test_progress_is_what_was_said_last(self, store):
        assert store.progress("job") is None
        for percent in (10, 20):
            store.report("job", {"percent": percent, "message": "é", "eta": None}, LONG)

        assert store.progress("job") == {"percent": 20, "message": "é", "eta": None}

    def test_progress_is_forgotten_after_its_time(self, store):
        store.report("job", {"percent": 10}, SHORT)

        assert wait_for(lambda: store.progress("job") is None)

    def test_what_is_handed_out_is_a_copy(self, store):
        store.report("job", {"percent": 10}, LONG)
        store.progress("job")["percent"] = 99
        bury(store)
        store.letter("job")["message"]["task"] = "changed"

        assert store.progress("job") == {"percent": 10}
        assert store.letter("job")["message"]["task"] == "shop.ship"

    def test_the_first_time_is_remembered(self, store):
        assert [store.first_seen("task", now, LONG) for now in (5.125, 6.0, 1.0)] == [5.125] * 3
        assert store.first_seen("other", 6.0, LONG) == 6.0

    def test_the_first_time_is_forgotten_after_its_time(self, store):
        store.first_seen("task", 5.0, SHORT)

        assert wait_for(lambda: store.first_seen("task", 6.0, LONG) == 6.0)
