"""Stores with one bug each, planted into the store in memory: a contract that they pass would be worth nothing.

Those of the failure modes that every author should know are shipped, in `casewright.testing.saboteurs`; here are those
of all other sentences of the ports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.testing.saboteurs.memory import CountsBesideTheVersion, WritesOverEntries
from support import misenterers, mislisters, misnamers, misreaders, misrecorders, misrelayers, miswriters

SABOTEURS: Final[Mapping[str, Sequence[type[MemoryStore] | type[MemoryUnitOfWork]]]] = {
    "test_an_item_and_its_events_come_back_equal": [
        miswriters.ForgetsTheEvent,
        miswriters.MixesTrueWithOne,
        miswriters.LosesMicrosecondsOfClosing,
    ],
    "test_notes_come_in_the_order_in_which_they_were_added": [
        miswriters.ForgetsTheNote,
        misreaders.SortsNotes,
        misreaders.LosesMicrosecondsOfNotes,
    ],
    "test_the_text_of_a_payload_is_kept_untouched": [misreaders.WritesPayloadsAnew],
    "test_bounds_of_a_history_that_make_no_sense_are_refused": [misreaders.TakesAnyBounds],
    "test_ids_tenants_and_values_at_their_limits_come_back": [
        misnamers.CutsIds,
        misnamers.CutsTenants,
        misnamers.RefusesLargeItems,
    ],
    "test_notes_are_told_apart_by_code_point_and_from_items": [
        misnamers.FoldsNoteIds,
        misnamers.NormalizesNoteIds,
        misnamers.MixesNotesWithItems,
        misnamers.ReadsNotesOfNeighbours,
    ],
    "test_a_tenant_that_no_store_could_hold_is_refused": [misnamers.TakesAnyTenant],
    "test_of_a_row_only_what_was_changed_is_written": [miswriters.WritesWholeRows],
    "test_a_unit_sees_its_own_records_at_once": [misrecorders.ForgetsItselfUnderALock],
    "test_neither_history_nor_notes_are_older_than_the_item_seen": [misreaders.ReadsOldHistories],
    "test_a_unit_that_only_reads_takes_no_changes": [misrecorders.TakesWhatItRefuses],
    "test_a_unit_without_changes_may_commit": [misrecorders.CommitsNoReading],
    "test_an_exception_after_the_commit_undoes_nothing": [misrecorders.UndoesWhatIsCommitted],
    "test_each_published_event_has_a_pointer": [miswriters.ForgetsThePointer, miswriters.PublishesAll],
    "test_nothing_of_a_refused_unit_is_there": [miswriters.KeepsHalf],
    "test_nothing_of_a_large_unit_that_is_refused_is_there": [misrecorders.WritesInParts],
    "test_no_thread_ever_sees_an_event_without_its_pointer": [misrecorders.PublishesLast],
    "test_of_a_task_and_its_case_both_must_be_as_they_were": [miswriters.KeepsTheOther],
    "test_of_a_task_and_its_case_both_are_published_or_neither": [miswriters.PublishesFirst],
    "test_threads_lose_no_update": [miswriters.KeepsHalfInARace],
    "test_no_thread_ever_sees_half_of_a_unit": [miswriters.WritesRowByRow],
    "test_the_first_read_sees_all_that_was_committed_before_it": [
        misreaders.SeesWhatItBeganWith,
        misreaders.RemembersItems,
    ],
    "test_a_later_read_sees_no_less": [misreaders.GoesBack],
    "test_however_much_there_is_all_of_it_comes_back": [misreaders.EndsHistories, misreaders.EndsNotes],
    "test_however_many_there_are_all_of_them_are_found": [misreaders.EndsLists],
    "test_however_many_there_are_all_pointers_are_there": [misreaders.EndsTheOutbox],
    "test_others_see_nothing_before_the_commit_and_all_of_it_after": [miswriters.WritesAtOnce],
    "test_what_can_never_be_recorded_is_a_misuse": [
        miswriters.TakesAnything,
        misrecorders.KeepsWhatCameBeforeAMisuse,
        misrecorders.NeverForgives,
        misrecorders.StumblesOverNothing,
    ],
    "test_an_instant_comes_back_as_the_same_instant": [miswriters.LosesMicroseconds],
    "test_a_change_of_another_version_or_head_is_stale": [miswriters.NeverCompares, miswriters.IgnoresTheHead],
    "test_of_two_units_at_once_exactly_one_commits": [
        CountsBesideTheVersion,
        misrecorders.GoesOnAfterAConflict,
        misrecorders.NamesNoItem,
        misrecorders.CallsAllConflictsStale,
    ],
    "test_an_id_is_never_used_twice": [miswriters.ForgetsTheDeleted, miswriters.CallsNotesItems],
    "test_a_unit_that_has_ended_can_do_nothing_more": [miswriters.NeverRollsBack],
    "test_leaving_the_block_without_commit_rolls_back": [miswriters.CommitsInTheEnd],
    "test_every_exception_rolls_back_and_is_passed_on": [
        miswriters.HidesTheException,
    ],
    "test_after_any_exception_another_thread_goes_on": [miswriters.KeepsItsTurn],
    "test_nothing_of_another_tenant_is_ever_seen": [misreaders.ShowsOtherTenants],
    "test_nothing_of_another_tenant_is_found": [misreaders.ListsOtherTenants],
    "test_an_id_that_no_store_could_hold_is_the_id_of_no_item": [misreaders.RaisesForOddIds],
    "test_tenants_and_ids_are_told_apart_by_code_point": [misreaders.FoldsTheCase],
    "test_nothing_that_was_read_can_change_what_is_kept": [misreaders.SharesAList, misreaders.SharesADict],
    "test_a_deleted_item_is_still_read": [misreaders.HidesTheDeleted, miswriters.LosesMicrosecondsOfDeleting],
    "test_history_is_by_version_from_after_on_up_to_the_limit": [misreaders.LimitsFirst],
    "test_just_the_items_that_the_scope_matches_are_found": [misreaders.FiltersAfterPaging, misreaders.CountsThePage],
    "test_deleted_items_are_left_out": [misreaders.ListsTheDeleted],
    "test_items_come_in_order_page_by_page": [
        misreaders.IgnoresTies,
        mislisters.ForgetsTheScopeOnPageTwo,
        mislisters.ForgetsTheScopeByTime,
        mislisters.ForgetsTheScopeBackwards,
        mislisters.ForgetsTheTenantOnPageTwo,
        mislisters.LimitsBeforeTheScope,
        mislisters.NeverLimitsCases,
    ],
    "test_a_list_is_no_older_than_what_was_committed_or_read_before": [mislisters.ListsWhatItBeganWith],
    "test_all_that_was_committed_before_the_first_read_is_pending": [mislisters.PublishesWhatItBeganWith],
    "test_a_limit_of_items_below_1_is_refused": [mislisters.TakesAnyLimit],
    "test_a_limit_of_pointers_below_1_is_refused": [mislisters.TakesAnyPage],
    "test_an_entry_comes_back_equal": [misenterers.RoundsWhenItWas],
    "test_keys_and_actors_are_told_apart_by_code_point": [misenterers.FoldsKeys],
    "test_a_key_of_another_actor_or_tenant_is_never_seen": [misenterers.SharesKeys],
    "test_a_text_that_no_store_could_hold_is_the_key_of_no_entry": [misenterers.RaisesForOddKeys],
    "test_a_unit_sees_what_it_has_entered": [misenterers.HidesItsOwnEntries],
    "test_others_see_an_entry_only_once_it_is_committed": [misenterers.EntersAtOnce],
    "test_an_entry_is_written_alone": [misenterers.ForgetsLonelyEntries],
    "test_what_is_recorded_with_a_key_that_is_taken_is_not_written": [misenterers.EntersLast],
    "test_an_entry_of_a_conflict_is_not_written": [misenterers.EntersFirst],
    "test_nothing_is_left_of_an_entry_that_was_not_committed": [misenterers.EntersAtOnce],
    "test_a_key_is_entered_once_in_a_unit": [misenterers.TakesAKeyTwice],
    "test_several_keys_may_be_entered_in_a_unit": [WritesOverEntries],
    "test_what_can_never_be_entered_is_a_misuse": [misenterers.EntersAnything],
    "test_an_entry_is_never_written_over": [misenterers.NamesNoKey],
    "test_of_two_units_that_enter_one_key_one_commits": [WritesOverEntries],
    "test_whoever_waits_for_a_rival_that_rolls_back_commits": [misenterers.RefusesWhoeverWaits],
    "test_no_item_is_older_than_an_entry_that_was_seen": [misenterers.ReadsItemsThatAreOld],
    "test_old_entries_are_purged_and_no_others": [misenterers.PurgesTooMuch],
    "test_keys_are_purged_up_to_the_limit": [misenterers.PurgesAll],
    "test_an_entry_is_stored_once_and_nothing_of_one_that_was_refused": [WritesOverEntries],
    "test_pointers_come_by_item_id_and_version_up_to_the_limit": [misreaders.ComparesUtf16],
    "test_dead_letters_are_listed_in_order": [misrelayers.DropsPoison],
    "test_a_dead_letter_parks_its_item_until_somebody_looks": [misrelayers.TriesForEver],
    "test_each_published_event_is_due_with_its_item_as_it_left_it": [misrelayers.TellsTodaysItem],
    "test_a_refused_message_parks_its_own_item_only": [misrelayers.GoesOnAfterTheRefused],
    "test_what_has_run_out_is_taken_with_a_greater_token": [misrelayers.KeepsTheToken],
    "test_who_holds_too_much_makes_room_when_asking_again": [misrelayers.NeverMakesRoom],
    "test_only_what_was_published_before_is_purged": [misrelayers.PurgesWhatIsOld, misrelayers.ForgetsTheLimit],
    "test_a_dead_letter_that_is_replayed_comes_first_again": [misrelayers.ReplaysWithItsAttempts],
}
"""Which test must catch which of them."""
