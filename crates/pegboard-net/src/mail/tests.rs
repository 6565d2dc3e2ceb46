use std::net::Ipv4Addr;

use pegboard_sim::stand_in::mail::{MailFault, MailServer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

fn options(host: &str, port: u16, security: Security) -> MailOptions {
    let openings = ["127.0.0.1", "localhost"].map(|opening| opening.parse().unwrap());
    MailOptions {
        host: host.to_owned(),
        port,
        security,
        login: None,
        egress: Egress::new(openings.into()),
        roots: None,
        connect: Duration::from_secs(10),
        total: Duration::from_secs(30),
    }
}

fn plain(server: &MailServer) -> MailOptions {
    options("127.0.0.1", server.address().port(), Security::DangerousPlain)
}

fn mail() -> Mail {
    Mail {
        from: "Pegboard <pegboard@example.com>".parse().unwrap(),
        to: vec!["ops@example.com".parse().unwrap(), "Zoë <zoe@example.com>".parse().unwrap()],
        at: Timestamp::from_seconds(1_772_355_600),
        id: "alarms_1@example.com".to_owned(),
        subject: "[Pegboard] critical: Zoë\r\nBcc: everybody@example.com".to_owned(),
        text: "first\n.\n..second\n".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_is_taken_as_it_was_written_by_all_its_recipients() {
    let server = MailServer::start().unwrap();
    Mailer::new(plain(&server)).unwrap().send(&mail()).await.unwrap();
    let [taken] = &*server.taken() else { panic!("one mail") };
    assert_eq!((&*taken.from, taken.to.len()), ("pegboard@example.com", 2));
    assert_eq!(taken.to, ["ops@example.com", "zoe@example.com"]);
    let (head, body) = taken.data.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Message-ID: <alarms_1@example.com>"), "{head}");
    assert!(head.contains("Date: Sun, 01 Mar 2026 09:00:00 +0000"), "{head}");
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "a subject is one line: {head}");
    assert_eq!(body.trim_end(), "first\r\n.\r\n..second", "a dot does not end it");
    assert_eq!(server.misspoken(), [""; 0]);
}

#[tokio::test]
async fn what_the_server_does_not_take_is_told_with_what_it_says() {
    let server = MailServer::start().unwrap();
    let mailer = Mailer::new(plain(&server)).unwrap();
    for fault in [MailFault::Refuse(451), MailFault::Refuse(550), MailFault::Cut] {
        server.fail_next(fault);
        let error = mailer.send(&mail()).await.unwrap_err();
        assert!(matches!(error, MailError::NotTaken { .. }), "{fault:?}: {error}");
    }
    assert_eq!(server.fired(), 3);
    mailer.send(&mail()).await.unwrap();
    assert_eq!(server.taken().len(), 2, "one that was cut off was taken, and nobody could know");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let server = MailServer::start().unwrap();
    server.fail_next(MailFault::Hang);
    let total = Duration::from_millis(500);
    let error =
        Mailer::new(MailOptions { total, ..plain(&server) }).unwrap().send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailError::Late { .. }), "{error}");
    assert_eq!(server.fired(), 1);
}

#[tokio::test]
async fn r28_a_server_answers_with_64_kib_at_most() {
    let server = MailServer::start().unwrap();
    server.fail_next(MailFault::Flood);
    let error = Mailer::new(plain(&server)).unwrap().send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailError::NotTaken { .. }), "{error}");
    assert_eq!((server.fired(), server.taken().len()), (1, 0));
}

#[tokio::test]
async fn r28_a_mail_has_a_hundred_recipients_at_most() {
    let server = MailServer::start().unwrap();
    let mailer = Mailer::new(plain(&server)).unwrap();
    let to = |count| Mail { to: vec![mail().to[0].clone(); count], ..mail() };
    for (count, is_sent) in [(0, false), (1, true), (100, true), (101, false)] {
        let sent = mailer.send(&to(count)).await;
        assert_eq!(sent.is_ok(), is_sent, "{count}: {sent:?}");
    }
    let taken = server.taken();
    assert_eq!(taken.iter().map(|mail| mail.to.len()).collect::<Vec<_>>(), [1, 100]);
    assert!(taken.iter().all(|mail| mail.data.lines().all(|line| line.len() < 998)));
}

