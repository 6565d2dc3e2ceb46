//! Numbers of a body: decimal numbers in JSON, as the columns say, and exact.
//!
//! A whole number of thousandths far below 2^53, divided by 1000, is the double nearest to its decimal text: it is
//! written as that text, and what is read of it is rounded to the very number again.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Column, ExtraValue, Unit, Value};
use crate::{Fixed, Millis};

/// A thousand years in milliseconds, with a thousandfold room below what a double can tell apart.
const MOST_UNITS: i64 = 1 << 45;

fn write_decimal<S: Serializer>(units: i64, scale: i32, serializer: S) -> Result<S::Ok, S::Error> {
    let scale_units = i64::from(scale);
    if units % scale_units == 0 {
        return serializer.serialize_i64(units / scale_units);
    }
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and no duration comes near it")]
    serializer.serialize_f64(units as f64 / f64::from(scale))
}

fn read_decimal<'de, D: Deserializer<'de>>(scale: i32, deserializer: D) -> Result<i64, D::Error> {
    let units = (f64::deserialize(deserializer)? * f64::from(scale)).round();
    #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let most = MOST_UNITS as f64;
    if units.is_nan() || units.abs() > most {
        return Err(D::Error::custom("a number beyond what is exact"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounded, and within the range")]
    Ok(units as i64)
}

/// A duration as seconds.
pub(super) mod seconds {
    use super::{Deserializer, Millis, Serializer, read_decimal, write_decimal};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in crate::acd) fn serialize<S: Serializer>(time: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
        write_decimal(time.get(), 1000, serializer)
    }

    pub(in crate::acd) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Millis, D::Error> {
        read_decimal(1000, deserializer).map(Millis::new)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Duration(duration) => write_decimal(duration.get(), 1000, serializer),
            Self::Percent(percent) => write_decimal(percent.units(), 100, serializer),
        }
    }
}

/// Reads a number whose unit is known.
struct OfUnit(Unit);

impl<'de> serde::de::DeserializeSeed<'de> for OfUnit {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0 {
            Unit::Count => u64::deserialize(deserializer).map(Value::Count),
            Unit::Duration => read_decimal(1000, deserializer).map(|ms| Value::Duration(Millis::new(ms))),
            Unit::Percent => {
                read_decimal(100, deserializer).map(|units| Value::Percent(Fixed::new(units, 2)))
            }
        }
    }
}

/// Values by the names of their columns.
pub(super) mod values {
    use super::{Column, Deserializer, MapAccess, OfUnit, SerializeMap, Serializer, Value, Visitor, fmt};
    use serde::de::Error as _;

    pub(in crate::acd) fn serialize<S: Serializer>(
        values: &[(Column, Value)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (column, value) in values {
            map.serialize_entry(column.as_str(), value)?;
        }
        map.end()
    }

    pub(in crate::acd) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(Column, Value)>, D::Error> {
        deserializer.deserialize_map(Columns)
    }

    struct Columns;

    impl<'de> Visitor<'de> for Columns {
        type Value = Vec<(Column, Value)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("numbers by column")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = Vec::with_capacity(map.size_hint().unwrap_or(0).min(Column::ALL.len()));
            while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                let column = Column::from_name(&name)
                    .ok_or_else(|| A::Error::custom(format_args!("there is no column `{name}`")))?;
                values.push((column, map.next_value_seed(OfUnit(column.unit()))?));
            }
            values.sort_by_key(|(column, _)| *column);
            Ok(values)
        }
    }
}

const COUNT: &str = "count";
const SECONDS: &str = "seconds";
const PERCENT: &str = "percent";
const TEXT: &str = "text";

impl Serialize for ExtraValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Text(text) => map.serialize_entry(TEXT, text)?,
            Self::Number(value) => {
                let name = match value.unit() {
                    Unit::Count => COUNT,
                    Unit::Duration => SECONDS,
                    Unit::Percent => PERCENT,
                };
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ExtraValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneOf)
    }
}

struct OneOf;

impl<'de> Visitor<'de> for OneOf {
    type Value = ExtraValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count, seconds, a percentage or a text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExtraValue, A::Error> {
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let unit = match &*name {
                TEXT => return map.next_value().map(ExtraValue::Text),
                COUNT => Unit::Count,
                SECONDS => Unit::Duration,
                PERCENT => Unit::Percent,
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    continue;
                }
            };
            return map.next_value_seed(OfUnit(unit)).map(ExtraValue::Number);
        }
        Err(A::Error::custom("neither a count nor seconds, a percentage or a text"))
    }
}
