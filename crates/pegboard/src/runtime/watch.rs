//! A value that tasks watch. Those who wait for a change are woken in the order in which they began to wait.
//!
//! Tokio's own wakes them in an order that no seed decides. The hub takes the same way whenever the same happens to it, so
//! that a failure that was seen once can be seen again.

use std::ops::Deref;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Notify;

/// Sets the value. When it is dropped, nobody waits any longer.
#[derive(Debug)]
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// Watches the value.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

/// The value as it is. It cannot be set while somebody holds this.
#[derive(Debug)]
pub struct Ref<'a, T>(RwLockReadGuard<'a, State<T>>);

/// The value will not be set any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value will not be set any more")]
pub struct Closed;

#[derive(Debug)]
struct Shared<T> {
    state: RwLock<State<T>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    /// How often it was set.
    version: u64,
    closed: bool,
}

/// A value, and one who watches it.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

impl<T> Sender<T> {
    /// A value that nobody watches yet.
    pub fn new(value: T) -> Self {
        let state = RwLock::new(State { value, version: 0, closed: false });
        Self { shared: Arc::new(Shared { state, changed: Notify::new() }) }
    }

    /// Another one who watches: what was set until now counts as seen.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver { shared: self.shared.clone(), seen: self.shared.read().version }
    }

    /// The value as it is.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.shared.read())
    }

    /// Sets the value, and wakes all who wait, even if it is the same. Answers what it was before.
    pub fn send_replace(&self, value: T) -> T {
        let before = self.shared.change(|state| {
            state.version += 1;
            std::mem::replace(&mut state.value, value)
        });
        self.shared.changed.notify_waiters();
        before
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.change(|state| state.closed = true);
        self.shared.changed.notify_waiters();
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Receiver<T> {
    /// The value as it is, which may not have been seen.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.shared.read())
    }

    /// The value as it is, which counts as seen from now on.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let state = self.shared.read();
        self.seen = state.version;
        Ref(state)
    }

    /// Waits until the value was set again since it was last seen; then it counts as seen. Cancel-safe.
    pub async fn changed(&mut self) -> Result<(), Closed> {
        loop {
            let mut notified = pin!(self.shared.changed.notified());
            // From here on nothing is missed.
            notified.as_mut().enable();
            {
                let state = self.shared.read();
                if state.version != self.seen {
                    self.seen = state.version;
                    return Ok(());
                }
                if state.closed {
                    return Err(Closed);
                }
            }
            notified.await;
        }
    }

    /// Waits until the value is as `wanted`. Cancel-safe.
    pub async fn wait_for(&mut self, wanted: impl Fn(&T) -> bool) -> Result<(), Closed> {
        while !wanted(&self.borrow_and_update()) {
            self.changed().await?;
        }
        Ok(())
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Shared<T> {
    fn read(&self) -> RwLockReadGuard<'_, State<T>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn a_change_is_seen_once_and_none_is_missed() {
        let (sender, mut receiver) = channel(1);
        assert_eq!(sender.send_replace(2), 1);
        assert_eq!(sender.send_replace(3), 2);
        assert_eq!((receiver.changed().await, *receiver.borrow()), (Ok(()), 3));
        let waits = tokio::spawn(async move { receiver.changed().await });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished(), "it was seen");
        sender.send_replace(3);
        assert_eq!(waits.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn who_waits_for_a_value_does_not_wait_if_it_is_there() {
        let (sender, mut receiver) = channel(false);
        sender.send_replace(true);
        assert_eq!(receiver.wait_for(|value| *value).await, Ok(()));
        assert_eq!(receiver.wait_for(|value| *value).await, Ok(()));
        sender.send_replace(false);
        drop(sender);
        assert_eq!(receiver.wait_for(|value| *value).await, Err(Closed));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_value_that_will_not_be_set() {
        let (sender, mut receiver) = channel(1);
        sender.send_replace(2);
        drop(sender);
        assert_eq!(receiver.changed().await, Ok(()), "it was set before");
        assert_eq!(receiver.changed().await, Err(Closed));
    }

    #[tokio::test]
    async fn they_are_woken_in_the_order_in_which_they_wait() {
        let (sender, receiver) = channel(0);
        let woken: Arc<Mutex<Vec<usize>>> = Arc::default();
        let mut tasks = JoinSet::new();
        for number in 0..20 {
            let (mut receiver, woken) = (receiver.clone(), woken.clone());
            tasks.spawn(async move {
                receiver.changed().await.unwrap();
                woken.lock().unwrap().push(number);
            });
        }
        tokio::task::yield_now().await;
        sender.send_replace(1);
        while tasks.join_next().await.is_some() {}
        assert_eq!(*woken.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }
}
