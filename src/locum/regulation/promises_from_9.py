"""The promises of clauses 9 to 20, as in promises.py."""

from locum.regulation.promise import Promise, row

FROM_9: tuple[Promise, ...] = (
    row("9.kept", "sieve.forwarding.block", "test_forwarding_on_dovecot.py::test_a_message_is_copied_and_kept"),
    row(
        "9.longest",
        "policy.clauses.no_longer_than_needed",
        "test_policy_table.py::test_the_policy_answers",
        "forward.max_days",
    ),
    row(
        "9.default",
        "desk.measuring.window",
        "test_regulation.py::test_how_long_and_whose_mail_is_forwarded_where_the_requester_says_nothing",
        "forward.default_days forward.senders",
    ),
    row(
        "9.inside",
        "policy.clauses.receiver",
        "test_policy_table.py::test_the_policy_answers test_sieve_forwarding.py::test_what_cannot_be_said_is_refused",
        "forward.receivers",
    ),
    row("9.consent", "policy.clauses.consent", "test_policy_table.py::test_the_policy_answers", "forward.consent"),
    row(
        "9.to-requester",
        "policy.clauses.receiver",
        "test_policy_table.py::test_the_policy_answers",
        "forward.to_requester",
    ),
    row("9.circle", "policy.clauses.receiver", "test_policy_table.py::test_the_policy_answers"),
    row("9.away", "policy.clauses.receiver", "test_policy_table.py::test_the_policy_answers"),
    row(
        "9.left-out",
        "sieve.forwarding.block",
        "test_forwarding_on_dovecot.py::test_what_is_never_forwarded_is_kept_and_not_copied test_forwarding_on_dovecot.py::test_what_only_resembles_it_is_copied",
    ),
    row(
        "9.who-wrote",
        "sieve.forwarding.block",
        "test_forwarding_on_dovecot.py::test_who_wrote_it_can_be_seen_on_the_copy test_forwarding_on_dovecot.py::test_the_copy_is_the_message_byte_for_byte",
    ),
    row(
        "9.no-delay",
        "connectors.sieve_files.SieveFiles",
        "connectors/test_forwarding_hosts.py::test_her_mail_is_neither_delayed_nor_doubled_nor_answered_otherwise "
        "connectors/test_forwarding_hosts.py::test_her_mail_is_kept_although_postfix_is_stopped",
    ),
    row(
        "10.steps",
        "ladder.Ladder.why_not",
        "test_ladder.py::test_a_guard_keeps_its_step test_ladder.py::test_no_order_of_steps_gets_past_a_guard",
    ),
    row(
        "11.forward",
        "policy.around.Private",
        "test_forwarding_on_dovecot.py::test_a_subject_marked_as_private_is_not_copied test_forwarding_on_dovecot.py::test_what_is_never_forwarded_is_kept_and_not_copied",
        "private.subject_tags",
    ),
    row(
        "12.forward",
        "policy.around.Confidential",
        "test_forwarding_on_dovecot.py::test_what_is_never_forwarded_is_kept_and_not_copied",
        "confidential.works-council confidential.company-doctor confidential.confidential-adviser confidential.union confidential.lawyer confidential.privacy-officer confidential.complaints-committee",
    ),
    row(
        "13.sealed",
        "desk.hers.Hers",
        "test_wishes.py::test_what_she_wishes_is_not_readable_in_the_store "
        "test_wishes.py::test_wishes_are_of_one_person_alone",
        "protections.kinds",
    ),
    row("15.found", "desk.telling.account", "test_regulation.py::test_what_was_found_is_wiped_after_the_account"),
    row(
        "15.period",
        "desk.keeping.erase_due",
        "test_keeping.py::test_after_two_years_it_is_erased test_keeping.py::test_a_day_before_that_it_is_not "
        "test_keeping.py::test_a_copy_made_before_opens_with_nothing_that_is_left",
        "keeping.record_months",
    ),
    row("15.sealed", "sealing.seal", "test_record.py::test_no_text_of_a_case_lies_open_in_the_database"),
    row(
        "15.unchanged",
        "record.read_entries",
        "test_record.py::test_what_was_changed_behind_our_back_is_not_shown "
        "test_desk.py::test_every_step_has_its_entry",
    ),
    row(
        "15.witness",
        "desk.witnessing.witnessed",
        "test_witnessing.py::test_a_reply_goes_on_without_the_witness_and_is_signed_later "
        "test_witnessing.py::test_a_reply_waits_where_the_policy_says_so",
        "auto-reply.witness",
    ),
    row(
        "15.forward-witness",
        "desk.witnessing.witnessed",
        "test_witnessing.py::test_a_forward_is_set_once_the_witness_has_signed_what_is_intended "
        "test_witnessing.py::test_a_forward_waits_while_the_witness_is_away "
        "test_witnessing.py::test_nothing_that_waits_is_set_where_the_witness_has_seen_another_record",
        "forward.witness",
    ),
    row(
        "16.account",
        "desk.telling.account",
        "test_account.py::test_a_whole_case_tells_who_asked_why_and_when "
        "test_letters.py::test_the_account_goes_as_text_html_and_files",
    ),
    row(
        "16.finished-early",
        "desk.asking._finished",
        "test_desk.py::test_an_objection_rests_until_the_end_and_is_accounted_for "
        "test_desk.py::test_a_reviewers_no_ends_it",
    ),
    row(
        "16.refusals",
        "desk.refusing.judged",
        "test_desk.py::test_a_refused_request_is_recorded_and_accounted_for",
        "auto-reply.record_refusals",
    ),
    row(
        "16.forward-refusals",
        "desk.refusing.judged",
        "test_policy_table.py::test_the_policy_answers",
        "forward.record_refusals",
    ),
    row(
        "16.live",
        "desk.telling.tell_live",
        "test_desk.py::test_the_letter_that_says_it_is_on_has_a_link_that_stops_it",
    ),
    row(
        "16.noted",
        "desk.telling.noted",
        "test_desk.py::test_an_objection_stops_it_before_anything_is_set "
        "test_regulation.py::test_an_agreement_is_confirmed_in_her_mailbox",
    ),
    row("16.requester", "desk.telling.news", "test_letters.py::test_the_requester_is_told_no_words_of_hers"),
    row(
        "17.longest",
        "policy.clauses.departure",
        "test_policy_table.py::test_the_policy_answers",
        "departure.reasons departure.months departure.max_months",
    ),
    row("17.forward", "policy.clauses.departure", "test_policy_table.py::test_the_policy_answers", "departure.forward"),
    row(
        "17.death",
        "policy.clauses.departure",
        "test_policy_table.py::test_the_policy_answers test_policy_properties.py::test_nobody_is_asked_after_a_death",
        "departure.contact",
    ),
    row(
        "17.contact-person",
        "desk.departing.contact_of",
        "test_departure.py::test_what_cannot_be_named_is_said_and_nothing_is_filed",
        "departure.reasons",
    ),
    row(
        "17.keepers",
        "desk.keepers.tell_asked",
        "test_departure.py::test_she_is_asked_herself_once_and_whoever_keeps_the_contact_hears_of_it",
        "departure.contact",
    ),
    row(
        "17.account",
        "desk.departing.keepers",
        "test_departure.py::test_after_departure_the_account_goes_to_who_keeps_the_contact_and_to_her_private_address "
        "test_departure.py::test_after_death_the_account_goes_to_human_resources_and_the_officer_and_to_nobody_else "
        "test_departure.py::test_nothing_is_filed_where_the_account_would_reach_nobody",
        "departure.contact four-eyes.officer",
    ),
    row(
        "17.reminder",
        "desk.keepers.remind_of_closing",
        "test_departure.py::test_on_its_day_whoever_was_named_is_reminded_and_nothing_is_closed",
    ),
    row(
        "18.figures",
        "figures.hiding.published",
        "test_regulation.py::test_a_small_number_is_hidden test_figures_hidden.py::test_every_hidden_number_can_still_be_all_that_it_is_said_to_be",
        "figures.hide_below",
    ),
    row(
        "18.compared",
        "desk.reconciling.reconcile",
        "test_reconciling.py::test_a_reply_that_somebody_sets_by_hand_with_our_credential_is_found "
        "test_reconciling.py::test_an_incident_is_told_to_her_and_to_whom_the_policy_names",
        "notify.incident",
    ),
    row("19.reminder", "desk.forgotten.gaps", "test_gaps.py::test_she_is_reminded_once_and_can_set_it_herself"),
    row(
        "19.gaps",
        "desk.seeing.sees_everyone",
        "test_cli.py::test_who_is_away_is_shown_to_those_named_and_to_everyone_of_herself "
        "web/test_house_pages.py::test_everybody_sees_herself_only",
        "beforehand.gaps_visible_to",
    ),
    row(
        "20.forward",
        "sieve.forwarding.block",
        "test_forwarding_on_dovecot.py::test_what_is_never_forwarded_is_kept_and_not_copied",
    ),
)
