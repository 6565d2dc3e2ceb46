//! The forms in which instants are written, all in UTC.

use pegboard_model::Timestamp;

/// `yyyy-MM-dd HH:mm:ss.fff`, as in a CSV line.
pub(super) fn in_line(at: Timestamp) -> String {
    let (date, time, millis) = parts(at);
    format!("{date} {time}.{millis:03}")
}

/// `yyyy-MM-ddTHH:mm:ss.fffZ`, as the .NET SDK stores an instant in DynamoDB. Always of the same length, so that the order of the texts is
/// the order of the instants.
pub(super) fn in_table(at: Timestamp) -> String {
    let (date, time, millis) = parts(at);
    format!("{date}T{time}.{millis:03}Z")
}

/// `yyyy/MM/dd/HH`, as Firehose puts it into keys.
pub(super) fn in_folder(at: Timestamp) -> String {
    let (date, time, _) = parts(at);
    let hour = time.get(..2).unwrap_or_default();
    format!("{}/{hour}", date.replace('-', "/"))
}

/// `yyyy-MM-dd-HH-mm-ss`, as Firehose puts it into the names of objects.
pub(super) fn in_name(at: Timestamp) -> String {
    let (date, time, _) = parts(at);
    format!("{date}-{}", time.replace(':', "-"))
}

fn parts(at: Timestamp) -> (String, String, i64) {
    let text = at.to_string();
    let (date, rest) = text.split_once('T').unwrap_or_default();
    (date.to_owned(), rest.get(..8).unwrap_or_default().to_owned(), at.as_millis().rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_utc_and_of_fixed_length() {
        let at = "2018-05-16T18:03:09.040+02:00".parse().unwrap();
        assert_eq!(in_line(at), "2018-05-16 16:03:09.040");
        assert_eq!(in_table(at), "2018-05-16T16:03:09.040Z");
        assert_eq!(in_folder(at), "2018/05/16/16");
        assert_eq!(in_name(at), "2018-05-16-16-03-09");
        assert_eq!(in_table("2018-05-16T16:03:09Z".parse().unwrap()), "2018-05-16T16:03:09.000Z");
    }
}
