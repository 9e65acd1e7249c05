from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import strategies as st

from property_tests import given
from runs import a_run
from tasks_platform.errors import TaskDefinitionError
from tasks_platform.policies import Progress, step, track
from tasks_platform.policies.progress import Reporter
from tasks_platform.policy import enter_run, leave_run


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A run whose reports are written down, on a clock that the test moves."""

    def __init__(self, *, every: float = 0.0) -> None:
        self.clock = Clock()
        self.reports: list[dict] = []
        self.run = a_run(announce=lambda state, report: self.reports.append({"state": state, **report}))
        self.run.notes["progress"] = Reporter(self.run, every=every, kept=60.0, clock=self.clock)

    @property
    def percents(self) -> list[float]:
        return [report["percent"] for report in self.reports]


@pytest.fixture
def watched():
    watched = Watched()
    token = enter_run(watched.run)
    yield watched
    leave_run(token)


@pytest.fixture
def throttled():
    watched = Watched(every=0.5)
    token = enter_run(watched.run)
    yield watched
    leave_run(token)


@pytest.mark.checklist(68)
def test_a_run_says_how_far_it_is_and_what_it_does(watched):
    watched.run.progress(40, "rendering")

    stored = watched.run.store.progress("job-1")
    assert {name: stored[name] for name in ("percent", "message")} == {"percent": 40.0, "message": "rendering"}
    assert watched.reports == [{"state": "PROGRESS", **stored}]


def test_a_message_stays_until_there_is_another(watched):
    for percent, message in ((10, "fetching"), (20, ""), (30, "storing")):
        watched.run.progress(percent, message)

    assert [report["message"] for report in watched.reports] == ["fetching", "fetching", "storing"]


@pytest.mark.checklist(68)
@pytest.mark.parametrize(("said", "shown"), [(-5, 0), (0, 0), (33.333, 33.3), (100, 100), (250, 100)])
def test_progress_lies_between_0_and_100(watched, said, shown):
    watched.run.progress(said)

    assert watched.percents == [shown]


def test_without_the_policy_nobody_hears_it():
    run = a_run()
    run.progress(40, "rendering")

    assert run.store.progress("job-1") is None


def test_the_policy_gives_a_run_its_reporter():
    run = a_run()
    Progress().execute(run, lambda: run.progress(40))

    assert run.store.progress("job-1")["percent"] == 40


class TestThrottle:
    def test_reports_that_follow_at_once_are_not_written(self, throttled):
        for percent in range(10):
            throttled.run.progress(percent)

        assert throttled.percents == [0]

    def test_the_first_the_last_and_those_that_had_to_wait_are(self, throttled):
        for moment, percent in ((0, 1), (0.49, 2), (0.51, 3), (0.6, 4), (1.02, 5), (1.03, 100)):
            throttled.clock.now = 1000 + moment
            throttled.run.progress(percent)

        assert throttled.percents == [1, 3, 5, 100]

    def test_a_report_that_is_not_written_leaves_its_message(self, throttled):
        throttled.run.progress(1, "fetching")
        throttled.run.progress(2, "storing")
        throttled.clock.now += 1
        throttled.run.progress(3)

        assert [report["message"] for report in throttled.reports] == ["fetching", "storing"]

    def test_a_hundred_thousand_rows_are_a_handful_of_reports(self, throttled):
        for _ in track(range(100_000)):
            throttled.clock.now += 0.00002

        assert throttled.percents == [0.0, 25.0, 50.0, 75.0, 100.0]


class TestTimeLeft:
    @pytest.mark.parametrize(
        ("elapsed", "percent", "left"), [(10, 50, 10), (30, 75, 10), (5, 100, 0), (10, 10, 90), (0, 50, 0)]
    )
    def test_it_is_what_the_rest_takes_at_the_pace_so_far(self, watched, elapsed, percent, left):
        watched.clock.now += elapsed
        watched.run.progress(percent)

        assert watched.reports[-1]["eta"] == left

    def test_nobody_knows_it_at_the_start(self, watched):
        watched.run.progress(0)

        assert watched.reports[-1]["eta"] is None

    def test_it_is_of_the_whole_not_of_the_step(self, watched):
        watched.clock.now += 10
        with step("fetch", 50):
            watched.run.progress(50)

        assert watched.reports[1]["eta"] == 30


class TestSteps:
    @pytest.mark.checklist(69)
    def test_weighted_steps_add_up(self, watched):
        for name, weight in (("fetch", 20), ("read", 40), ("check", 20), ("write", 10), ("mail", 10)):
            with step(name, weight):
                pass

        assert watched.percents == [0, 20, 20, 60, 60, 80, 80, 90, 90, 100]
        assert [report["message"] for report in watched.reports[::2]] == ["fetch", "read", "check", "write", "mail"]

    def test_inside_a_step_percentages_are_of_the_step(self, watched):
        with step("fetch", 20):
            watched.run.progress(50)
        with step("read", 80):
            watched.run.progress(25)

        assert watched.percents == [0, 10, 20, 20, 40, 100]

    @pytest.mark.checklist(69)
    def test_steps_nest(self, watched):
        with step("first half", 50):
            with step("a", 50):
                watched.run.progress(50)
            with step("b", 50):
                watched.run.progress(50)
        with step("second half", 50), step("c", 50):
            watched.run.progress(50)

        assert watched.percents == [0, 0, 12.5, 25, 25, 37.5, 50, 50, 50, 50, 62.5, 75, 100]

    def test_after_a_step_percentages_are_of_the_whole_again(self, watched):
        with step("fetch", 20):
            pass
        watched.run.progress(50)

        assert watched.percents == [0, 20, 50]

    def test_a_step_whose_failure_is_dealt_with_is_left_behind(self, watched):
        for name in ("first", "second"):
            with suppress(ZeroDivisionError), step(name, 50):
                watched.run.progress(10)
                watched.run.progress(1 / 0)
        watched.run.progress(100)

        assert watched.percents == [0, 5, 50, 55, 100]

    def test_a_failure_passes_through_a_step(self, watched):
        with pytest.raises(ConnectionError), step("fetch", 50):
            raise ConnectionError

    def test_steps_of_more_than_the_whole_end_at_100(self, watched):
        for name in ("a", "b", "c"):
            with step(name, 50):
                pass

        assert watched.percents == [0, 50, 50, 100, 100, 100]
        assert watched.reports[-1]["eta"] == 0

    def test_outside_a_run_a_step_does_nothing(self):
        with step("fetch", 20):
            done = True

        assert done

    @given(tree=st.recursive(st.just([]), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
    def test_steps_that_share_their_whole_evenly_only_go_forward_and_end_at_100(self, tree):
        watched = Watched()

        def walk(parts: list) -> None:
            for part in parts:
                with step("part", 100 / len(parts)):
                    walk(part)

        token = enter_run(watched.run)
        with step("all", 100):
            walk(tree)
        leave_run(token)

        assert watched.percents == sorted(watched.percents)
        assert (watched.percents[0], watched.percents[-1]) == (0, 100)


class TestTrack:
    @pytest.mark.checklist(68)
    def test_each_row_that_was_dealt_with_counts(self, watched):
        seen = [(row, list(watched.percents)) for row in track(["a", "b", "c", "d"], message="rows")]

        assert seen == [("a", []), ("b", [25]), ("c", [25, 50]), ("d", [25, 50, 75])]
        assert watched.percents == [25, 50, 75, 100]
        assert watched.reports[-1]["message"] == "rows 4/4"

    def test_the_number_of_rows_may_be_told(self, watched):
        assert list(track((row for row in "ab"), total=2)) == ["a", "b"]
        assert watched.percents == [50, 100]

    def test_rows_of_unknown_number_are_not_reported(self, watched):
        assert list(track(row for row in "ab")) == ["a", "b"]
        assert watched.percents == []

    def test_a_wrong_number_ends_at_100(self, watched):
        assert list(track("abc", total=2)) == ["a", "b", "c"]
        assert watched.percents == [50, 100, 100]

    def test_no_rows_are_no_progress(self, watched):
        assert list(track([])) == []
        assert watched.percents == []

    def test_it_is_the_progress_of_the_step_it_is_in(self, watched):
        with step("import", 40):
            list(track("ab"))

        assert watched.percents == [0, 20, 40, 40]

    def test_outside_a_run_it_only_yields(self):
        assert list(track("ab")) == ["a", "b"]


@pytest.mark.parametrize(("options", "hint"), [({"every": -1}, "every"), ({"kept": 0}, "kept")])
def test_a_time_that_is_none_is_refused_when_it_is_written(options, hint):
    with pytest.raises(TaskDefinitionError, match=hint):
        Progress(**options)
