"""The 48 cases on which other gateways bleed, and the tests that fail when one of them breaks here.

Sources: the test suites of Olla, Ollama, Plano, Bifrost, LiteLLM, Portkey 2.0 and Claude Code Router; each test names its own. `file::test`, below
tests/. A case of an API that is not spoken yet says so instead.
"""

from __future__ import annotations

REQUESTS, ANSWERS, EDGES = "conformance/test_requests.py", "conformance/test_answers.py", "conformance/test_openai_edges.py"
MESSAGES, MESSAGES_BODY = "providers/test_anthropic_wire.py", "providers/test_anthropic_wire_body.py"
CHAT, RESPONSES = "providers/test_openai_chat_wire.py", "providers/test_openai_responses_wire.py"
READ_MESSAGES, READ_RESPONSES = "dialects/test_anthropic_chat.py", "dialects/test_openai_responses.py"
WRITE_MESSAGES, WRITE_CHAT = "dialects/test_anthropic_writer.py", "dialects/test_openai_chat_neutral.py"
WRITE_RESPONSES = "dialects/test_openai_responses_writer.py"
PLANES = "daemon/test_planes.py"

CASES: dict[int, tuple[str, dict[str, str]]] = {
    1: ("system in every shape, also inside the conversation", {REQUESTS: "test_system_in_every_shape test_system_in_the_middle_of_a_conversation", READ_MESSAGES: "test_no_system test_system_as_text_blocks_and_empty_blocks"}),
    2: ("results of tools: order, several, pictures, documents, errors, none", {REQUESTS: "test_results_come_before_what_the_user_says test_a_result_in_every_shape test_an_error_of_a_tool_is_said_once test_a_picture_in_a_result test_a_document_in_a_result"}),
    3: ("turns of calls only and of results only", {REQUESTS: "test_an_assistant_with_calls_only_and_a_user_with_results_only test_calls_only_reach_messages_without_an_empty_text"}),
    4: ("choice of a tool, and one call at a time", {REQUESTS: "test_tool_choice_in_each_direction test_one_call_at_a_time test_a_choice_without_a_name_is_an_error_and_an_unknown_word_is_auto", EDGES: "test_an_unknown_tool_choice_among_no_tools_is_no_crash"}),
    5: ("calls and schemas that lack something", {REQUESTS: "test_a_call_without_a_name_or_an_id_is_refused_by_name test_arguments_that_are_no_object test_schemas_without_type_or_with_a_dialect", RESPONSES: "test_a_schema_is_strict_only_where_it_fits", EDGES: "test_halves_of_tool_calls_are_mended_and_said"}),
    6: ("a client's tool that is named like a host's", {REQUESTS: "test_a_clients_tool_named_like_a_hosts_stays_a_function", "dialects/test_hosted_tools.py": "test_what_is_only_offered_is_left_out_and_named"}),
    7: ("thinking and effort in each other's words", {REQUESTS: "test_thinking_becomes_effort test_effort_becomes_thinking", CHAT: "test_effort_is_clamped"}),
    8: ("signatures, redacted thoughts and their order", {REQUESTS: "test_a_foreign_signature_is_never_replayed test_encrypted_reasoning_is_never_replayed_to_another_wire", MESSAGES_BODY: "test_thoughts_of_this_host_go_back_and_no_others", "conformance/test_unsigned_thoughts.py": "test_a_signed_thought_stays_byte_for_byte test_an_unsigned_thought_is_restored", PLANES: "test_a_signature_goes_back_to_its_maker_and_to_no_other"}),
    9: ("cache marks: kept, dropped, four at most, the longer first", {REQUESTS: "test_cache_marks_reach_messages_and_no_other_host test_cache_marks_of_messages_are_dropped_elsewhere", MESSAGES_BODY: "test_at_most_four_marks_and_the_longer_ones_first"}),
    10: ("unknown fields", {REQUESTS: "test_unknown_fields_survive_on_the_raw_plane_and_are_noted_on_the_other", "conformance/test_fidelity.py": "test_unknown_fields_survive_at_random_places"}),
    11: ("version and beta flags", {REQUESTS: "test_version_and_beta_flags_go_to_their_own_host_only test_sampling_is_never_added_for_the_newer_version", MESSAGES: "test_headers"}),
    12: ("large and compressed bodies, long lines", {"security/test_bodies.py": "test_round_trip_cap_and_damage test_a_bomb_stops_at_the_cap test_memory_is_flat_under_hostile_bodies", "core/test_sse.py": "test_an_event_is_bounded_however_it_is_cut test_time_is_in_proportion_to_the_stream"}),
    13: ("count_tokens", {"daemon/test_counting.py": "test_the_estimate_errs_high_by_little test_what_counts test_the_sdk_reads_the_count"}),
    14: ("empty texts, and turns that must not become empty", {REQUESTS: "test_empty_texts_go_but_a_turn_does_not_become_empty"}),
    15: ("a limit above the model's", {EDGES: "test_the_same_limit_for_who_asks_for_more_than_the_model_says", REQUESTS: "test_the_limit_crosses_and_is_never_missing"}),
    16: ("why an answer ended", {ANSWERS: "test_odd_chat_hosts test_stop_reasons_of_messages", WRITE_MESSAGES: "test_why_it_ended"}),
    17: ("both words for reasoning", {ANSWERS: "test_both_words_for_reasoning"}),
    18: ("arguments that are no JSON, answers that are none", {ANSWERS: "test_arguments_that_are_no_json_do_not_break_messages test_a_body_that_is_no_answer_is_a_typed_error"}),
    19: ("ids and the model's name", {EDGES: "test_ids_are_unique_and_of_the_dialects_own_kind test_a_crossed_answer_names_the_model_that_was_asked_for"}),
    20: ("usage that is missing, and its tiers", {ANSWERS: "test_a_missing_usage_is_no_crash test_usage_of_messages_keeps_its_start", "test_sdk_pairs.py": "test_usage_is_the_hosts_in_the_clients_words"}),
    21: ("stop sequences and refusals", {ANSWERS: "test_stop_reasons_of_messages", WRITE_MESSAGES: "test_a_refusal_is_shown_and_named", "test_sdk_pairs.py": "test_a_refusal"}),
    22: ("the exact sequence of a Messages stream", {WRITE_MESSAGES: "test_any_order_of_pieces_makes_a_legal_stream_and_loses_no_text test_an_empty_answer_is_legal", ANSWERS: "test_nothing_follows_the_end"}),
    23: ("several things in one chunk", {ANSWERS: "test_odd_chat_hosts", WRITE_MESSAGES: "test_thought_text_call_text"}),
    24: ("odd pieces of calls", {ANSWERS: "test_odd_chat_hosts", CHAT: "test_parallel_calls_without_a_proper_index test_interleaved_calls_and_calls_in_one_delta", WRITE_MESSAGES: "test_repeated_names_do_not_reopen_and_ids_are_made_legal test_arguments_before_the_name_wait_and_late_ones_are_dropped"}),
    25: ("arguments that come only at the end", {ANSWERS: "test_responses_that_say_it_only_at_the_end"}),
    26: ("empty chunks, pings, usage anywhere", {ANSWERS: "test_odd_chat_hosts test_signs_of_life_are_legal_anywhere"}),
    27: ("usage of a Messages stream", {ANSWERS: "test_usage_of_messages_keeps_its_start", MESSAGES: "test_usage_of_the_delta_wins_where_it_says_something test_passes_are_billed_and_never_twice test_state_does_not_leak_from_one_answer_to_the_next"}),
    28: ("text, calls and thoughts in turns", {ANSWERS: "test_odd_messages_streams test_odd_chat_hosts"}),
    29: ("streams cut at any byte", {ANSWERS: "test_a_stream_may_be_cut_at_every_byte test_a_stream_may_come_byte_by_byte test_crlf_comments_and_data_without_a_space", "core/test_sse.py": "test_every_cut_gives_the_same_events test_an_event_is_bounded_however_it_is_cut"}),
    30: ("errors in the middle, ends that are missing, and their bill", {ANSWERS: "test_an_error_in_the_middle_is_the_clients_own_error test_a_stream_without_its_end_is_an_error_and_not_a_success", PLANES: "test_a_stream_that_was_cut_is_settled_as_an_estimate", MESSAGES: "test_what_a_cut_stream_cost_flatters_nobody"}),
    31: ("usage that is asked for in secret", {ANSWERS: "test_usage_that_was_not_asked_for_is_not_shown", WRITE_CHAT: "test_no_usage_chunk_unless_it_was_asked_for"}),
    32: ("one role, one time, one finish", {ANSWERS: "test_odd_chat_hosts", WRITE_CHAT: "test_a_stream_from_pieces test_finish_words"}),
    33: ("errors in each API's own shape", {ANSWERS: "test_errors_in_the_clients_own_shape test_an_overflow_makes_each_client_compact", "dialects/test_anthropic_messages.py": "test_errors_in_anthropics_words"}),
    34: ("a Responses input in every shape", {REQUESTS: "test_input_in_every_shape test_developer_and_system_turns_reach_messages test_references_to_what_a_host_keeps_do_not_pass_unread", "dialects/test_openai_responses_sdk.py": "test_what_nobody_knows_is_refused_by_name"}),
    35: ("calls and outputs in pairs", {REQUESTS: "test_calls_are_merged_and_outputs_stand_next_to_them test_orphans_are_no_400", READ_RESPONSES: "test_results_stand_behind_their_calls_in_order"}),
    36: ("freeform tools, namespaces, tools that are found on the way", {REQUESTS: "test_a_freeform_tool_becomes_a_function_and_its_calls_too test_namespaces_are_flattened_and_hosted_tools_left_out_with_a_note test_deferred_tools_and_references", READ_RESPONSES: "test_tools_that_are_announced_on_the_way_are_offered"}),
    37: ("reasoning items", {REQUESTS: "test_encrypted_reasoning_is_never_replayed_to_another_wire", RESPONSES: "test_what_is_signed_comes_once", PLANES: "test_a_sealed_thought_is_opened_for_its_maker_only"}),
    38: ("the order of events of a Responses stream", {WRITE_RESPONSES: "test_the_order_of_events test_numbers_stay_and_only_grow test_ends"}),
    39: ("the answer's form, its limit, and what is gone on from", {REQUESTS: "test_the_form_of_the_answer_crosses test_nothing_is_stored_at_a_host", READ_RESPONSES: "test_a_stored_answer_is_written_out"}),
    40: ("the key of a prompt cache", {EDGES: "test_a_conversations_cache_key_is_the_callers_or_the_sessions"}),
    41: ("signatures of calls", {WRITE_CHAT: "test_signed_reasoning_is_no_leaf", CHAT: "test_signatures_are_opaque test_signed_thoughts_go_back_as_they_were"}),
    42: ("Gemini's schemas and roles", {}),
    43: ("reasoning that goes back, sampling that is fixed, thoughts in tags", {"conformance/test_think_tags.py": "test_at_any_cut test_not_streamed", CHAT: "test_thoughts test_openais_reasoning_models_fix_their_sampling", "engine/test_families.py": "test_reasoning_that_the_prompt_opened"}),
    44: ("Ollama's API; silence of local engines", {PLANES: "test_a_silent_host_is_covered_by_signs_of_life"}),
    45: ("embeddings in base64 and in batches", {"daemon/test_embeddings.py": "test_the_sdk_reads_it_in_both_encodings test_base64_is_little_endian_floats test_groups_lose_nothing"}),
    46: ("a fallback is built anew; local headers stay", {"conformance/test_fallback.py": "test_the_next_host_gets_a_request_of_its_own test_what_is_the_clients_own_affair_never_leaves", PLANES: "test_a_host_that_refuses_us_is_said_marked_and_not_the_end", "test_sdk_openai.py": "test_a_failing_host_falls_back_to_the_next_model"}),
    47: ("no other model after the first word", {"core/test_relay.py": "test_nothing_is_spliced_after_the_first_word test_a_failure_before_the_first_word_goes_to_the_next_model_and_both_are_settled"}),
    48: ("slashes in names of models", {REQUESTS: "test_slashes_in_model_names_are_the_hosts_own_name", "daemon/test_models_list.py": "test_the_upstream_name_alone_names_a_model_too"}),
}  # fmt: skip
NOT_SPOKEN = frozenset({42})
"""Cases of an API that no dialect and no wire speaks yet (a Gemini host is spoken to as OpenAI's chat completions)."""
