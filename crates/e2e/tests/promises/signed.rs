//! Recordings are signed and anchored in the audit book, and a change is found and named.

use std::fs;
use std::path::Path;

use gatehouse_e2e::{Database, LIMIT, Run, Scene, Setup, program, sql, wait_for};
use serde_json::Value;

/// A site whose only session, of alice, said `evidence`.
fn with_evidence(database: Database) -> (Scene, Value) {
    let scene = Scene::with(Setup {
        database,
        ..Setup::default()
    });
    scene.ssh("echo evidence").done().ok();
    let session = scene.site.closed_session();
    (scene, session)
}

fn id(session: &Value) -> &str {
    session["id"].as_str().unwrap()
}

/// What `session verify` finds of a session.
fn found(scene: &Scene, session: &Value) -> Value {
    scene.site.json(&["session", "verify", id(session)])[0].clone()
}

fn states(found: &Value) -> [&str; 4] {
    ["files", "signature", "anchor", "contents"].map(|part| found[part].as_str().unwrap())
}

/// Flips a bit of a byte in the middle of a file, does this, and puts the file back.
fn with_one_byte_changed<T>(file: &Path, then: impl FnOnce() -> T) -> T {
    let whole = fs::read(file).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    fs::write(file, &changed).unwrap();
    let result = then();
    fs::write(file, whole).unwrap();
    result
}

#[test]
fn a_closed_recording_is_signed_and_the_book_holds_its_manifest() {
    for database in [Database::Sqlite, Database::Postgres] {
        let (scene, session) = with_evidence(database);
        let event = scene
            .site
            .audited("session.closed", |e| e["session"] == session["id"]);
        let manifest = scene.site.recording(&session).join("manifest.json");
        let digest = Run::new("sha256sum").arg(&manifest).done().ok();
        let digest = format!("sha256:{}", digest.split(' ').next().unwrap());
        assert_eq!(event["detail"]["manifest_digest"], digest.as_str());
        let keys = scene.site.list(&["recording-key", "list"]);
        assert_eq!(event["detail"]["manifest_key"], keys[0]["id"]);
        let found = found(&scene, &session);
        assert_eq!(states(&found), ["ok", "ok", "ok", "not_encrypted"], "{found}");
        assert_eq!(
            (&found["ok"], &found["signed_by"]),
            (&true.into(), &keys[0]["id"])
        );
    }
}

#[test]
fn openssh_confirms_the_signature() {
    let (scene, session) = with_evidence(Database::Sqlite);
    let text = String::from_utf8(scene.site.recorded(&session, "manifest.json")).unwrap();
    // As docs/reference/files.md says: what is signed is the manifest without its last field.
    let (head, _) = text.rsplit_once(",\n  \"signature\": {").unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let armoured = format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        manifest["signature"]["sshsig"].as_str().unwrap()
    );
    let folder = scene.site.folder();
    fs::write(folder.join("manifest.sig"), armoured).unwrap();
    let public = scene.site.ok(&["recording-key", "export"]);
    let signers = format!("gate namespaces=\"gatehouse-recording\" {public}");
    fs::write(folder.join("signers"), signers).unwrap();
    let confirm = |message: String| {
        Run::new("ssh-keygen")
            .args(["-Y", "verify", "-I", "gate", "-n", "gatehouse-recording", "-f"])
            .arg(folder.join("signers"))
            .arg("-s")
            .arg(folder.join("manifest.sig"))
            .stdin(message)
            .done()
    };
    let done = confirm(format!("{head}\n}}\n")).ok();
    let key = manifest["signature"]["key"].as_str().unwrap();
    assert!(done.contains("Good") && done.contains(key), "{done}");
    assert_ne!(
        confirm(format!("{head}\n}}\n").replace("alice", "mallo")).code,
        Some(0)
    );
}

