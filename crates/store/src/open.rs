//! Opening a store: connection, key, and the form of the database.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatehouse_model::Secret;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, Statement,
};
use sea_orm_migration::MigratorTrait;
use sqlx::Connection;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::{Mutex, watch};

use crate::change::MIGRATION_LOCK;
use crate::database::{Connected, Location, classify};
use crate::denials::DenialLedger;
use crate::entity::meta;
use crate::feed::{Feed, read_revision};
use crate::key::{LoadedKey, file_error, load_key};
use crate::migration::{Migrator, SCHEMA};
use crate::seal::Sealer;
use crate::{DatabaseError, KeyError, StoreError};

/// What is sealed in `meta.key_check`, to recognise the key.
const KEY_CHECK: &[u8] = b"gatehouse";
const KEY_CHECK_PLACE: &str = "meta:key_check";

/// Where a store is and what opens it.
#[derive(Clone)]
pub struct StoreConfig {
    /// `sqlite`, `sqlite:PATH` (relative paths lie below `data_dir`) or `postgres://…`. May hold a password.
    pub database_url: String,
    /// The directory of this node: database, key, spooled denials, the sealed head of the audit book.
    /// Made (0700) if missing.
    pub data_dir: PathBuf,
    /// Where the sealing key comes from.
    pub key: KeySource,
}

/// Where the sealing key comes from.
#[derive(Clone, Debug, Default)]
pub enum KeySource {
    /// `GATEHOUSE_STORE_KEY` if that is set, else `data_dir/store.key`, which is made (0600) if missing.
    #[default]
    EnvironmentOrFile,
    /// This one: 64 hexadecimal digits.
    Given(Secret),
}

impl StoreConfig {
    /// A store with the key from the environment or its file.
    pub fn new(database_url: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            database_url: database_url.into(),
            data_dir: data_dir.into(),
            key: KeySource::default(),
        }
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("StoreConfig")
            .field("data_dir", &self.data_dir)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The store. Cheap to clone; all clones share one connection pool.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    connection: DatabaseConnection,
    postgres: Option<PgPool>,
    /// Writers of this process, one after the other (SQLite only).
    turn: Mutex<()>,
    sealer: Sealer,
    feed: Feed,
    denials: DenialLedger,
    data_dir: PathBuf,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("data_dir", &self.0.data_dir)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store and makes what is missing: data directory, key, database, tables. Several processes may do so
    /// at once.
    ///
    /// # Errors
    /// The directory or the database cannot be used, the database is of a newer version, or the key is not its own.
    pub async fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let StoreConfig {
            database_url,
            data_dir,
            key,
        } = config;
        let location = Location::parse(&database_url, &data_dir)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&data_dir)
            .map_err(|error| file_error(&data_dir, "made", error))?;
        let key = load_key(&key, &data_dir)?;
        let opened = prepare(&location, &key).await;
        if let (Err(StoreError::Key(KeyError::Wrong)), Some(made)) = (&opened, &key.made) {
            // The key was made for a database that has one already; it is of no use, and would only mislead.
            let _ = fs::remove_file(made);
        }
        let (connected, sealer, revision) = opened?;
        Ok(Self(Arc::new(Inner {
            connection: connected.connection,
            postgres: connected.postgres,
            turn: Mutex::new(()),
            sealer,
            feed: Feed::new(revision),
            denials: DenialLedger::new(&data_dir),
            data_dir,
        })))
    }

    /// Closes all connections, once what runs is done. Clones of this store are of no use afterwards.
    pub async fn close(&self) {
        self.0.feed.stop();
        if let Err(error) = self.0.connection.clone().close().await {
            tracing::debug!(%error, "the database was not closed cleanly");
        }
    }

    /// The revision of the directory, as the database has it now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn revision(&self) -> Result<i64, StoreError> {
        let revision = read_revision(self.connection()).await?;
        self.feed().saw(revision);
        Ok(revision)
    }

    /// The revision of the directory from now on: it moves within a quarter of a second of any process's change.
    /// To be called within a Tokio runtime.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.0
            .feed
            .subscribe(&self.0.connection, self.0.postgres.as_ref())
    }

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.0.connection
    }

    pub(crate) fn turn(&self) -> &Mutex<()> {
        &self.0.turn
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.0.feed
    }

    pub(crate) fn denials(&self) -> &DenialLedger {
        &self.0.denials
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.0.data_dir
    }
}

