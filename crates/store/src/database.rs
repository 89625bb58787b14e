//! Where the database is, connecting to it, and what its errors mean.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use gatehouse_telemetry::{STORE_CONNECTIONS, STORE_ERRORS, STORE_SECONDS};
use sea_orm::{
    DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlErr, SqlxPostgresConnector, SqlxSqliteConnector,
};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::key::{file_error, write_new};
use crate::{DatabaseError, Store, StoreError};

/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(10);
/// Readers next to the one writer.
const SQLITE_CONNECTIONS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;

/// What `database_url` says.
pub(crate) enum Location {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

/// A connected database.
pub(crate) struct Connected {
    pub(crate) connection: DatabaseConnection,
    /// The same pool, for listening to notifications.
    pub(crate) postgres: Option<PgPool>,
}

impl Location {
    pub(crate) fn parse(url: &str, data_dir: &Path) -> Result<Self, DatabaseError> {
        let scheme = || DatabaseError::Url(url.split_once(':').map_or(url, |(scheme, _)| scheme).to_owned());
        if url == "sqlite" {
            return Ok(Self::Sqlite(data_dir.join("gatehouse.db")));
        }
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(scheme())
            } else {
                Ok(Self::Sqlite(data_dir.join(path)))
            };
        }
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(scheme());
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| scheme())?;
        let options = options
            .application_name("gatehouse")
            .options([("lock_timeout", "10s"), ("statement_timeout", "60s")])
            .disable_statement_logging();
        Ok(Self::Postgres(Box::new(options)))
    }

    pub(crate) async fn connect(&self) -> Result<Connected, StoreError> {
        match self {
            Self::Sqlite(path) => {
                make_private(path)?;
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(BUSY)
                    .disable_statement_logging();
                let pool = SqlitePoolOptions::new()
                    .max_connections(SQLITE_CONNECTIONS)
                    .acquire_timeout(ACQUIRE)
                    .connect_with(options)
                    .await
                    .map_err(|error| classify(&error))?;
                Ok(Connected {
                    connection: measured(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)),
                    postgres: None,
                })
            }
            Self::Postgres(options) => {
                // One try, so that the first error is told; the pool would go on trying and tell of the time only.
                let first = tokio::time::timeout(ACQUIRE, PgConnection::connect_with(options)).await;
                let first = first
                    .map_err(|_| no_answer(ACQUIRE))?
                    .map_err(|error| classify(&error))?;
                let _ = first.close().await;
                let pool = PgPoolOptions::new()
                    .max_connections(POSTGRES_CONNECTIONS)
                    .acquire_timeout(ACQUIRE)
                    .connect_with(options.as_ref().clone())
                    .await
                    .map_err(|error| classify(&error))?;
                let connection = measured(SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone()));
                Ok(Connected {
                    connection,
                    postgres: Some(pool),
                })
            }
        }
    }
}

/// Measures each statement that reads. What writes is measured as a whole, with its commit.
fn measured(mut connection: DatabaseConnection) -> DatabaseConnection {
    let read = STORE_SECONDS.histogram(&["read"]);
    connection.set_metric_callback(move |info: &sea_orm::metric::Info<'_>| {
        let word = info.statement.sql.get(..6).unwrap_or_default();
        if word.eq_ignore_ascii_case("select") {
            read.record(info.elapsed);
        }
    });
    connection
}

impl Store {
    /// Puts into gauges what is true now of the connections to the database.
    pub fn observe(&self) {
        let connection = self.connection();
        let (size, idle) = match connection.get_database_backend() {
            DbBackend::Postgres => {
                let pool = connection.get_postgres_connection_pool();
                (u64::from(pool.size()), pool.num_idle() as u64)
            }
            _ => {
                let pool = connection.get_sqlite_connection_pool();
                (u64::from(pool.size()), pool.num_idle() as u64)
            }
        };
        STORE_CONNECTIONS.set(&["idle"], idle);
        STORE_CONNECTIONS.set(&["busy"], size.saturating_sub(idle));
    }
}

