//! What S3 says in XML: a page of a listing, and a refusal.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};

use crate::encoded::decoded;
use crate::fault::Fault;
use crate::signed::Complaint;

/// An object, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was last written, in milliseconds since 1970 UTC, to the second.
    pub modified_ms: i64,
    /// What names its content.
    pub etag: String,
    /// Its length in bytes.
    pub length: u64,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectPage {
    /// In the order of the keys.
    pub objects: Vec<Listed>,
    /// What the next page is asked for with; none behind the last.
    pub next: Option<String>,
    /// When it was asked for at the latest, in milliseconds since 1970 UTC by the clock of S3.
    pub asked_ms: i64,
}

impl ObjectPage {
    pub(super) fn read(body: &[u8], asked_ms: i64) -> Result<Self, Fault> {
        let unreadable = |error: XmlDecodeError| Fault::unreadable(format!("the listing: {error}"));
        let text = std::str::from_utf8(body).map_err(|error| Fault::unreadable(error.to_string()))?;
        let mut page = Self { asked_ms, ..Self::default() };
        let mut document = Document::new(text);
        let mut root = document.root_element().map_err(unreadable)?;
        if !root.start_el().matches("ListBucketResult") {
            return Err(Fault::unreadable("the answer is no listing of a bucket"));
        }
        while let Some(mut tag) = root.next_tag() {
            match tag.start_el().local() {
                "Contents" => page.objects.push(listed(&mut tag)?),
                "NextContinuationToken" => page.next = Some(text_of(&mut tag).map_err(unreadable)?),
                _ => {}
            }
        }
        Ok(page)
    }
}

fn listed(contents: &mut ScopedDecoder<'_, '_>) -> Result<Listed, Fault> {
    let unreadable = |error: XmlDecodeError| Fault::unreadable(format!("the listing: {error}"));
    let (mut key, mut modified, mut etag, mut length) = (None, None, String::new(), 0);
    while let Some(mut tag) = contents.next_tag() {
        match tag.start_el().local() {
            "Key" => key = Some(decoded(&text_of(&mut tag).map_err(unreadable)?)),
            "LastModified" => {
                let text = text_of(&mut tag).map_err(unreadable)?;
                let time = DateTime::from_str(&text, Format::DateTime).ok();
                modified = time.and_then(|time| time.to_millis().ok());
            }
            "ETag" => etag = text_of(&mut tag).map_err(unreadable)?,
            "Size" => length = text_of(&mut tag).map_err(unreadable)?.parse().unwrap_or(0),
            _ => {}
        }
    }
    let (Some(key), Some(modified_ms)) = (key, modified) else {
        return Err(Fault::unreadable("the listing has an object without a key or a time"));
    };
    Ok(Listed { key, modified_ms, etag, length })
}

fn text_of(tag: &mut ScopedDecoder<'_, '_>) -> Result<String, XmlDecodeError> {
    try_data(tag).map(|text| text.trim().to_owned())
}

/// What a refusal says of itself, if it is one.
pub(super) fn complaint(body: &[u8]) -> Option<Complaint> {
    let mut document = Document::new(std::str::from_utf8(body).ok()?);
    let mut root = document.root_element().ok()?;
    let (mut code, mut message) = (None, None);
    while let Some(mut tag) = root.next_tag() {
        match tag.start_el().local() {
            "Code" => code = text_of(&mut tag).ok(),
            "Message" => message = text_of(&mut tag).ok(),
            _ => {}
        }
    }
    Some(Complaint::new(code, message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>reports</Name><Prefix>connect/</Prefix>
<KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>
<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
<Contents><Key>connect/QR-2026-11-21T17%3A00%3A00Z.csv</Key><LastModified>2026-11-21T17:15:00.000Z</LastModified>
<ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag><Size>434234</Size><StorageClass>STANDARD</StorageClass></Contents>
<Contents><Key>connect/a+b</Key><LastModified>2026-11-21T17:16:00Z</LastModified><ETag>&quot;x-2&quot;</ETag><Size>0</Size></Contents>
</ListBucketResult>"#;

    #[test]
    fn a_page_of_a_listing_is_read() {
        let page = ObjectPage::read(PAGE.as_bytes(), 7).unwrap();
        assert_eq!(page.next.as_deref(), Some("1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="));
        let keys: Vec<_> = page.objects.iter().map(|listed| listed.key.as_str()).collect();
        assert_eq!(keys, ["connect/QR-2026-11-21T17:00:00Z.csv", "connect/a b"]);
        let first = &page.objects[0];
        assert_eq!((first.modified_ms, first.length), (1_795_281_300_000, 434_234));
        assert_eq!(first.etag, "\"9b2cf535f27731c974343645a3985328\"");
        assert_eq!(page.asked_ms, 7);
    }

    #[test]
    fn an_object_without_a_time_is_no_listing() {
        let page = "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>";
        let refused = ObjectPage::read(page.as_bytes(), 0).unwrap_err();
        assert!(refused.detail.contains("without a key or a time"), "{refused:?}");
        assert!(ObjectPage::read(b"<html></html>", 0).is_err());
    }

    #[test]
    fn a_refusal_names_its_code() {
        let said =
            complaint(b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>").unwrap();
        assert_eq!(
            (said.code.as_deref(), said.message.as_deref()),
            (Some("SlowDown"), Some("Reduce your rate"))
        );
        assert!(complaint(b"busy").is_none());
    }

    proptest! {
        #[test]
        fn no_answer_is_a_danger(cut in 0..PAGE.len(), at in 0..PAGE.len(), byte: u8) {
            let mut page = PAGE.as_bytes().to_vec();
            page[at] = byte;
            drop(ObjectPage::read(&page[..cut], 0));
            drop(complaint(&page[cut..]));
        }
    }
}
