//! Passwords of people, as Argon2id hashes.
//!
//! Parameters: 19 MiB of memory, 2 passes, 1 lane, version 0x13 (RFC 9106; the OWASP minimum), a random salt of 16
//! bytes. A hash carries its parameters, so that they can be raised later.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use gatehouse_model::Secret;
use tokio::sync::Semaphore;

use crate::seal::fill_random;
use crate::{PasswordCheck, StoreError};

/// Shortest password, in characters (NIST SP 800-63B section 5.1.1.1 asks for eight).
pub const PASSWORD_MIN: usize = 8;
/// Longest password, in bytes: more only costs time.
const PASSWORD_MAX: usize = 1_024;
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Most passwords that are hashed at a time, each in 19 MiB. Anybody can ask for it; more at once than there are
/// processors would be no faster and could take all memory.
const AT_ONCE_MAX: usize = 8;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors.min(AT_ONCE_MAX)))
});

/// Hashes a password, off the threads that serve.
pub(crate) async fn hash_password(password: Secret) -> Result<String, StoreError> {
    let text = password
        .expose_str()
        .ok_or_else(|| invalid("the password is not text in UTF-8"))?;
    if text.chars().count() < PASSWORD_MIN {
        return Err(invalid(format!(
            "the password is shorter than {PASSWORD_MIN} characters; choose a longer one"
        )));
    }
    if text.len() > PASSWORD_MAX {
        return Err(invalid(format!(
            "the password is longer than {PASSWORD_MAX} bytes; choose a shorter one"
        )));
    }
    blocking(move || {
        let mut salt = [0; 16];
        fill_random(&mut salt)?;
        let salt = Salt::new(&salt).map_err(|error| StoreError::corrupt("a salt", error))?;
        let hash = hasher()?
            .hash_password_with_salt(password.expose(), salt.as_ref())
            .map_err(invalid)?;
        Ok(hash.to_string())
    })
    .await
}

/// Compares a password with a hash; without one it takes as long and is wrong.
pub(crate) async fn check_password(
    hash: Option<String>,
    password: Secret,
) -> Result<PasswordCheck, StoreError> {
    if password.expose().len() > PASSWORD_MAX {
        return Ok(PasswordCheck::Wrong);
    }
    blocking(move || {
        let Some(hash) = hash else {
            let _ = hasher()?.hash_password_with_salt(password.expose(), &[0; 16]);
            return Ok(PasswordCheck::Wrong);
        };
        let hash = PasswordHash::new(&hash).map_err(|error| StoreError::corrupt("a password hash", error))?;
        let right = hasher()?.verify_password(password.expose(), &hash).is_ok();
        Ok(if right {
            PasswordCheck::Right
        } else {
            PasswordCheck::Wrong
        })
    })
    .await
}

fn hasher() -> Result<Argon2<'static>, StoreError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(invalid)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let interrupted = || StoreError::corrupt("a password", "its hashing was interrupted");
    let turn = Arc::clone(&TURNS).acquire_owned().await;
    let turn = turn.map_err(|_| interrupted())?;
    // The turn is over with the work, also where nobody waits for the result any more.
    let work = move || {
        let _turn = turn;
        work()
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(interrupted()))
}

fn invalid(sentence: impl std::fmt::Display) -> StoreError {
    StoreError::invalid("password", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_or_wrong() {
        let secret = |text: &str| Secret::from(text.to_owned());
        let hash = hash_password(secret("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let check = |hash: Option<&String>, text| check_password(hash.cloned(), secret(text));
        assert_eq!(
            check(Some(&hash), "correct horse").await.unwrap(),
            PasswordCheck::Right
        );
        assert_eq!(
            check(Some(&hash), "correct hors").await.unwrap(),
            PasswordCheck::Wrong
        );
        assert_eq!(check(None, "correct horse").await.unwrap(), PasswordCheck::Wrong);
        assert_ne!(hash, hash_password(secret("correct horse")).await.unwrap());
        assert_eq!(
            hash_password(secret("short")).await.unwrap_err().field(),
            Some("password")
        );
    }
}
