//! Instants at the database's border.

use chrono::{DateTime, Utc};
use gatehouse_model::{Timestamp, to_micros};

/// As the database keeps it: whole microseconds, which PostgreSQL would cut to anyway and SQLite would not.
pub(crate) fn to_db(instant: Timestamp) -> DateTime<Utc> {
    // Every instant of the model lies within chrono's range, so the default is never taken.
    DateTime::from_timestamp_micros(to_micros(instant).as_microsecond()).unwrap_or_default()
}

/// As the model has it. What no instant of the model can be (PostgreSQL's `infinity`) becomes the nearest one.
pub(crate) fn from_db(instant: DateTime<Utc>) -> Timestamp {
    let micros = instant.timestamp_micros();
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn instants_survive_the_database(nanos in -60_000_000_000_000_000_000i128..200_000_000_000_000_000_000) {
            let instant = Timestamp::from_nanosecond(nanos).unwrap();
            prop_assert_eq!(from_db(to_db(instant)), to_micros(instant));
        }
    }
}
