"""Every promise of the regulation: its sentence, the rule that keeps it, the settings that it tells, and the tests that show it.

The table is data. Rules are named, not imported: a rule may live on any floor. tests/test_regulation.py checks both ways
that rules, settings, sentences and tests exist, and docs/policy.md is made from it.
"""

from locum.regulation.promise import Promise, row
from locum.regulation.promises_from_9 import FROM_9
from locum.regulation.promises_of_search import OF_SEARCH

PROMISES: tuple[Promise, ...] = (
    row(
        "1.reasons",
        "policy.clauses.purpose",
        "test_policy.py::test_a_reason_outside_the_list_is_refused_by_clause_1",
        "auto-reply.reasons",
    ),
    row(
        "1.forward-reasons",
        "policy.clauses.purpose",
        "test_policy_table.py::test_the_policy_answers",
        "forward.reasons",
    ),
    row("1.because", "desk.filing.because_of", "test_desk.py::test_bad_input_is_said_and_changes_nothing"),
    row("1.judging", "policy.load", "test_policy.py::test_a_mistake_in_the_file_is_named_with_its_line"),
    row("3.open", "policy.clauses.open_fields", "test_policy_table.py::test_the_policy_answers"),
    row(
        "3.policy",
        "desk.office.Office.policy_of",
        "test_policy_versions.py::test_a_case_keeps_the_policy_it_was_filed_under test_policy_versions.py::test_another_policy_is_recorded_with_the_one_before_it",
    ),
    row(
        "4.told-first",
        "policy.clauses.told_first",
        "test_policy_table.py::test_the_policy_answers",
        "known.auto-reply known.forward",
    ),
    row(
        "4.by-whom",
        "policy.clauses.by_whom",
        "test_policy_table.py::test_the_policy_answers",
        "requesters.auto-reply requesters.forward",
    ),
    row("4.letter", "desk.telling.letter_to_owner", "test_letters.py::test_the_ask_tells_all_she_needs_to_decide"),
    row(
        "4.key",
        "desk.handing.with_ask",
        "test_handing.py::test_the_first_ask_into_her_mailbox_brings_her_key test_handing.py::test_a_lost_key_is_replaced_by_the_same",
    ),
    row(
        "4.key-forward",
        "desk.handing.came_before_ask",
        "test_handing.py::test_the_key_is_recorded_before_the_ask test_handing.py::test_a_forward_asked_for_before_she_had_her_key_is_not_set "
        "test_departure.py::test_after_a_death_the_key_goes_to_nobody",
    ),
    row("5.password", "cli.refusing._refusal", "test_cli.py::test_what_is_not_done_leaves_no_case"),
    row(
        "5.no-other",
        "policy.clauses.known_measures",
        "test_policy_table.py::test_the_policy_answers test_policy_properties.py::test_no_single_person_can_have_mail_forwarded",
    ),
    row(
        "5.longest",
        "policy.clauses.no_longer_than_needed",
        "test_policy.py::test_longer_than_allowed_is_refused_by_clause_5 "
        "test_policy.py::test_exactly_the_longest_is_allowed",
        "auto-reply.max_days",
    ),
    row("5.one", "desk.filing.overlapping", "test_desk.py::test_two_auto_replies_at_one_time_are_refused"),
    row(
        "5.together",
        "desk.acting.apply",
        "connectors/test_forwarding_hosts.py::test_a_reply_and_a_forward_are_done_together_and_end_together",
    ),
    row(
        "5.ends",
        "desk.acting.end",
        "test_desk.py::test_silence_leads_to_a_live_reply_and_its_end_to_an_account "
        "conformance.py::test_put_back_is_byte_for_byte_what_was_found",
    ),
    row("5.put-back", "desk.acting.end", "conformance.py::test_put_back_is_byte_for_byte_what_was_found"),
    row(
        "5.own-change",
        "desk.acting.watch",
        "test_desk.py::test_a_script_taken_away_is_noticed_by_the_watch "
        "conformance.py::test_her_change_while_ours_is_live_survives_our_end",
    ),
    row(
        "5.powers",
        "policy.clauses.least_power",
        "test_policy.py::test_a_credential_that_could_read_mail_has_to_be_allowed_by_name",
        "auto-reply.powers",
    ),
    row(
        "5.forward-powers",
        "policy.clauses.least_power",
        "test_policy_table.py::test_the_policy_answers",
        "forward.powers",
    ),
    row(
        "6.channels",
        "policy.clauses.the_ask",
        "test_policy.py::test_nothing_goes_ahead_before_she_was_asked_on_every_channel "
        "test_desk.py::test_she_is_asked_on_every_channel_she_permitted",
        "auto-reply.ask.channels",
    ),
    row("6.private", "absence.Person.channels", "test_desk.py::test_she_is_asked_on_every_channel_she_permitted"),
    row(
        "6.own-word",
        "desk.wished.reached",
        "test_wishes.py::test_a_withdrawal_holds_for_the_next_question "
        "test_wishes.py::test_what_she_permitted_is_not_changed_by_the_list_of_people",
    ),
    row("6.no-channel", "policy.clauses.the_ask", "test_policy.py::test_without_a_channel_nothing_may_be_done"),
    row("6.through", "desk.asking.ask", "test_desk.py::test_nothing_goes_live_while_the_relay_is_down"),
    row(
        "6.wait",
        "hours.WorkingHours.after",
        "test_policy.py::test_nothing_goes_ahead_before_the_wait_is_over test_hours.py::test_hours_are_those_of_her_zone",
        "auto-reply.ask.wait_hours auto-reply.ask.template_wait_hours",
    ),
    row(
        "6.unanswered",
        "policy.clauses.the_ask",
        "test_policy.py::test_silence_stops_it_where_the_policy_says_so "
        "test_policy.py::test_silence_needs_a_reviewer_where_the_policy_says_so",
        "auto-reply.ask.if_unanswered",
    ),
    row(
        "6.forward-channels",
        "policy.clauses.the_ask",
        "test_policy_table.py::test_the_policy_answers",
        "forward.ask.channels",
    ),
    row(
        "6.forward-wait",
        "policy.deciding.ask_of",
        "test_policy_properties.py::test_she_is_asked_once_for_all_measures_as_the_strictest_of_them_asks",
        "forward.ask.wait_hours",
    ),
    row(
        "6.forward-unanswered",
        "policy.clauses.the_ask",
        "test_policy_table.py::test_the_policy_answers",
        "forward.ask.if_unanswered",
    ),
    row("6.shorter", "policy.clauses.the_ask", "test_policy_table.py::test_the_policy_answers", "ask.shorter"),
    row("6.agreed", "policy.clauses.the_ask", "test_policy.py::test_her_agreement_needs_no_wait"),
    row("6.own-text", "desk.filing.reworded", "test_desk.py::test_her_own_text_is_what_is_set"),
    row("6.herself", "desk.asking.answered", "test_desk.py::test_she_has_done_it_herself"),
    row(
        "6.objection",
        "policy.clauses.the_ask",
        "test_policy.py::test_an_objection_is_refused_by_clause_6 "
        "test_desk.py::test_an_objection_stops_it_before_anything_is_set",
    ),
    row(
        "6.objection-live",
        "desk.asking.stopped",
        "test_desk.py::test_she_can_stop_a_live_reply_with_the_link_she_was_asked_by",
    ),
    row(
        "6.overrule",
        "policy.clauses.objection",
        "test_policy_table.py::test_the_policy_answers test_policy_properties.py::test_an_objection_is_never_passed_over",
        "objection.overrule objection.approvers objection.functions",
    ),
    row(
        "6.reads-along",
        "policy.clauses.the_ask",
        "test_policy.py::test_whoever_reads_along_is_not_overruled_by_silence",
    ),
    row("6.leave-kind", "absence.Absence", "test_gaps.py::test_the_kind_of_leave_is_nowhere"),
    row(
        "6.because-read",
        "desk.worded.check_why",
        "test_desk_worded.py::test_why_she_is_away_is_not_taken_as_a_reason "
        "test_desk_worded.py::test_an_illness_is_not_recorded_as_a_reason_that_is_none_of_the_list",
    ),
    row(
        "7.count",
        "policy.clauses.four_eyes",
        "test_policy.py::test_one_person_approving_twice_is_one_person",
        "auto-reply.review.count",
    ),
    row(
        "7.functions",
        "desk.asking.review",
        "test_policy.py::test_a_review_by_the_wrong_person_does_not_count",
        "auto-reply.review.functions",
    ),
    row(
        "7.forward",
        "policy.clauses.four_eyes",
        "test_policy_table.py::test_the_policy_answers test_policy_properties.py::test_no_single_person_can_have_mail_forwarded",
        "forward.review.count forward.review.functions",
    ),
    row(
        "7.signed",
        "policy.clauses.signed_reviews",
        "test_policy_table.py::test_the_policy_answers test_signing.py::test_a_forward_is_live_when_both_have_signed "
        "test_signing_forged.py::test_reviews_in_the_row_of_a_case_count_for_nothing",
        "forward.review.signed",
    ),
    row(
        "7.officer",
        "policy.clauses.officer",
        "test_policy_table.py::test_the_policy_answers",
        "four-eyes.officer four-eyes.officer_for",
    ),
    row(
        "7.persons",
        "policy.counting.counting",
        "test_policy.py::test_one_person_approving_twice_is_one_person "
        "test_desk.py::test_requester_and_owner_cannot_review "
        "test_desk_promises.py::test_a_reviewer_of_the_requesters_function_does_not_count",
    ),
    row(
        "7.asked",
        "desk.escalating.review_wanted",
        "test_asked_to_look.py::test_one_named_person_is_asked_first_and_one_more_after_each_escalation_time "
        "test_asked_to_look.py::test_whoever_was_asked_and_had_not_decided_is_told_that_it_is_over",
        "four-eyes.escalate_hours",
    ),
    row("7.denial", "policy.clauses.four_eyes", "test_policy.py::test_a_denial_is_refused_by_clause_7"),
    row(
        "7.text",
        "desk.judging.facts",
        "test_desk_promises.py::test_a_review_does_not_outlive_the_text_it_was_given_for",
    ),
    row(
        "7.again",
        "desk.acting.apply",
        "test_desk_promises.py::test_what_allowed_it_is_judged_again_right_before_the_act",
    ),
    row(
        "8.audience",
        "desk.filing._reply",
        "test_regulation.py::test_who_gets_a_reply_where_the_requester_says_nothing",
        "auto-reply.audience",
    ),
    row("8.template", "wording.from_template", "test_regulation.py::test_each_template_says_on_whose_behalf_it_is_set"),
    row(
        "8.own-text",
        "desk.filing._own_words",
        "test_wishes.py::test_her_own_text_takes_the_place_of_a_template "
        "test_wishes.py::test_it_is_not_used_where_something_else_has_to_be_said",
    ),
    row("8.no-date", "wording.from_template", "test_wording.py::test_outsiders_are_told_no_date"),
    row(
        "8.free-text",
        "policy.clauses.wording",
        "test_policy.py::test_free_text_for_outsiders_needs_her_or_a_reviewer "
        "test_policy.py::test_free_text_for_outsiders_may_go_where_the_policy_says_so",
        "auto-reply.free_text",
    ),
    row(
        "8.batch",
        "policy.clauses.batch",
        "test_policy.py::test_a_large_batch_needs_a_reviewer",
        "auto-reply.batch_review_above",
    ),
    row(
        "8.heard-by",
        "policy.counting.unless_agreed",
        "test_desk_promises.py::test_an_agreement_that_only_the_requester_heard_does_not_publish_free_text",
    ),
    row(
        "8.literal",
        "desk.filing.canonical_request",
        "test_desk.py::test_a_request_that_was_changed_after_filing_is_never_carried_out",
    ),
    row(
        "8.refused-words",
        "wording.linter.lint",
        "test_wording_linter.py::test_the_policy_says_what_a_remark_does",
        "auto-reply.wording.illness auto-reply.wording.departure auto-reply.wording.whereabouts auto-reply.wording.return-date auto-reply.wording.private-number auto-reply.wording.third-person-data auto-reply.wording.promise auto-reply.wording.link auto-reply.wording.bank-account auto-reply.wording.more-than-away",
    ),
    row(
        "8.reviewed-words",
        "policy.clauses.doubted_words",
        "test_policy_table.py::test_the_policy_answers "
        "test_desk_worded.py::test_a_doubted_sentence_waits_for_her_or_a_reviewer "
        "test_wording_linter.py::test_no_illness_or_whereabouts_goes_live_without_her_or_a_reviewer",
    ),
    row("8.warned-words", "wording.linter.lint", "test_wording_linter.py::test_the_policy_says_what_a_remark_does"),
    *FROM_9,
    *OF_SEARCH,
)
