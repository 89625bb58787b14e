//! The form of the database, step by step. A step once released is never changed; a new one is added.

use sea_orm_migration::prelude::*;

mod m20260101_000001_directory;
mod m20260101_000002_sessions;
mod m20260101_000003_audit;
mod m20260101_000004_guard;
mod m20260210_000001_legacy_algorithms;
mod m20260301_000004_live_control;
mod m20260320_000001_recording_keys;
mod m20260410_000001_forward_captures;
mod m20260501_000001_lists;
mod m20260501_000001_sign_in;
mod m20260501_000002_search;
mod m20260601_000001_ceremonies;
mod m20260620_000001_requests;

/// The form that this program writes: the number of its steps.
pub(crate) const SCHEMA: i32 = 13;

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_directory::Migration),
            Box::new(m20260101_000002_sessions::Migration),
            Box::new(m20260101_000003_audit::Migration),
            Box::new(m20260101_000004_guard::Migration),
            Box::new(m20260210_000001_legacy_algorithms::Migration),
            Box::new(m20260301_000004_live_control::Migration),
            Box::new(m20260320_000001_recording_keys::Migration),
            Box::new(m20260410_000001_forward_captures::Migration),
            Box::new(m20260501_000001_lists::Migration),
            Box::new(m20260501_000001_sign_in::Migration),
            Box::new(m20260601_000001_ceremonies::Migration),
            Box::new(m20260620_000001_requests::Migration),
            Box::new(m20260501_000002_search::Migration),
        ]
    }
}

fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("ix_{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = index(table, columns);
    index.name(format!("ux_{table}_{}", columns.join("_"))).unique();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_number_of_steps() {
        assert_eq!(Migrator::migrations().len(), usize::try_from(SCHEMA).unwrap());
    }
}
