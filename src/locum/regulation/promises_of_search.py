"""The promises of every clause about searching, as in promises.py."""

from locum.regulation.promise import Promise, row

OF_SEARCH: tuple[Promise, ...] = (
    row(
        "1.search-reasons", "policy.clauses.purpose", "test_policy_table.py::test_the_policy_answers", "search.reasons"
    ),
    row("3.search-open", "policy.searching.search_open_fields", "test_policy_table.py::test_the_policy_answers"),
    row(
        "4.search",
        "policy.clauses.told_first",
        "test_policy_table.py::test_the_policy_answers",
        "known.search requesters.search",
    ),
    row(
        "5.search-tried",
        "policy.searching.lighter_ways",
        "test_policy_table.py::test_the_policy_answers",
        "search.alternatives",
    ),
    row(
        "5.search-powers",
        "policy.clauses.least_power",
        "test_policy_table.py::test_the_policy_answers connectors/test_imap_grants.py::test_it_opens_its_mailbox_while_somebody_looks connectors/test_imap_grants.py::test_even_then_nothing_can_be_marked_or_deleted",
        "search.powers",
    ),
    row(
        "6.search-asked",
        "policy.deciding.ask_of",
        "test_policy_table.py::test_the_policy_answers",
        "search.ask.channels search.ask.wait_hours",
    ),
    row(
        "6.search-unanswered",
        "policy.clauses.the_ask",
        "test_policy_table.py::test_the_policy_answers",
        "search.ask.if_unanswered",
    ),
    row(
        "7.search",
        "gate.recorded.is_signed",
        "test_searching.py::test_a_search_waits_for_both_signatures test_searching.py::test_somebody_of_the_same_function_signs_in_vain test_searching.py::test_reviews_in_the_row_of_a_case_open_nothing",
        "search.review.count search.review.functions search.review.signed",
    ),
    row(
        "10.question",
        "policy.searching.question_asked",
        "test_policy_table.py::test_the_policy_answers test_searching.py::test_the_question_goes_back_thirty_days_where_no_list_has_her_absence",
        "search.at_least search.days_before",
    ),
    row(
        "10.words-in",
        "policy.searching.question_asked",
        "test_policy_table.py::test_the_policy_answers",
        "search.words_in",
    ),
    row("10.frozen", "narrowing.is_within", "test_searching.py::test_a_wider_question_is_counted_by_nobody"),
    row(
        "10.counts",
        "ladder.Ladder.why_not",
        "test_searching.py::test_nobody_counts_a_sixth_time test_searching.py::test_the_budget_of_a_mailbox_holds_over_all_its_cases test_searching.py::test_a_count_is_told_in_steps_and_what_was_left_out_is_in_the_record_alone",
        "search.counts_max search.counts_per_month search.buckets",
    ),
    row(
        "10.list",
        "ladder.Ladder.why_not",
        "test_searching.py::test_more_than_may_be_seen_is_made_narrower test_searching.py::test_nobody_else_sees_the_list",
        "search.too_broad_above",
    ),
    row(
        "10.agreement",
        "policy.searching.her_agreement",
        "test_policy_table.py::test_the_policy_answers",
        "search.agreement",
    ),
    row(
        "10.present",
        "desk.searching.attending.may",
        "test_attending.py::test_nothing_is_opened_without_her_who_wants_to_be_there",
        "search.present",
    ),
    row("10.delivery", "policy.searching.delivery", "test_viewing.py::test_it_is_delivered_as_it_is_and_the_case_ends"),
    row(
        "11.search",
        "desk.searching.exclusions",
        "test_leaks.py::test_nothing_leaks_and_what_is_wanted_is_found",
        "private.folders private.sensitivity private.labels",
    ),
    row(
        "12.search",
        "desk.searching.exclusions",
        "test_searching.py::test_a_count_is_told_in_steps_and_what_was_left_out_is_in_the_record_alone",
    ),
    row(
        "14.closed",
        "desk.searching.viewing.Viewings",
        "test_checkable_search.py::test_what_is_private_after_all_is_closed_wiped_and_recorded",
    ),
    row(
        "15.search-list",
        "desk.searching.opening.closes_at",
        "test_searching.py::test_the_list_is_wiped_a_day_after_it_was_last_used_and_the_case_is_closed test_searching.py::test_the_list_is_readable_nowhere_in_the_store",
        "keeping.list_hours keeping.list_days",
    ),
    row(
        "15.search-witness",
        "desk.searching.opening.has_witness",
        "test_searching.py::test_without_a_witness_there_is_no_search_where_the_policy_wants_one",
        "search.witness",
    ),
    row(
        "16.search-refusals",
        "desk.refusing.judged",
        "test_policy_table.py::test_the_policy_answers",
        "search.record_refusals",
    ),
    row("20.search", "desk.searching.exclusions", "test_leaks.py::test_nothing_leaks_and_what_is_wanted_is_found"),
)