#[test]
fn one_changed_byte_in_a_file_or_the_manifest_is_found_and_named() {
    let (scene, session) = with_evidence(Database::Sqlite);
    let folder = scene.site.recording(&session);
    let check = || found(&scene, &session);
    let cast = with_one_byte_changed(&folder.join("ssh-0.cast"), check);
    assert_eq!(states(&cast), ["wrong", "ok", "ok", "not_encrypted"], "{cast}");
    assert_eq!(cast["problems"], serde_json::json!(["ssh-0.cast was changed"]));
    let manifest = with_one_byte_changed(&folder.join("manifest.json"), check);
    assert_eq!(manifest["ok"], false);
    assert!(
        manifest["problems"].to_string().contains("manifest"),
        "{manifest}"
    );
    // A word that leaves it a manifest: the signature and the book both tell.
    let path = folder.join("manifest.json");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("\"alice\"", "\"mallo\"")).unwrap();
    let renamed = check();
    assert_eq!(
        states(&renamed),
        ["ok", "wrong", "wrong", "not_encrypted"],
        "{renamed}"
    );
    let told = scene.site.cli(&["session", "verify", id(&session)]).done();
    assert!(told.exits(1).out().contains("signature"));
    fs::write(&path, whole).unwrap();
    assert_eq!(check()["ok"], true);
    scene.site.audited("recording.verified", |e| {
        e["outcome"] == "failed" && e["reason"].as_str().is_some_and(|why| why.contains("signature"))
    });
}

#[test]
fn one_changed_byte_in_the_book_is_found_and_named() {
    let (scene, session) = with_evidence(Database::Postgres);
    let event = scene
        .site
        .audited("session.closed", |e| e["session"] == session["id"]);
    let digest = event["detail"]["manifest_digest"].as_str().unwrap();
    let last = digest.chars().last().unwrap();
    let other = if last == '0' { '1' } else { '0' };
    let changed = format!("{}{other}", &digest[..digest.len() - 1]);
    sql(
        &scene.site.database_url,
        &format!("update audit set detail = replace(detail, '{digest}', '{changed}')"),
    );
    let line = format!("line {}", event["seq"]);
    let found = found(&scene, &session);
    assert_eq!(states(&found), ["ok", "ok", "wrong", "not_encrypted"], "{found}");
    assert!(found["problems"].to_string().contains(&line), "{found}");
    let all = scene.site.cli(&["session", "verify", "--all"]).done().exits(1);
    assert!(all.out().contains(&line), "{all}");
    // A line further up leaves this one as it was, and a look at the whole book finds it.
    sql(
        &scene.site.database_url,
        &format!("update audit set detail = replace(detail, '{changed}', '{digest}')"),
    );
    scene.site.ok(&["session", "verify", "--all"]);
    sql(
        &scene.site.database_url,
        "update audit set actor = 'cli:nobody@nowhere' where seq = 2",
    );
    scene.site.ok(&["session", "verify", id(&session)]);
    let all = scene.site.cli(&["session", "verify", "--all"]).done().exits(1);
    assert!(all.out().contains("line 2 "), "{all}");
    sql(
        &scene.site.database_url,
        "delete from audit where action = 'session.closed'",
    );
    let told = scene.site.cli(&["session", "verify", id(&session)]).done();
    assert!(told.exits(1).out().contains("no line that anchors"));
}