/// The file is made before SQLite does it, so that nobody else may read it; its journals take over its mode.
fn make_private(path: &Path) -> Result<(), StoreError> {
    match write_new(path, b"") {
        Ok(()) => Ok(()),
        // SQLite does not say why it cannot open a file that lies on a read-only disk.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => OpenOptions::new()
            .append(true)
            .open(path)
            .map(drop)
            .map_err(|error| file_error(path, "written", error)),
        Err(error) => Err(file_error(path, "made", error)),
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_)) =
            error.sql_err()
        {
            return Self::Conflict(
                "somebody else made a change that contradicts this one; look and try again".into(),
            );
        }
        let told = match &error {
            DbErr::Conn(RuntimeErr::SqlxError(inner))
            | DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner)) => classify(inner).into(),
            DbErr::ConnectionAcquire(_) => no_answer(ACQUIRE).into(),
            DbErr::Conn(RuntimeErr::Internal(text)) => DatabaseError::Unreachable(text.clone()).into(),
            DbErr::Type(text) | DbErr::Json(text) => Self::corrupt("a value", text),
            other => DatabaseError::Other(other.to_string()).into(),
        };
        if let Self::Database(error) = &told {
            STORE_ERRORS.count(&[error.kind()]);
        }
        told
    }
}

pub(crate) fn no_answer(waited: Duration) -> DatabaseError {
    DatabaseError::Unreachable(format!("no answer within {} seconds", waited.as_secs()))
}

/// The kind of an error, from SQLite's result code or PostgreSQL's SQLSTATE.
pub(crate) fn classify(error: &sqlx::Error) -> DatabaseError {
    match error {
        sqlx::Error::PoolTimedOut => no_answer(ACQUIRE),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed => {
            DatabaseError::Unreachable(error.to_string())
        }
        sqlx::Error::Database(inner) => {
            let code = inner.code().unwrap_or_default();
            let text = inner.message().to_owned();
            // SQLSTATE has five characters; SQLite's extended codes have at most four digits.
            if code.len() == 5 {
                classify_postgres(&code, text)
            } else {
                classify_sqlite(&code, text)
            }
        }
        other => DatabaseError::Other(other.to_string()),
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn classify_postgres(code: &str, text: String) -> DatabaseError {
    match code {
        "55P03" | "40P01" | "40001" => DatabaseError::Locked,
        "42501" => DatabaseError::NoPermission(text),
        "53100" => DatabaseError::Full,
        "3D000" | "55000" => DatabaseError::Unreachable(text),
        _ if code.starts_with("28") => DatabaseError::NoPermission(text),
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("533") => {
            DatabaseError::Unreachable(text)
        }
        _ => DatabaseError::Other(text),
    }
}

/// <https://www.sqlite.org/rescode.html>; the primary code is the lowest byte.
fn classify_sqlite(code: &str, text: String) -> DatabaseError {
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => DatabaseError::Locked,
        Ok(3 | 8 | 23) => DatabaseError::NoPermission(text),
        Ok(10 | 14) => DatabaseError::Unreachable(text),
        Ok(13) => DatabaseError::Full,
        _ => DatabaseError::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_a_wrong_one_does_not_print_its_password() {
        let dir = Path::new("/data");
        let path = |url| match Location::parse(url, dir) {
            Ok(Location::Sqlite(path)) => path.display().to_string(),
            _ => panic!("{url}"),
        };
        assert_eq!(path("sqlite"), "/data/gatehouse.db");
        assert_eq!(path("sqlite:my.db"), "/data/my.db");
        assert_eq!(path("sqlite:/srv/my.db"), "/srv/my.db");
        assert_eq!(path("sqlite:///srv/my.db"), "/srv/my.db");
        assert!(matches!(
            Location::parse("postgres://u:p@h/n", dir),
            Ok(Location::Postgres(_))
        ));
        for bad in [
            "",
            "sqlite:",
            "mysql://u:hunter2@h/n",
            "postgres://u:hunter2@h:port/n",
        ] {
            let Err(error) = Location::parse(bad, dir) else {
                panic!("{bad}")
            };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
