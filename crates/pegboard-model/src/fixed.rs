//! Exact decimal numbers.

use std::fmt;

/// A decimal number with a fixed number of places, kept as an integer: 1234 with 2 places is 12.34.
///
/// Displays without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fixed {
    units: i64,
    places: u32,
}

impl Fixed {
    /// `units` times ten to the minus `places`.
    pub const fn new(units: i64, places: u32) -> Self {
        Self { units, places }
    }

    /// `numerator / denominator` rounded half up to `places`, or nothing where the denominator is 0.
    ///
    /// Both must be non-negative, as every count and duration of a report is.
    pub fn ratio(numerator: i64, denominator: i64, places: u32) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let scaled = i128::from(numerator) * 10_i128.pow(places);
        let denominator = i128::from(denominator);
        let rounded = (2 * scaled + denominator).div_euclid(2 * denominator);
        Some(Self { units: i64::try_from(rounded).unwrap_or(i64::MAX), places })
    }

    /// `numerator / denominator` as a percentage with two places.
    pub fn percent(numerator: i64, denominator: i64) -> Option<Self> {
        Self::ratio(numerator.saturating_mul(100), denominator, 2)
    }

    /// The double that is nearest, for formats that have no exact decimal numbers.
    #[expect(clippy::cast_precision_loss, reason = "that is what a double is")]
    pub fn to_f64(self) -> f64 {
        self.units as f64 / 10_f64.powi(i32::try_from(self.places).unwrap_or(i32::MAX))
    }

    /// The number as units of its last place.
    pub const fn units(self) -> i64 {
        self.units
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u64.pow(self.places);
        let magnitude = self.units.unsigned_abs();
        let (whole, mut fraction) = (magnitude / scale, magnitude % scale);
        if self.units < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        let mut places = self.places as usize;
        while fraction % 10 == 0 {
            fraction /= 10;
            places -= 1;
        }
        write!(f, ".{fraction:0places$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up() {
        let percent = |n, d| Fixed::percent(n, d).map(|p| p.to_string());
        assert_eq!(percent(1, 3).as_deref(), Some("33.33"));
        assert_eq!(percent(2, 3).as_deref(), Some("66.67"));
        assert_eq!(percent(1, 1).as_deref(), Some("100"));
        assert_eq!(percent(1, 8).as_deref(), Some("12.5"));
        assert_eq!(percent(1, 20_000).as_deref(), Some("0.01"), "0.005 rounds up");
        assert_eq!(percent(0, 5).as_deref(), Some("0"));
        assert_eq!(percent(5, 0), None);
    }

    #[test]
    fn the_nearest_double_has_the_same_text() {
        for number in
            [Fixed::new(12_005, 3), Fixed::new(-1, 3), Fixed::new(8_640_000_123, 3), Fixed::new(9_999, 2)]
        {
            assert_eq!(number.to_f64().to_string(), number.to_string());
        }
    }

    #[test]
    fn shows_no_trailing_zeros() {
        assert_eq!(Fixed::ratio(580_040, 900_000, 4).map(|aps| aps.to_string()).as_deref(), Some("0.6445"));
        assert_eq!(Fixed::new(-1500, 3).to_string(), "-1.5");
        assert_eq!(Fixed::new(10, 4).to_string(), "0.001");
    }
}
