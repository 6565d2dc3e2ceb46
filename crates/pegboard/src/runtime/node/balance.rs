//! How many parts a node should work on.
//!
//! Parts (partitions of all sources, or the leading of sources) are shared out evenly: with `n` parts and `k` nodes each
//! works on `n / k` of them, and as many nodes as the remainder says on one more. Nobody decides for all: each node
//! compares what it holds with what the others hold, and takes or gives up its own.

/// What a node should do about its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Take so many more, as far as they are free.
    Take(usize),
    /// Give up so many.
    Give(usize),
}

/// What a node that holds `mine` of all `parts` should do, if the other nodes hold `others`.
pub fn share(parts: usize, mine: usize, others: &[usize]) -> Share {
    let nodes = others.len() + 1;
    let (least, left_over) = (parts / nodes, parts % nodes);
    let most = least + usize::from(left_over > 0);
    if mine > most {
        return Share::Give(mine - most);
    }
    let free = parts.saturating_sub(mine + others.iter().sum::<usize>());
    let wanted_by_others: usize = others.iter().map(|held| least.saturating_sub(*held)).sum();
    if mine > least {
        // One more than others must have: theirs only if somebody would have less than that.
        return if wanted_by_others > free { Share::Give(1) } else { Share::Take(0) };
    }
    let needed = (least - mine).min(free);
    let extra = mine + needed < most && free - needed > wanted_by_others;
    Share::Take(needed + usize::from(extra))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_alone_takes_everything() {
        assert_eq!(share(8, 0, &[]), Share::Take(8));
        assert_eq!(share(8, 8, &[]), Share::Take(0));
        assert_eq!(share(0, 0, &[]), Share::Take(0));
    }

    #[test]
    fn a_node_that_joins_waits_until_others_give_up_their_surplus() {
        assert_eq!(share(8, 0, &[8]), Share::Take(0));
        assert_eq!(share(8, 8, &[0]), Share::Give(4));
        assert_eq!(share(8, 0, &[4]), Share::Take(4));
    }

    #[test]
    fn what_is_left_over_goes_to_whoever_comes_first_but_not_before_others_have_their_own() {
        assert_eq!(share(3, 1, &[1]), Share::Take(1));
        assert_eq!(share(3, 1, &[2]), Share::Take(0));
        assert_eq!(share(9, 2, &[2, 2, 1]), Share::Take(1), "two are free, and one is another's");
        assert_eq!(share(9, 3, &[3, 3, 0]), Share::Give(1), "nobody has four, and yet one has none");
        assert_eq!(share(8, 3, &[3, 2]), Share::Take(0));
    }

    /// Whatever nodes hold at first, and in whatever order they look, everything is held soon and no two nodes differ by
    /// more than one.
    #[test]
    fn every_beginning_ends_in_a_fair_share() {
        for parts in 0..=12_usize {
            for nodes in 1..=5_usize {
                for beginning in 0..40_usize {
                    let mut held = scattered(parts, nodes, beginning);
                    for turn in 0..nodes * 12 {
                        let node = (turn * 7 + beginning) % nodes;
                        let others: Vec<_> =
                            (0..nodes).filter(|other| *other != node).map(|other| held[other]).collect();
                        match share(parts, held[node], &others) {
                            Share::Take(more) => held[node] += more,
                            Share::Give(fewer) => held[node] -= fewer,
                        }
                        assert!(held.iter().sum::<usize>() <= parts, "{held:?} of {parts}");
                    }
                    let (least, most) = (held.iter().min().unwrap(), held.iter().max().unwrap());
                    let all = held.iter().sum::<usize>();
                    assert!(all == parts && most - least <= 1, "{held:?} of {parts} from {beginning}");
                }
            }
        }
    }

    /// Some way in which nodes may hold parts.
    fn scattered(parts: usize, nodes: usize, beginning: usize) -> Vec<usize> {
        let mut held = vec![0; nodes];
        for part in 0..parts {
            let place = (part * (beginning + 3) + beginning / 5) % (nodes + 1);
            if place < nodes {
                held[place] += 1;
            }
        }
        held
    }
}
