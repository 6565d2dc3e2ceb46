use super::super::{Content, NotSigned, Signed};
use super::sample;

const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const FORM: &[u8] =
    b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309";
const OF_FORM: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

fn form(url: &str, signature: &str, tokens: &[&str]) -> Result<(), NotSigned> {
    Signed { url, signature, content: Content::Form(FORM) }.check(tokens)
}

#[test]
fn a_form_is_signed_over_url_and_fields() {
    assert_eq!(form(URL, OF_FORM, &["12345"]), Ok(()));
    assert_eq!(form(URL, OF_FORM, &["new", "12345"]), Ok(()), "two tokens while one replaces the other");
    assert_eq!(form(&format!("{URL}#rc=5&rp=all"), OF_FORM, &["12345"]), Ok(()), "the fragment is not sent");
    assert_eq!(form("https://mycompany.com:1234/myapp.php?foo=1&bar=2", OF_FORM, &["12345"]), Ok(()));
    assert_eq!(form(URL, "kvajT1Ptam85bY51eRf/AJRuM3w=", &["12345"]), Ok(()), "signed with the port");
    for (url, signature, token) in [
        (URL, OF_FORM, "12346"),
        (URL, "", "12345"),
        (URL, "RSOYDt4T1cUTdK1PDd93/VVr8B8", "12345"),
        (URL, "AAAA", "12345"),
        ("https://mycompany.com/myapp.php?foo=1&bar=3", OF_FORM, "12345"),
        ("http://mycompany.com/myapp.php?foo=1&bar=2", OF_FORM, "12345"),
    ] {
        assert_eq!(form(url, signature, &[token]), Err(NotSigned), "{url} {signature}");
    }
    assert_eq!(form(URL, OF_FORM, &[]), Err(NotSigned), "without a token nobody is known");
}

#[test]
fn json_is_signed_by_its_hash_and_without_one_by_nobody() {
    let body = br#"{"property": "value", "boolean": true}"#;
    let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let url = format!("{URL}&bodySHA256={hash}");
    let json = |url: &str, signature: &str, body: &[u8]| {
        Signed { url, signature, content: Content::Json(body) }.check(&["12345"])
    };
    assert_eq!(json(&url, "a9nBmqA0ju/hNViExpshrM61xv4=", body), Ok(()));
    assert_eq!(json(&url, "a9nBmqA0ju/hNViExpshrM61xv4=", b"{}"), Err(NotSigned));
    assert_eq!(json(URL, OF_FORM, body), Err(NotSigned), "a body that nothing vouches for");
}

/// The vectors of the official libraries, and some that they have computed.
#[test]
fn every_vector_of_the_official_libraries_holds() {
    let Some(vectors) = sample("signature_vectors.json") else { return };
    let token = vectors["auth_token"].as_str().unwrap();
    let mut checked = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str();
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        for pair in vector["params"].as_array().into_iter().flatten() {
            encoded.append_pair(pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        }
        let encoded = encoded.finish();
        let content = match text("body") {
            Some(body) => Content::Json(body.as_bytes()),
            None => Content::Form(encoded.as_bytes()),
        };
        let signed = Signed { url: text("url").unwrap(), signature: text("signature").unwrap(), content };
        assert_eq!(signed.check(&[token]).is_ok(), vector["valid"].as_bool().unwrap(), "{}", vector["name"]);
        checked += 1;
    }
    assert!(checked >= 12, "{checked} vectors");
}
