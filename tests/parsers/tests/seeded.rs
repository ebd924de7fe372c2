//! A bounded run of each parser's properties. `PARSER_SEED` and `PARSER_INPUTS` replace the seed and the number of
//! inputs.

use parser_properties::{
    AES_CRYPT, BoundedRun, CONFIGURATION, ENVELOPE, IMAGE, LIST_FILE, ORDER_DATA, PICKLE, RULE,
    SEALED,
};

#[test]
fn a_changed_aes_crypt_file_never_opens_with_other_content() {
    let run = BoundedRun {
        inputs: 1000,
        at_least_accepted: 20,
    };
    run.check(&AES_CRYPT);
}

#[test]
fn any_configuration_gives_values_or_errors_in_its_lines() {
    let run = BoundedRun {
        inputs: 500,
        at_least_accepted: 15,
    };
    run.check(&CONFIGURATION);
}

#[test]
fn an_envelope_that_was_read_is_written_and_read_as_the_same() {
    let run = BoundedRun {
        inputs: 100_000,
        at_least_accepted: 500,
    };
    run.check(&ENVELOPE);
}

#[test]
fn an_image_that_passes_the_check_can_be_posted() {
    let run = BoundedRun {
        inputs: 500,
        at_least_accepted: 50,
    };
    run.check(&IMAGE);
}

#[test]
fn a_list_that_was_read_is_written_and_read_as_the_same() {
    let run = BoundedRun {
        inputs: 20_000,
        at_least_accepted: 1_000,
    };
    run.check(&LIST_FILE);
}

#[test]
fn the_data_of_an_order_mean_the_same_in_each_spelling() {
    let run = BoundedRun {
        inputs: 5_000,
        at_least_accepted: 500,
    };
    run.check(&ORDER_DATA);
}

#[test]
fn a_pickle_gives_plain_data_within_the_limits_or_an_error() {
    let run = BoundedRun {
        inputs: 100_000,
        at_least_accepted: 1_000,
    };
    run.check(&PICKLE);
}

#[test]
fn a_pattern_gives_the_same_answer_in_every_kind_of_search() {
    let run = BoundedRun {
        inputs: 2_000,
        at_least_accepted: 500,
    };
    run.check(&RULE);
}

#[test]
fn a_changed_sealed_file_never_opens() {
    let run = BoundedRun {
        inputs: 5_000,
        at_least_accepted: 0,
    };
    run.check(&SEALED);
}
