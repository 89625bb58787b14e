//! Keys and wrapped keys, ours and those of the program `age`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;
use crate::frames::FileKey;

fn key() -> FileKey {
    FileKey::new(std::array::from_fn(|n| n as u8))
}

#[test]
fn keys_are_read_and_written_as_age_does() {
    let text = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    let identity = &read_identities(&format!("# created: today\n\n{text}\n")).unwrap()[0];
    assert_eq!(identity.expose().as_str(), text);
    let recipient = identity.recipient();
    assert_eq!(
        recipient.to_string(),
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    );
    assert_eq!(recipient.to_string().parse(), Ok(recipient));
    assert_eq!(format!("{identity:?}"), "[secret]");
    for bad in [
        "",
        "age1",
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk",
        "AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ",
        "ssh-ed25519 AAAA",
    ] {
        assert!(
            matches!(bad.parse::<Recipient>(), Err(KeyError::Recipient(_))),
            "{bad}"
        );
    }
    assert_eq!(text.parse::<Recipient>(), Err(KeyError::IdentityGiven));
    let line = |text: &str| read_identities(text).unwrap_err();
    assert_eq!(line("# a\nrubbish"), KeyError::Identity { line: 2 });
    assert_eq!(line(&text.to_lowercase()), KeyError::Identity { line: 1 });
    assert_eq!(line("# nothing\n"), KeyError::NoIdentity);
    assert_eq!(line("age-encryption.org/v1\n-> scrypt"), KeyError::Encrypted);
    assert!(!line(&format!("{text}x")).to_string().contains("GFPYY"));
}

#[test]
fn a_wrapped_key_opens_for_each_recipient_and_nobody_else() {
    let identities = [3, 4, 5].map(|byte| Identity::new([byte; 32]));
    let recipients = [identities[0].recipient(), identities[1].recipient()];
    let file = wrap(&key(), &recipients, &[1; 32]).unwrap();
    for identity in &identities[..2] {
        assert_eq!(
            unwrap(&file, std::slice::from_ref(identity)).unwrap().expose(),
            key().expose()
        );
    }
    assert_eq!(unwrap(&file, &identities[1..]).unwrap().expose(), key().expose());
    assert_eq!(
        unwrap(&file, &identities[2..]).unwrap_err(),
        WrapError::NoIdentityFits
    );
    assert_eq!(unwrap(&file, &[]).unwrap_err(), WrapError::NoIdentityFits);
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(unwrap(&changed, &identities[..1]).is_err(), "byte {at}");
        assert!(unwrap(&file[..at], &identities[..1]).is_err(), "cut at {at}");
    }
    assert!(unwrap(&[file, vec![0]].concat(), &identities[..1]).is_err());
    assert_ne!(
        wrap(&key(), &recipients, &[1; 32]).unwrap(),
        wrap(&key(), &recipients, &[2; 32]).unwrap()
    );
}

#[test]
fn a_recipient_that_anybody_could_open_for_is_refused() {
    assert_eq!(
        wrap(&key(), &[Recipient([0; 32])], &[1; 32]).unwrap_err(),
        WrapError::WeakRecipient
    );
}

/// Made with age 1.1.1: a key of the bytes 0 to 31, for two recipients; the second is the one of the identity.
#[test]
fn a_key_that_age_wrapped_is_opened() {
    let identity =
        read_identities("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
            .unwrap();
    let file = BASE64.decode("YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA4M3IyeTFlVGIxRk9SU2g5M0lBYndqc1JxSzBSRnFLNTcrWEgvS1NYcW5nCmVXYU9JWTlyUEJ0ZEZLOWlvKzVVUlNoOEVYckpVdjJzL2hjblBDb3JQdGsKLT4gWDI1NTE5IE4rd2EyRWpyNnJ1bmlSWUxrVHluYUhabGdTdFh1bWpUeTdvbzZtMC9KeWsKaGZTVDZPYkFZZmh2UGRMOFZMNkpEMkpoNVFrZlBQb3A2NkZINzJla21DbwotLS0gc0wwM0hQRlpFcERlWW9hV3FkUDRkb2NaRDBpN045SE42bENKbElUYUg2TQpJkq19RiLLYGVhjPWt+RkvL5hZ+W+JYJ2BKZlX8exa8RclCZUVb7A4es5qOrClozS7I4/DJxkC+/cqIl5nCYYg").unwrap();
    assert_eq!(unwrap(&file, &identity).unwrap().expose(), key().expose());
}
