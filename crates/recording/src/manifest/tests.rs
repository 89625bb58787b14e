//! Manifests: written, read, signed, changed.

use gatehouse_model::Secret;

use super::*;
use crate::age::{Identity, WrapError};
use crate::frames::FileKey;
use crate::signature::{SignatureError, SigningKey};

fn head() -> ManifestHead {
    ManifestHead {
        session: "019301f0-0000-7000-8000-000000000001".parse().unwrap(),
        node: "019301f0-0000-7000-8000-000000000002".parse().unwrap(),
        user: "p.mojski".into(),
        server: "linux-dev".into(),
        protocol: Protocol::Ssh,
        login: None,
        source: "::ffff:127.0.1.20".parse().unwrap(),
        source_port: 50_412,
        proxy: None,
        backend: "127.0.3.1:22".into(),
        policies: vec![PolicyId(12)],
        recording: RecordingTerms {
            mode: RecordMode::Strict,
            binary: BinaryMode::Digest,
            input: InputMode::Echoed,
            forwards: ForwardCapture::Off,
        },
        started_at: "2026-01-31T10:00:00.000001Z".parse().unwrap(),
    }
}

#[test]
fn what_is_written_is_read() {
    let open = Manifest::open(head(), None);
    assert_eq!(Manifest::from_bytes(&open.to_bytes()).unwrap(), open);
    let file = |name: &str, size| ManifestFile {
        name: name.into(),
        size,
        sha256: "00".repeat(32),
        end_mark: None,
    };
    let end = RecordingEnd {
        ended_at: "2026-01-31T11:00:00Z".parse().unwrap(),
        reason: "killed".into(),
    };
    let sealed = open.sealed(vec![file("ssh-1.cast", 2), file("ssh-0.cast", 1)], end);
    assert_eq!(Manifest::from_bytes(&sealed.to_bytes()).unwrap(), sealed);
    assert_eq!(
        (sealed.total_size(), sealed.files[0].name.as_str()),
        (3, "ssh-0.cast")
    );
    let text = String::from_utf8(sealed.to_bytes()).unwrap();
    assert!(
        text.contains("\"end_reason\": \"killed\"") && text.contains("\"source\": \"127.0.1.20\""),
        "{text}"
    );
}

#[test]
fn the_digest_covers_names_sizes_and_contents() {
    let file = |name: &str, size, digit: &str| ManifestFile {
        name: name.into(),
        size,
        sha256: digit.repeat(64),
        end_mark: None,
    };
    let digest = Manifest::digest_of(&[file("a", 1, "0"), file("b", 2, "1")]);
    assert_eq!(
        digest,
        Manifest::digest_of(&[file("b", 2, "1"), file("a", 1, "0")]),
        "order is no matter"
    );
    for other in [file("a", 1, "2"), file("a", 2, "0"), file("c", 1, "0")] {
        assert_ne!(digest, Manifest::digest_of(&[other, file("b", 2, "1")]));
    }
}

#[test]
fn a_later_format_is_refused_in_words() {
    let mut later = Manifest::open(head(), None);
    later.version = 99;
    assert!(matches!(
        Manifest::from_bytes(&later.to_bytes()),
        Err(ManifestError::TooNew(99))
    ));
    assert!(matches!(
        Manifest::from_bytes(b"{}"),
        Err(ManifestError::Malformed(_))
    ));
}

fn signing_key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new(vec![byte; 32])).unwrap()
}

fn sealed() -> Manifest {
    let file = ManifestFile {
        name: "ssh-0.cast".into(),
        size: 10,
        sha256: "ab".repeat(32),
        end_mark: Some(true),
    };
    let end = RecordingEnd {
        ended_at: "2026-01-31T11:00:00Z".parse().unwrap(),
        reason: "normal".into(),
    };
    Manifest::open(head(), None).sealed(vec![file], end)
}

