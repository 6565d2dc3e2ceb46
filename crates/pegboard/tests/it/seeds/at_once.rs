//! Waits for other threads without letting anybody else go on meanwhile: what the store's threads do then takes no time
//! and comes in one order.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, park};

use tokio::runtime::Handle;

use super::clock;

thread_local! {
    /// The runtime in which the store's connections live, if it has any.
    static RUNTIME: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// From now on what is waited for on this thread is of another runtime, or of none.
pub(super) fn with_runtime(runtime: Option<Handle>) {
    RUNTIME.set(runtime);
}

/// Runs a future to its end on this thread.
pub(super) fn at_once<F: Future>(future: F) -> F::Output {
    let runtime = RUNTIME.with_borrow(Clone::clone);
    if runtime.is_some() {
        clock::hold();
    }
    let answer = wait(future, runtime.as_ref());
    clock::release();
    answer
}

fn wait<F: Future>(future: F, runtime: Option<&Handle>) -> F::Output {
    let _entered = runtime.map(Handle::enter);
    // Tokio would have it make room for others now and then, who cannot run here.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => park(),
        }
    }
}
