//! Recordings: channels, downloads, transcripts, verification.

use gatehouse_archive::SealedKey;
use gatehouse_gate::RecordingEncryption;
use gatehouse_recording::age::Identity;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::site::{TestSite, say, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_told_by_channel() {
    let site = TestSite::start().await;
    let id = site.ended("alice", &["$ ls\r\n", "one  two\r\n", "$ "]).await;
    let path = format!("/sessions/{id}/recording/channels");
    let channels = site.get("audra", &path).await.is(200).json();
    let channel = &channels[0];
    assert_eq!(channel["kind"], "shell");
    assert_eq!((&channel["width"], &channel["height"]), (&json!(80), &json!(24)));
    let activity: Vec<u64> = serde_json::from_value(channel["activity"].clone()).unwrap();
    assert_eq!((activity.len(), activity.iter().sum::<u64>()), (120, 18));
    assert!(channel["events"].as_u64().unwrap() >= 2 && channel["size"].as_u64().unwrap() > 100);
    assert_eq!(
        site.get("audra", &path).await.is(200).json(),
        channels,
        "remembered"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_have_their_form_and_stand_in_the_book() {
    let site = TestSite::start().await;
    let id = site.ended("alice", &["$ ls\r\n", "one\r\n"]).await;
    let path = |query: &str| format!("/sessions/{id}/recording?{query}");
    let cast = site.get("audra", &path("format=cast")).await.is(200);
    let header: Value = serde_json::from_str(cast.text().lines().next().unwrap()).unwrap();
    assert_eq!(header["version"], 2);
    assert_eq!(cast.header("content-type"), Some("application/x-asciicast"));
    assert_eq!(
        cast.header("content-disposition"),
        Some(format!("attachment; filename=\"{id}-ssh-0.cast\"").as_str())
    );
    assert_eq!(
        site.booked("recording.exported", &id).await,
        (1, Some("audra".to_owned()))
    );
    let text = site.get("audra", &path("format=txt")).await.is(200);
    assert_eq!(text.text(), "$ ls\none\n");
    assert_eq!(text.header("accept-ranges"), Some("none"));
    let all = site.get("audra", &path("format=json")).await.is(200).json();
    assert_eq!(
        (&all["session"]["id"], &all["damage"]),
        (&json!(id), &Value::Null)
    );
    assert_eq!(all["events"].as_array().unwrap().last().unwrap()["kind"], "exit");
    let original = site
        .get("audra", &path("format=original&file=ssh-0.cast"))
        .await
        .is(200);
    assert_eq!(original.body, cast.body);
    let manifest = site
        .get("audra", &path("format=original&file=manifest.json"))
        .await
        .is(200)
        .json();
    let digest = hex::encode(Sha256::digest(&cast.body));
    assert_eq!(manifest["files"][0]["sha256"], digest);
    assert_eq!(site.booked("recording.exported", &id).await.0, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_refused_and_not_booked() {
    let site = TestSite::start().await;
    let id = site.ended("alice", &["$ "]).await;
    let secret = site.dir.path().join("store.key");
    assert!(secret.exists());
    for (query, field) in [
        ("format=mp4", "format"),
        ("channel=7", "channel"),
        ("format=pcapng", "channel"),
        ("format=original", "file"),
        ("format=cast&file=ssh-0.cast", "file"),
        ("format=original&file=ssh-1.cast", "file"),
        ("format=original&file=../../../../../store.key", "file"),
        ("format=original&file=..%2F..%2F..%2F..%2F..%2Fstore.key", "file"),
        ("format=original&file=%2Fetc%2Fpasswd", "file"),
    ] {
        let answer = site
            .get("audra", &format!("/sessions/{id}/recording?{query}"))
            .await
            .is(422);
        assert_eq!(answer.json()["field"], field, "{query}");
    }
    site.get("audra", "/sessions/ffff/recording").await.refused(404);
    assert_eq!(site.booked("recording.exported", &id).await.0, 0);
    std::fs::remove_dir_all(site.dir.path().join("recordings")).unwrap();
    let told = site
        .get("audra", &format!("/sessions/{id}/recording"))
        .await
        .refused(404);
    assert!(told.contains("may have been removed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_can_be_had_in_parts() {
    let site = TestSite::start().await;
    let output = "0123456789".repeat(20_000);
    let id = site.ended("alice", &[&output]).await;
    let path = format!("/sessions/{id}/recording?format=cast");
    let whole = site.get("audra", &path).await.is(200);
    let length = whole.body.len();
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("content-length"), Some(length.to_string().as_str()));
    let tag = whole.header("etag").unwrap();
    let part = site
        .get_with("audra", &path, &[("Range", "bytes=100-99999"), ("If-Range", tag)])
        .await
        .is(206);
    assert_eq!(part.body, whole.body[100..100_000]);
    assert_eq!(
        part.header("content-range"),
        Some(format!("bytes 100-99999/{length}").as_str())
    );
    let last = site
        .get_with("audra", &path, &[("Range", "bytes=-5")])
        .await
        .is(206);
    assert_eq!(last.body, whole.body[length - 5..]);
    let other = [("Range", "bytes=0-3"), ("If-Range", "\"other\"")];
    assert_eq!(
        site.get_with("audra", &path, &other).await.is(200).body.len(),
        length
    );
    let beyond = format!("bytes={length}-");
    let refused = site.get_with("audra", &path, &[("Range", &beyond)]).await.is(416);
    assert_eq!(
        refused.header("content-range"),
        Some(format!("bytes */{length}").as_str())
    );
    assert_eq!(
        site.booked("recording.exported", &id).await.0,
        4,
        "what was refused was not shown"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_session_is_downloaded_in_whole_lines() {
    let site = TestSite::start().await;
    let running = site.session("alice").await;
    let tap = running.shell();
    say(&tap, "$ ls\r\n").await;
    let path = format!("/sessions/{}/recording", running.id);
    let text = until(async || {
        let answer = site.get("audra", &path).await;
        (answer.status == 200 && answer.text().contains("$ ls")).then(|| answer.text().to_owned())
    });
    assert!(text.await.ends_with('\n'));
    let told = site.get("audra", &format!("{path}/verify")).await.refused(409);
    assert!(told.contains("still running"), "{told}");
    running.end(tap).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_read_page_by_page() {
    let site = TestSite::start().await;
    let lines: Vec<String> = (0..300).map(|n| format!("line {n}\r\n")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let id = site.ended("alice", &lines).await;
    let path = format!("/sessions/{id}/transcript");
    let (mut got, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = site
            .get("audra", &format!("{path}?limit=50{after}"))
            .await
            .is(200)
            .json();
        let items = page["items"].as_array().unwrap().clone();
        got.extend(items.iter().map(|line| line["text"].as_str().unwrap().to_owned()));
        pages += 1;
        if page["next"].is_null() {
            break;
        }
        // Everything of the last instant is in the page.
        assert_eq!(page["next"], items.last().unwrap()["t"]);
        after = format!("&after={}", page["next"]);
    }
    assert_eq!(got, (0..300).map(|n| format!("line {n}")).collect::<Vec<_>>());
    assert!(pages >= 2, "{pages}");
    assert_eq!(
        site.booked("recording.viewed", &id).await.0,
        1,
        "its pages are one view"
    );
    site.get("audra", &path).await.is(200);
    assert_eq!(site.booked("recording.viewed", &id).await.0, 2);
    site.get("audra", &format!("{path}?limit=0")).await.refused(422);
    site.get("audra", &format!("{path}?channel=9")).await.refused(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_recording_is_found_out() {
    let site = TestSite::start().await;
    let id = site.ended("alice", &["$ "]).await;
    let path = format!("/sessions/{id}/recording/verify");
    let found = site.get("audra", &path).await.is(200).json();
    assert_eq!(
        (&found["ok"], &found["anchor"], &found["signature"]),
        (&json!(true), &json!("ok"), &json!("ok"))
    );
    let row = site.get("audra", &format!("/sessions/{id}")).await.is(200).json();
    let cast = site
        .dir
        .path()
        .join(row["recording"]["path"].as_str().unwrap())
        .join("ssh-0.cast");
    let mut bytes = std::fs::read(&cast).unwrap();
    bytes.extend_from_slice(b"[9.0, \"o\", \"forged\"]\n");
    std::fs::write(&cast, bytes).unwrap();
    let found = site.get("audra", &path).await.is(200).json();
    assert_eq!((&found["ok"], &found["files"]), (&json!(false), &json!("wrong")));
    assert_eq!(
        site.booked("recording.verified", &id).await,
        (2, Some("audra".to_owned()))
    );
}

fn encrypted(sealed_key: SealedKey) -> RecordingEncryption {
    RecordingEncryption {
        recipients: vec![Identity::new([7; 32]).recipient()],
        sealed_key,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_recording_is_read_with_the_key_of_the_site() {
    let site = TestSite::start_with(encrypted(SealedKey::Kept)).await;
    let id = site.ended("alice", &["$ ls\r\n"]).await;
    let path = |query: &str| format!("/sessions/{id}/recording?{query}");
    let range = [("Range", "bytes=0-9")];
    // Decrypted on the way, so not in parts.
    let cast = site.get_with("audra", &path("format=cast"), &range).await.is(200);
    assert_eq!(cast.header("accept-ranges"), Some("none"));
    assert!(cast.text().starts_with('{') && cast.text().contains("$ ls"));
    let original = site
        .get("audra", &path("format=original&file=ssh-0.cast"))
        .await
        .is(200);
    assert!(
        !original.body.windows(4).any(|four| four == b"$ ls"),
        "as it lies on the disk"
    );
    let part = site
        .get_with("audra", &path("format=original&file=ssh-0.cast"), &range)
        .await
        .is(206);
    assert_eq!(part.body, original.body[..10]);
    let page = site
        .get("audra", &format!("/sessions/{id}/live"))
        .await
        .is(200)
        .json();
    assert!(page["events"].to_string().contains("$ ls"));
    let found = site
        .get("audra", &format!("/sessions/{id}/recording/verify"))
        .await
        .is(200)
        .json();
    assert_eq!((&found["ok"], &found["contents"]), (&json!(true), &json!("ok")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_only_the_original_is_given() {
    let site = TestSite::start_with(encrypted(SealedKey::Dropped)).await;
    let id = site.ended("alice", &["$ ls\r\n"]).await;
    for what in [
        "recording?format=cast",
        "recording?format=txt",
        "recording?format=json",
        "recording/channels",
        "transcript",
        "live",
    ] {
        let told = site
            .get("audra", &format!("/sessions/{id}/{what}"))
            .await
            .refused(409);
        assert!(told.contains("encrypted for age1"), "{told}");
    }
    assert_eq!(
        site.booked("recording.viewed", &id).await.0,
        0,
        "nothing was shown"
    );
    assert_eq!(site.booked("recording.exported", &id).await.0, 0);
    let original = format!("/sessions/{id}/recording?format=original&file=ssh-0.cast");
    site.get("audra", &original).await.is(200);
    let found = site
        .get("audra", &format!("/sessions/{id}/recording/verify"))
        .await
        .is(200)
        .json();
    assert_eq!(
        (&found["ok"], &found["contents"]),
        (&json!(true), &json!("no_key"))
    );
}
