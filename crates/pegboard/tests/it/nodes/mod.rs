//! Several hubs over one store, each with its own memory: nodes of one process on SQLite, or over a PostgreSQL server.

mod api;
pub(crate) mod centre;
mod dying;
mod load;
mod processes;
mod repairing;
mod resharding;
mod sharing;
mod zombie;

/// Runs tests over each kind of store that nodes can share.
macro_rules! on_every_store {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::nodes::centre::Centre::on_sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some(centre) = $crate::nodes::centre::Centre::on_postgres() else { return };
                super::$test(centre).await;
            })+
        }
    };
}
pub(crate) use on_every_store;