#[test]
fn an_outsider_verifies_a_copy_without_the_store() {
    let (scene, session) = with_evidence(Database::Sqlite);
    let away = tempfile::tempdir().unwrap();
    let file = |name: &str| away.path().join(name).display().to_string();
    Run::new("cp")
        .arg("-r")
        .arg(scene.site.recording(&session))
        .arg(file("copy"))
        .done()
        .ok();
    scene
        .site
        .ok(&["recording-key", "export", "-o", &file("keys.pub")]);
    let book = scene.site.ok(&["audit", "list", "--json", "--limit", "0"]);
    fs::write(file("book.json"), &book).unwrap();
    let outside = |words: &[&str]| {
        // No configuration, no store, nothing that could be made in passing.
        let empty = away.path().join("empty");
        fs::create_dir_all(&empty).unwrap();
        let done = Run::new("env")
            .args(["-i", "-C"])
            .arg(&empty)
            .arg(program())
            .args(words)
            .done();
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
        done
    };
    let copy = file("copy");
    let verify = |more: &[&str]| outside(&[&["session", "verify", "--dir", &copy, "--json"], more].concat());
    let keys = file("keys.pub");
    let books = file("book.json");
    let read = |out: String| serde_json::from_str::<Value>(&out).unwrap()[0].clone();
    let found = read(verify(&["--public-key", &keys, "--book", &books]).ok());
    assert_eq!(states(&found), ["ok", "ok", "ok", "not_encrypted"], "{found}");
    let found = read(verify(&["--public-key", &keys]).ok());
    assert_eq!(found["anchor"], "not_checked");
    // Without a key to trust nobody vouches for the signature.
    let told = verify(&[]).exits(1);
    assert!(told.out().contains("--public-key"), "{told}");
    let other = scene.alice.public_key();
    fs::write(file("other.pub"), other).unwrap();
    let told = verify(&["--public-key", &file("other.pub")]).exits(1);
    assert!(told.out().contains("not known"), "{told}");
    for (name, words) in [
        ("ssh-0.cast", "ssh-0.cast was changed"),
        ("manifest.json", "manifest"),
    ] {
        let told = with_one_byte_changed(&away.path().join("copy").join(name), || {
            verify(&["--public-key", &keys, "--book", &books]).exits(1)
        });
        assert!(told.out().contains(words), "{told}");
    }
    fs::write(
        file("book.json"),
        book.replace("session.opened", "session.0pened"),
    )
    .unwrap();
    let told = verify(&["--public-key", &keys, "--book", &books]).exits(1);
    assert!(
        told.out().contains("the audit book is not what was written"),
        "{told}"
    );
    assert!(
        outside(&["session", "text", "--dir", &copy])
            .ok()
            .contains("evidence")
    );
    assert!(
        outside(&["session", "export", "--dir", &copy, "--format", "json"])
            .ok()
            .contains("evidence")
    );
}

#[test]
fn a_running_node_signs_with_the_new_key_and_what_the_old_one_has_signed_stays_good() {
    let (scene, first) = with_evidence(Database::Sqlite);
    let old = scene.site.list(&["recording-key", "list"])[0].clone();
    scene.site.ok(&["recording-key", "rotate", "--yes"]);
    let keys = scene.site.list(&["recording-key", "list"]);
    assert_eq!((keys.len(), &keys[0]["id"]), (2, &old["id"]));
    assert!(keys[0]["retired_at"].is_string() && keys[1]["retired_at"].is_null());
    wait_for("a recording that the new key signed", LIMIT, || {
        scene.ssh("true").done().ok();
        let found = scene.site.json(&["session", "verify", "--all"]);
        let signed = found
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["signed_by"] == keys[1]["id"]);
        signed.then_some(())
    });
    assert_eq!(found(&scene, &first)["signed_by"], old["id"]);
    scene.site.ok(&["session", "verify", "--all"]);
}

#[test]
fn a_failed_login_and_a_crash_are_anchored_too() {
    let mut scene = Scene::new();
    let nobody = scene.web01().login("nobody-of-that-name");
    assert_ne!(scene.alice.ssh(&nobody).arg("true").done().code, Some(0));
    let failed = scene.site.audited("session.failed", |_| true);
    assert!(
        failed["detail"]["manifest_digest"]
            .as_str()
            .is_some_and(|digest| digest.starts_with("sha256:")),
        "{failed}"
    );
    let mut terminal = scene.shell();
    let running = scene.active_session();
    scene.site.take_node().kill();
    terminal.ends();
    scene.site.serve();
    let session = scene.closed(&running);
    assert_eq!(session["end_reason"], "service_restart");
    let found = found(&scene, &session);
    assert_eq!(states(&found), ["ok", "ok", "ok", "not_encrypted"], "{found}");
}