#[tokio::test]
async fn s01_a_server_in_a_network_that_is_not_opened_is_not_asked() {
    let server = MailServer::start().unwrap();
    let closed = MailOptions { egress: Egress::default(), ..plain(&server) };
    let error = Mailer::new(closed).unwrap().send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailError::Refused { .. }), "{error}");
    assert_eq!(server.taken(), []);
}

#[tokio::test]
async fn s06_a_server_without_tls_is_told_nothing() {
    let server = MailServer::start().unwrap();
    let safe = options("127.0.0.1", server.address().port(), Security::StartTls);
    let error = Mailer::new(safe).unwrap().send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailError::NoTls { .. }), "{error}");
    assert_eq!(server.taken(), []);
}

/// Says what a server says that takes a mail; answers what it was told.
async fn take(mut stream: BufStream<impl AsyncRead + AsyncWrite + Unpin>, greet: bool) -> Vec<String> {
    let mut told = Vec::new();
    if greet {
        say(&mut stream, "220 mail.example").await;
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return told;
        }
        told.push(line.trim_end().to_owned());
        let answer = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "MAIL" | "RCPT" => "250 go on",
            "QUIT" => "221 good-bye",
            _ if line == ".\r\n" => "250 taken",
            _ => continue,
        };
        say(&mut stream, answer).await;
    }
}

async fn say(stream: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>, line: &str) {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

/// Sends a mail to a server with a certificate that is trusted only if `trusted`; answers what the server was told once the
/// connection was safe.
async fn sent_safely(security: Security, trusted: bool) -> (Result<(), MailError>, Vec<String>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufStream::new(stream);
        if security == Security::StartTls {
            say(&mut stream, "220 mail.example").await;
            stream.read_line(&mut String::new()).await.unwrap();
            say(&mut stream, "250-mail.example\r\n250 STARTTLS").await;
            stream.read_line(&mut String::new()).await.unwrap();
            say(&mut stream, "220 go on").await;
        }
        match acceptor.accept(stream.into_inner()).await {
            Ok(safe) => take(BufStream::new(safe), security == Security::Implicit).await,
            Err(_) => Vec::new(),
        }
    });
    let file = std::env::temp_dir().join(format!("pegboard-mail-{port}.pem"));
    std::fs::write(&file, made.cert.pem()).unwrap();
    let login = Some(("ops".to_owned(), Secret::new("hunter2".to_owned())));
    let roots = trusted.then(|| file.clone());
    let options = MailOptions { login, roots, ..options("localhost", port, security) };
    let sent = Mailer::new(options).unwrap().send(&mail()).await;
    std::fs::remove_file(&file).unwrap();
    (sent, serving.await.unwrap())
}

#[tokio::test]
async fn a_mail_goes_by_tls_from_the_first_byte_or_before_anything_is_said() {
    for security in [Security::Implicit, Security::StartTls] {
        let (sent, told) = sent_safely(security, true).await;
        sent.unwrap();
        assert!(told[0].starts_with("EHLO "), "{security:?}: {told:?}");
        assert!(told[1].starts_with("AUTH PLAIN "), "{security:?}: {told:?}");
        assert!(told.iter().any(|line| line == "Message-ID: <alarms_1@example.com>"), "{told:?}");
    }
}

#[tokio::test]
async fn s06_a_server_that_does_not_show_who_it_is_is_told_nothing() {
    for security in [Security::Implicit, Security::StartTls] {
        let (sent, told) = sent_safely(security, false).await;
        assert!(sent.is_err() && told.is_empty(), "{security:?}: {sent:?} {told:?}");
    }
}