#[test]
fn a_signed_manifest_is_read_and_its_signer_told() {
    let bytes = sealed().to_signed_bytes(&signing_key(1));
    let text = ManifestText::from_bytes(&bytes).unwrap();
    assert_eq!((&text.manifest, &text.signed), (&sealed(), &sealed().to_bytes()));
    assert_eq!(text.signer(), Ok(Some(signing_key(1).public())));
    assert_eq!(Manifest::from_bytes(&bytes).unwrap(), sealed());
    let unsigned = ManifestText::from_bytes(&sealed().to_bytes()).unwrap();
    assert_eq!(
        (unsigned.signature.is_none(), unsigned.signer()),
        (true, Ok(None))
    );
    assert_ne!(unsigned.digest, text.digest);
    // Any JSON reader sees one object.
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["signature"]["key"], signing_key(1).public().id());
}

#[test]
fn any_changed_byte_of_a_signed_manifest_shows() {
    let bytes = sealed().to_signed_bytes(&signing_key(1));
    for at in 0..bytes.len() {
        for bit in [1, 0x20] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            let good = ManifestText::from_bytes(&changed)
                .is_ok_and(|text| text.signer() == Ok(Some(signing_key(1).public())));
            assert!(!good, "bit {bit} of byte {at}");
        }
    }
    for more in [&b" "[..], b"\n", b"{}"] {
        let longer = [&bytes, more].concat();
        assert!(
            ManifestText::from_bytes(&longer)
                .map_or(true, |text| text.signer() != Ok(Some(signing_key(1).public())))
        );
    }
}

#[test]
fn a_signature_moved_to_another_manifest_does_not_fit() {
    let bytes = sealed().to_signed_bytes(&signing_key(1));
    let mut other = sealed();
    other.head.user = "somebody else".into();
    let theirs = other.to_signed_bytes(&signing_key(1));
    let seam = |bytes: &[u8]| bytes.windows(14).rposition(|w| w == b"  \"signature\":").unwrap();
    let moved = [&bytes[..seam(&bytes)], &theirs[seam(&theirs)..]].concat();
    let text = ManifestText::from_bytes(&moved).unwrap();
    assert_eq!(text.signer(), Err(SignatureError::Wrong));
    // A name that looks like a signature is a name.
    other.head.user = "x\",\n  \"signature\": {".into();
    let bytes = other.to_signed_bytes(&signing_key(2));
    assert_eq!(ManifestText::from_bytes(&bytes).unwrap().manifest, other);
}

#[test]
fn the_encryption_header_opens_for_its_recipients() {
    let key = FileKey::new([9; 32]);
    let identities = [1, 2, 3].map(|byte| Identity::new([byte; 32]));
    let recipients = [identities[0].recipient(), identities[1].recipient()];
    let header = Encryption::new(&key, &recipients, b"sealed", &[5; 32]).unwrap();
    let manifest = Manifest::open(head(), Some(header.clone()));
    let read = Manifest::from_bytes(&manifest.to_bytes()).unwrap();
    let read = read.encryption.unwrap();
    assert_eq!((&read, read.sealed()), (&header, Some(b"sealed".to_vec())));
    for identity in &identities[..2] {
        assert_eq!(
            read.open(std::slice::from_ref(identity)).unwrap().expose(),
            key.expose()
        );
    }
    assert_eq!(
        read.open(&identities[2..]).unwrap_err(),
        WrapError::NoIdentityFits
    );
    let exchanged = Encryption::new(&FileKey::new([8; 32]), &recipients, b"", &[6; 32]).unwrap();
    let forged = Encryption {
        file_key: exchanged.file_key,
        ..header.clone()
    };
    assert_eq!(forged.open(&identities).unwrap_err(), WrapError::Damaged);
    let later = Encryption { format: 2, ..header };
    let later = Manifest::open(head(), Some(later));
    assert!(matches!(
        Manifest::from_bytes(&later.to_bytes()),
        Err(ManifestError::UnknownEncryption(2))
    ));
}
