//! Limits of rate and of number. Time is handed in.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often something may happen: `burst` at once, and `per_second` in the long run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// In the long run.
    pub per_second: f64,
    /// At once.
    pub burst: f64,
}

/// A token bucket: full at first, refilled with time.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.burst, filled: now }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.filled);
        self.tokens = (self.tokens + passed.as_secs_f64() * rate.per_second).min(rate.burst);
        self.filled = now;
    }

    /// Takes one, or says how long until there is one.
    fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.refill(rate, now);
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / rate.per_second));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn give_back(&mut self, rate: Rate) {
        self.tokens = (self.tokens + 1.0).min(rate.burst);
    }
}

/// A bucket for each key, for at most `limit` keys: past that the fullest, which restrains its key least, goes.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    limit: usize,
    by_key: Mutex<HashMap<K, Bucket>>,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    pub(crate) fn new(rate: Rate, limit: usize) -> Self {
        Self { rate, limit, by_key: Mutex::default() }
    }

    /// Takes one from the bucket of `key`, or says how long until there is one.
    pub(crate) fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut buckets = lock(&self.by_key);
        if let Some(bucket) = buckets.get_mut(key) {
            return bucket.take(self.rate, now);
        }
        if buckets.len() >= self.limit {
            make_room(&mut buckets, self.rate, now);
        }
        let mut bucket = Bucket::full(self.rate, now);
        let taken = bucket.take(self.rate, now);
        buckets.insert(key.clone(), bucket);
        taken
    }

    fn give_back(&self, key: &K) {
        if let Some(bucket) = lock(&self.by_key).get_mut(key) {
            bucket.give_back(self.rate);
        }
    }
}

fn make_room<K: Clone + Eq + Hash>(buckets: &mut HashMap<K, Bucket>, rate: Rate, now: Instant) {
    buckets.retain(|_, bucket| {
        bucket.refill(rate, now);
        bucket.tokens < rate.burst
    });
    let fullest = buckets.iter().max_by(|a, b| a.1.tokens.total_cmp(&b.1.tokens)).map(|(key, _)| key.clone());
    if let Some(key) = fullest {
        buckets.remove(&key);
    }
}

/// Restrains attempts to sign in: for each address, and for all together. An attempt that succeeds costs nothing.
#[derive(Debug)]
pub(crate) struct SignInThrottle {
    each: Buckets<IpAddr>,
    all: Buckets<()>,
}

impl SignInThrottle {
    const ADDRESSES: usize = 4096;

    pub(crate) fn new(each: Rate, all: Rate) -> Self {
        Self { each: Buckets::new(each, Self::ADDRESSES), all: Buckets::new(all, 1) }
    }

    /// An attempt from `address`, or how long to wait for one.
    pub(crate) fn attempt(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        self.all.take(&(), now)?;
        self.each.take(&network(address), now).inspect_err(|_| self.all.give_back(&()))
    }

    /// The attempt succeeded.
    pub(crate) fn succeeded(&self, address: IpAddr) {
        self.all.give_back(&());
        self.each.give_back(&network(address));
    }
}

/// A caller with IPv6 has a whole /64 to choose addresses from: it counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// A number of things that one key may have at once.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    limit: usize,
    taken: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    key: Arc<str>,
    taken: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

impl Slots {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, taken: Arc::default() }
    }

    /// One more for `key`, unless it has all it may have.
    pub(crate) fn take(&self, key: &Arc<str>) -> Option<Slot> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(key.clone()).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Slot { key: key.clone(), taken: self.taken.clone() })
    }

    /// How many are taken, of all keys.
    pub(crate) fn in_use(&self) -> usize {
        lock(&self.taken).values().sum()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        match taken.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.key)),
        }
    }
}

/// The maps here are whole after every step, so that a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 3.0 };

    fn second(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let start = Instant::now();
        let buckets = Buckets::new(RATE, 8);
        for _ in 0..3 {
            assert_eq!(buckets.take(&"a", start), Ok(()));
        }
        assert_eq!(buckets.take(&"a", start), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(&"b", start), Ok(()), "another key is not restrained");
        let taken = (0..100).filter(|_| buckets.take(&"a", start + second(1)).is_ok()).count();
        assert_eq!(taken, 2);
        let taken = (0..100).filter(|_| buckets.take(&"a", start + second(60)).is_ok()).count();
        assert_eq!(taken, 3, "a bucket holds no more than the burst");
    }

    #[test]
    fn r28_the_number_of_buckets_is_bounded_and_the_most_restrained_key_stays_restrained() {
        let start = Instant::now();
        let buckets = Buckets::new(RATE, 4);
        for _ in 0..3 {
            buckets.take(&0, start).unwrap();
        }
        for key in 1..100 {
            buckets.take(&key, start).unwrap();
            assert!(lock(&buckets.by_key).len() <= 4);
        }
        assert!(buckets.take(&0, start).is_err());
    }

    #[test]
    fn sign_ins_are_restrained_by_address_and_in_all() {
        let start = Instant::now();
        let all = Rate { per_second: 1.0, burst: 5.0 };
        let throttle = SignInThrottle::new(RATE, all);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..50 {
            assert_eq!(throttle.attempt(one, start), Ok(()));
            throttle.succeeded(one);
        }
        for _ in 0..3 {
            assert_eq!(throttle.attempt(one, start), Ok(()));
        }
        assert!(throttle.attempt(one, start).is_err(), "by address");
        for last in 2..4 {
            assert_eq!(throttle.attempt(IpAddr::from([192, 0, 2, last]), start), Ok(()));
        }
        assert!(throttle.attempt("192.0.2.9".parse().unwrap(), start).is_err(), "in all");
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let network = |text: &str| super::network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let slots = Slots::new(2);
        let key: Arc<str> = "token".into();
        let first = slots.take(&key).unwrap();
        let second = slots.take(&key).unwrap();
        assert!(slots.take(&key).is_none());
        assert!(slots.take(&"other".into()).is_some());
        drop(first);
        assert!(slots.take(&key).is_some());
        drop(second);
        assert_eq!(slots.in_use(), 0);
        assert!(lock(&slots.taken).is_empty(), "nothing is kept of keys that have none");
    }
}
