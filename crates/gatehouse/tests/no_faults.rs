//! The program as it is released has no fault points.
#![cfg(not(feature = "fault-points"))]

#[test]
fn the_binary_holds_neither_the_variable_nor_the_name_of_any_fault_point() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_gatehouse")).unwrap();
    let holds = |text: &str| binary.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    // So that the search is known to find what is there.
    assert!(holds("GATEHOUSE_STORE_KEY"));
    for text in [
        "FAULT_POINTS",
        "archive.manifest-named",
        "store.row-closing-uncommitted",
        "gate.row-active",
        "ssh.output-recorded",
        "was told to panic",
    ] {
        assert!(!holds(text), "{text} is in the binary");
    }
}