async fn prepare(location: &Location, key: &LoadedKey) -> Result<(Connected, Sealer, i64), StoreError> {
    let connected = location.connect().await?;
    let sealer = Sealer::new(&key.bytes);
    if form(&connected.connection).await? != Some(SCHEMA) {
        migrate(location, &connected.connection, &sealer).await?;
    }
    let meta = meta::Entity::find_by_id(1).one(&connected.connection).await?;
    let meta = meta.ok_or_else(|| StoreError::corrupt("no revision", "the row of table meta is missing"))?;
    sealer
        .open("key check", KEY_CHECK_PLACE, &meta.key_check)
        .map_err(|_| KeyError::Wrong)?;
    Ok((connected, sealer, meta.revision))
}

/// The form of the database; `None` if it is empty.
///
/// INVARIANT **form-readable**: table `meta` has a row 1 with a column `schema` in every form to come.
async fn form(connection: &DatabaseConnection) -> Result<Option<i32>, StoreError> {
    let sql = "SELECT schema FROM meta WHERE id = 1";
    match connection
        .query_one_raw(Statement::from_string(connection.get_database_backend(), sql))
        .await
    {
        Ok(None) => Ok(None),
        Ok(Some(row)) => match row.try_get::<i32>("", "schema")? {
            found if found > SCHEMA => Err(DatabaseError::Newer { found, known: SCHEMA }.into()),
            found => Ok(Some(found)),
        },
        Err(error) if is_missing_table(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_missing_table(error: &DbErr) -> bool {
    let (DbErr::Query(sea_orm::RuntimeErr::SqlxError(inner))
    | DbErr::Exec(sea_orm::RuntimeErr::SqlxError(inner))) = error
    else {
        return false;
    };
    inner.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
    })
}

/// Brings the database to this program's form, one process at a time.
async fn migrate(
    location: &Location,
    connection: &DatabaseConnection,
    sealer: &Sealer,
) -> Result<(), StoreError> {
    match location {
        Location::Sqlite(path) => {
            let lock = lock_beside(path.clone()).await?;
            migrate_locked(connection, sealer).await?;
            drop(lock);
        }
        Location::Postgres(options) => {
            // On a connection of its own, without the pool's time limits; closing it gives the lock back.
            let options = options
                .as_ref()
                .clone()
                .options([("lock_timeout", "120s"), ("statement_timeout", "0")]);
            let mut holder = PgConnection::connect_with(&options)
                .await
                .map_err(|error| classify(&error))?;
            let locked = sqlx::query("SELECT pg_advisory_lock($1)")
                .bind(MIGRATION_LOCK)
                .execute(&mut holder)
                .await;
            locked.map_err(|error| classify(&error))?;
            let migrated = migrate_locked(connection, sealer).await;
            let _ = holder.close().await;
            migrated?;
        }
    }
    Ok(())
}

/// A lock on a file next to the database; dropping it gives it back.
async fn lock_beside(database: PathBuf) -> Result<File, StoreError> {
    let path = database.with_extension("lock");
    let shown = path.clone();
    let taken = tokio::task::spawn_blocking(move || {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        file.lock()?;
        Ok(file)
    });
    taken
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|error| file_error(&shown, "locked", error))
}

async fn migrate_locked(connection: &DatabaseConnection, sealer: &Sealer) -> Result<(), StoreError> {
    // Another process may have done it while this one waited.
    let found = form(connection).await?;
    if found == Some(SCHEMA) {
        return Ok(());
    }
    Migrator::up(connection, None).await?;
    let form = meta::ActiveModel {
        id: Set(1),
        schema: Set(SCHEMA),
        ..Default::default()
    };
    if found.is_some() {
        form.update(connection).await?;
    } else {
        let key_check = Set(sealer.seal(KEY_CHECK_PLACE, KEY_CHECK)?);
        let first = meta::ActiveModel {
            revision: Set(1),
            key_check,
            ..form
        };
        meta::Entity::insert(first)
            .exec_without_returning(connection)
            .await?;
    }
    tracing::info!(
        form = SCHEMA,
        "the database was brought to the form of this version"
    );
    Ok(())
}
