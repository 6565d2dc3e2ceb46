//! A platform that accepts connections and never answers.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use crate::support::serving::Serving;

#[test]
fn r25_a_hub_whose_platform_never_answers_ends_within_ten_seconds() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "test").unwrap();
    let source = format!(
        "[[source]]\nname = \"main\"\nkind = \"amazon-connect\"\n[source.kinesis]\nstream = \"s\"\nregion = \"us-east-1\"\n\
         endpoint = \"{endpoint}\"\naccess_key_id = \"file:key\"\nsecret_access_key = \"file:key\"\n"
    );
    set_private(&folder.path().join("key"));
    let hub = Serving::start(folder.path(), &source);
    // It asks, and waits.
    let (asking, _) = silent.accept().unwrap();
    let took = hub.terminate();
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(asking);
}

fn set_private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
