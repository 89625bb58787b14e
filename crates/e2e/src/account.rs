//! Accounts of this machine, for logins by password.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::require_root;
use crate::run::Run;

/// One account file for the whole machine: one change at a time.
static ACCOUNTS: Mutex<()> = Mutex::new(());

/// An account with a password, removed when dropped.
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl Account {
    /// Makes an account. Needs root.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        require_root("accounts");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("gh{}x{number}", std::process::id());
        let password = format!("right horse {number} staple");
        let _guard = ACCOUNTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Run::new("/usr/sbin/useradd")
            .args(["-M", "-d", "/", "-s", "/bin/sh", &name])
            .done()
            .ok();
        let account = Self { name, password };
        let line = format!("{}:{}\n", account.name, account.password);
        Run::new("/usr/sbin/chpasswd").stdin(line).done().ok();
        account
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _guard = ACCOUNTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A process of the account that is just ending is no reason to keep it.
        let _ = std::process::Command::new("/usr/sbin/userdel")
            .args(["-f", &self.name])
            .output();
    }
}
