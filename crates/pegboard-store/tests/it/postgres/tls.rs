//! TLS to the database, as the URL asks.

use pegboard_store::{PostgresStore, PostgresUrl};

use crate::home::PostgresHome;

fn with(home: &PostgresHome, parameters: &str) -> PostgresUrl {
    format!("{}&{parameters}", home.url()).parse().unwrap()
}

async fn refusal(url: &PostgresUrl) -> String {
    PostgresStore::probe(url, PostgresHome::options()).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_who_it_says_or_is_refused() {
    let Some(home) = PostgresHome::new() else { return };
    let Some(trusted) = std::env::var_os("PEGBOARD_TEST_POSTGRES_CA") else {
        eprintln!("skipped: PEGBOARD_TEST_POSTGRES_CA is not set (see scripts/with-servers)");
        return;
    };
    let trusted = trusted.into_string().unwrap();
    for mode in [
        "disable".to_owned(),
        "prefer".into(),
        "require".into(),
        format!("verify-full&sslrootcert={trusted}"),
    ] {
        let url = with(&home, &format!("sslmode={mode}"));
        PostgresStore::probe(&url, PostgresHome::options()).await.unwrap();
    }
    let told = refusal(&with(&home, "sslmode=verify-full")).await;
    assert!(told.contains("certificate"), "the system does not trust it: {told}");
    let told = refusal(&with(&home, "sslmode=verify-full&sslrootcert=/nowhere.pem")).await;
    assert!(told.contains("/nowhere.pem"), "{told}");
    // The certificate is for 127.0.0.1 and not for 127.0.0.2.
    let elsewhere = with(&home, &format!("sslmode=verify-full&sslrootcert={trusted}")).to_string();
    let elsewhere = elsewhere.replace("@127.0.0.1:", "@127.0.0.2:").parse().unwrap();
    refusal(&elsewhere).await;
}
