//! One change of a schema: what it does, and which older programs can live with it.

use sea_orm::sea_query::IndexCreateStatement;
use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::index::NewIndex;

/// One change of a service's schema, as its list has it.
pub(crate) struct Change {
    name: String,
    /// The program that may still run beside this change: one whose own list has that change.
    pub down_to: &'static str,
    pub work: Work,
}

/// What a change does.
pub(crate) enum Work {
    /// Statements that happen in one transaction, or not at all. They hold the locks of their
    /// tables until its end, so there are few of them and each is short.
    Statements(Box<dyn MigrationTrait>),
    /// One index, built while others write.
    Index(Box<NewIndex>),
}

impl Change {
    /// A change by statements. Programs whose list has the change `down_to` go on working
    /// beside it, its own name says that none does.
    pub fn statements(migration: impl MigrationTrait + 'static, down_to: &'static str) -> Self {
        Self {
            name: migration.name().to_owned(),
            down_to,
            work: Work::Statements(Box::new(migration)),
        }
    }

    /// A new index on a table that may have rows: the only way to add one. `index` has its table
    /// and its columns, and is called `name` as the change is, without its number.
    pub fn index(
        change: &'static str,
        down_to: &'static str,
        index: fn(DbBackend) -> IndexCreateStatement,
    ) -> Self {
        let name = change.split_once('_').map_or(change, |(_, name)| name);
        Self {
            name: change.to_owned(),
            down_to,
            work: Work::Index(Box::new(NewIndex::new(name, index))),
        }
    }

    /// Its name, by which a database remembers it: `m0001_orders`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes it within a transaction.
    pub async fn make(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        match &self.work {
            Work::Statements(migration) => migration.up(manager).await,
            Work::Index(index) => index.create(manager).await,
        }
    }

    /// Takes it back within a transaction.
    pub async fn take_back(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        match &self.work {
            Work::Statements(migration) => migration.down(manager).await,
            Work::Index(index) => index.take_back(manager).await,
        }
    }
}
