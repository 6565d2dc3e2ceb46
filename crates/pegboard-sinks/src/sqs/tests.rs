//! Groups of agents.

use super::sink::group_of;

#[test]
fn a_group_is_an_agent_whatever_he_is_called() {
    assert_eq!(group_of("main", "1001"), "main/1001");
    let hashed = [group_of("main", "née"), group_of("main", "a b"), group_of("main", &"x".repeat(200))];
    for group in &hashed {
        assert!(group.len() == 64 && group.bytes().all(|byte| byte.is_ascii_hexdigit()), "{group}");
    }
    assert!(hashed[0] != hashed[1] && hashed[1] != hashed[2]);
}

#[test]
fn r28_a_group_has_128_bytes_at_most() {
    assert_eq!(group_of("main", &"x".repeat(123)).len(), 128);
    assert_eq!(group_of("main", &"x".repeat(124)).len(), 64);
}
