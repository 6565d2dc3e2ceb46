//! What an agent was in by two tellings, one of which counts within some stretches of time. Pure.

use pegboard_engine::Window;
use pegboard_model::{Segment, Timestamp};

/// What stands of an agent where `told` takes the place of `stored` within `valid`, stretches in order and apart. Neighbours
/// that are one state are one segment.
pub(super) fn overlaid(stored: &[Segment], told: &[Segment], valid: &[Window]) -> Vec<Segment> {
    let mut pieces: Vec<Segment> = Vec::new();
    for segment in stored {
        pieces.extend(around(valid).filter_map(|stretch| within(segment, stretch)));
    }
    for segment in told {
        pieces.extend(valid.iter().filter_map(|stretch| within(segment, *stretch)));
    }
    // A state stands after the mark of its instant.
    pieces.sort_by_key(|piece| (piece.start, piece.mark.is_none()));
    let mut joined: Vec<Segment> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if continues(last, &piece) => last.end = piece.end,
            _ => joined.push(piece),
        }
    }
    joined
}

/// The stretches between and around those of `valid`.
fn around(valid: &[Window]) -> impl Iterator<Item = Window> {
    let froms = std::iter::once(Timestamp::MIN).chain(valid.iter().map(|stretch| stretch.to));
    let tos = valid.iter().map(|stretch| stretch.from).chain(std::iter::once(Timestamp::MAX));
    froms.zip(tos).map(|(from, to)| Window { from, to })
}

/// What lies in a stretch of a segment. A mark takes no time, and lies where it stands.
fn within(segment: &Segment, stretch: Window) -> Option<Segment> {
    if segment.mark.is_some() {
        return (stretch.from <= segment.start && segment.start < stretch.to).then(|| segment.clone());
    }
    let ends = segment.end.unwrap_or(Timestamp::MAX);
    let (start, end) = (segment.start.max(stretch.from), ends.min(stretch.to));
    let end_of = (end < Timestamp::MAX).then_some(end);
    (start < end).then(|| Segment { start, end: end_of, ..segment.clone() })
}

fn continues(last: &Segment, next: &Segment) -> bool {
    last.mark.is_none() && next.mark.is_none() && last.end == Some(next.start) && last.state.same(&next.state)
}

/// `stretch` without `holes`.
pub(super) fn without(stretch: Window, holes: &[Window]) -> Vec<Window> {
    let mut left = vec![stretch];
    for hole in holes {
        left = left
            .into_iter()
            .flat_map(|part| {
                let before = Window { from: part.from, to: part.to.min(hole.from) };
                let after = Window { from: part.from.max(hole.to), to: part.to };
                [before, after]
            })
            .filter(|part| part.from < part.to)
            .collect();
    }
    left
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pegboard_model::{Class, Mark, State};
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn state(class: Class) -> State {
        State { class, status: None, contact: None, signed_out: false, profile: Arc::default() }
    }

    fn segment(start: i64, end: Option<i64>, class: Class) -> Segment {
        Segment { start: at(start), end: end.map(at), state: state(class), mark: None }
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to) }
    }

    /// The state of every second of a hundred.
    fn seconds(segments: &[Segment]) -> Vec<Option<Class>> {
        let covers = |segment: &&Segment, second| {
            segment.mark.is_none() && segment.start <= second && segment.end.is_none_or(|end| second < end)
        };
        let class = |second| segments.iter().find(|one| covers(one, second)).map(|one| one.state.class);
        (0..100).map(|second| class(at(second))).collect()
    }

    #[test]
    fn what_is_told_stands_within_its_stretch_and_nothing_is_cut_that_is_one() {
        let stored = [segment(0, Some(50), Class::Available), segment(50, None, Class::Aux)];
        let told = [segment(5, Some(20), Class::Available), segment(20, Some(30), Class::Talk)];
        let told = [&told[..], &[segment(30, None, Class::Available)]].concat();
        let found = overlaid(&stored, &told, &[window(10, 40)]);
        let expected = [
            segment(0, Some(20), Class::Available),
            segment(20, Some(30), Class::Talk),
            segment(30, Some(50), Class::Available),
            segment(50, None, Class::Aux),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mark_keeps_its_place_before_its_state() {
        let mark = Segment { mark: Some(Mark::SignIn), ..segment(20, Some(20), Class::Aux) };
        let told = [segment(0, Some(20), Class::Aux), mark.clone(), segment(20, None, Class::Aux)];
        let found = overlaid(&[segment(0, None, Class::Aux)], &told, &[window(10, 30)]);
        let expected = [segment(0, Some(20), Class::Aux), mark, segment(20, None, Class::Aux)];
        assert_eq!(found, expected);
    }

    fn timeline() -> impl Strategy<Value = Vec<Segment>> {
        let classes = prop_oneof![Just(Class::Aux), Just(Class::Talk), Just(Class::Available)];
        prop::collection::vec((1_i64..20, classes), 1..8).prop_map(|parts| {
            let (mut start, mut segments) = (0, Vec::new());
            for (length, class) in parts {
                segments.push(segment(start, Some(start + length), class));
                start += length;
            }
            segments
        })
    }

    proptest! {
        #[test]
        fn every_instant_is_told_by_whom_it_should_be(
            stored in timeline(), told in timeline(), from in 0_i64..50, length in 0_i64..50, hole in 0_i64..60,
        ) {
            let valid = without(window(from, from + length), &[window(hole, hole + 5)]);
            let (old, new) = (seconds(&stored), seconds(&told));
            let found = overlaid(&stored, &told, &valid);
            for (second, class) in (0_i64..).zip(seconds(&found)) {
                let is_told = from <= second && second < from + length && !(hole..hole + 5).contains(&second);
                let expected = if is_told { &new } else { &old };
                prop_assert_eq!(class, expected[usize::try_from(second).unwrap()], "second {}", second);
            }
            // The same told twice is the same.
            prop_assert_eq!(seconds(&overlaid(&found, &told, &valid)), seconds(&found));
            prop_assert_eq!(seconds(&overlaid(&stored, &stored, &valid)), old);
        }
    }
}
