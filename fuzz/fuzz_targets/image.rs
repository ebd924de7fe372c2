#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (parser_properties::IMAGE.check)(input);
});
