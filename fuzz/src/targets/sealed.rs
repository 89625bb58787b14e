//! What lies on a disk that others may have written to: encrypted files, wrapped keys, signed manifests.

use gatehouse_model::{
    BinaryMode, ForwardCapture, InputMode, NodeId, Protocol, RecordMode, Secret, SessionId, SourceAddr,
    Timestamp,
};
use gatehouse_recording::FileName;
use gatehouse_recording::age::{Identity, Recipient, read_identities, unwrap, wrap};
use gatehouse_recording::frames::{FileKey, FrameError, FrameKey, FrameReader, FrameScanner, FrameWriter};
use gatehouse_recording::manifest::{
    Manifest, ManifestFile, ManifestHead, ManifestText, RecordingEnd, RecordingTerms,
};
use gatehouse_recording::signature::{PublicKey, SigningKey};

/// The lines of the genuine file, in the pieces in which they were written.
const PIECES: [&[u8]; 3] = [
    b"{\"version\":2}\n[0.1, \"o\", \"one\"]\n",
    b"[0.2, \"o\", \"two\"]\n",
    b"[0.3, \"x\", \"0\"]\n",
];

fn session() -> SessionId {
    SessionId(Default::default())
}

fn key() -> FrameKey {
    FileKey::new([7; 32]).of_file(session(), FileName::Cast(0))
}

/// An encrypted file with its end mark: the only one that is genuine.
pub fn genuine_frames() -> Vec<u8> {
    let mut writer = FrameWriter::new(key());
    let mut file = Vec::new();
    for piece in PIECES {
        file.extend(writer.seal(piece));
        writer.commit();
    }
    file.extend(writer.end());
    file
}

/// The reader of encrypted files gives nothing that was not written, in no other order, and the same however the bytes
/// come; what is whole at its end is the genuine file.
pub fn frames(input: &[u8]) {
    let read = |size: usize| {
        let (mut reader, mut plain) = (FrameReader::new(key()), Vec::new());
        let mut result = Ok(());
        for chunk in input.chunks(size.max(1)) {
            reader.feed(chunk);
            result = reader.read(&mut plain);
        }
        (plain, result, reader.finish())
    };
    let whole = read(input.len());
    assert_eq!(read(1), whole);
    let (plain, result, finished) = whole;
    let genuine = PIECES.concat();
    assert!(genuine.starts_with(&plain), "what was never written was read");
    if finished == Ok(()) {
        assert_eq!((input, plain), (&genuine_frames()[..], genuine.clone()));
    }
    let scan = |key: Option<FrameKey>, size: usize| {
        let mut scanner = FrameScanner::new(key);
        input.chunks(size.max(1)).for_each(|chunk| scanner.feed(chunk));
        scanner.finish()
    };
    for key in [None, Some(())] {
        let open = || key.map(|()| self::key());
        let tail = scan(open(), input.len());
        assert_eq!(scan(open(), 1), tail);
        assert!(tail.length <= input.len() as u64);
        // What a crash tore is cut and ended, and then it is whole.
        if key.is_some() && result == Ok(()) && tail.length > 0 {
            let kept = usize::try_from(tail.length).unwrap_or(usize::MAX);
            let mut mended = input.get(..kept).unwrap_or_default().to_vec();
            if !tail.ended {
                mended.extend(FrameWriter::ending(self::key(), &tail).end());
            }
            let (mut reader, mut plain) = (FrameReader::new(self::key()), Vec::new());
            reader.feed(&mended);
            let read: Result<(), FrameError> = reader.read(&mut plain);
            assert_eq!((read, reader.finish()), (Ok(()), Ok(())));
            assert!(plain.is_empty() || plain.ends_with(b"\n"));
        }
    }
}

/// A wrapped key for [`wrapped_key`]'s identity.
pub fn genuine_wrapped_key() -> Vec<u8> {
    let recipients = [3, 4].map(|byte| Identity::new([byte; 32]).recipient());
    wrap(&FileKey::new([9; 32]), &recipients, &[5; 32]).unwrap_or_default()
}

/// No bytes open to another key than the one that was wrapped; and what is read as keys is written as it was.
pub fn wrapped_key(input: &[u8]) {
    if let Ok(key) = unwrap(input, &[Identity::new([4; 32])]) {
        assert_eq!(key.expose(), &[9; 32], "a key that nobody wrapped");
        assert_eq!(input, genuine_wrapped_key());
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(recipient) = text.parse::<Recipient>() {
        assert_eq!(recipient.to_string(), text.trim());
    }
    if let Ok(identities) = read_identities(&text) {
        assert!(
            identities
                .iter()
                .all(|identity| text.contains(identity.expose().as_str()))
        );
    }
    if let Ok(keys) = PublicKey::read_all(&text) {
        assert!(
            keys.iter()
                .all(|key| text.contains(key.to_string().trim_start_matches("ssh-ed25519 ")))
        );
    }
}

fn signing_key() -> Option<SigningKey> {
    SigningKey::from_seed(&Secret::new(vec![1; SigningKey::SEED]))
}

/// A signed manifest: the only one that is genuine.
pub fn genuine_manifest() -> Vec<u8> {
    let head = ManifestHead {
        session: session(),
        node: NodeId(Default::default()),
        user: "alice".to_owned(),
        server: "web01".to_owned(),
        protocol: Protocol::Ssh,
        login: None,
        source: SourceAddr::new(std::net::IpAddr::from([127, 0, 0, 1])),
        source_port: 1,
        proxy: None,
        backend: "127.0.0.1:22".to_owned(),
        policies: Vec::new(),
        recording: RecordingTerms {
            mode: RecordMode::Strict,
            binary: BinaryMode::Digest,
            input: InputMode::Echoed,
            forwards: ForwardCapture::Off,
        },
        started_at: Timestamp::UNIX_EPOCH,
    };
    let file = ManifestFile {
        name: "ssh-0.cast".to_owned(),
        size: 10,
        sha256: "ab".repeat(32),
        end_mark: Some(true),
    };
    let end = RecordingEnd {
        ended_at: Timestamp::UNIX_EPOCH,
        reason: "normal".to_owned(),
    };
    let manifest = Manifest::open(head, None).sealed(vec![file], end);
    signing_key().map_or_else(Vec::new, |key| manifest.to_signed_bytes(&key))
}

/// Nothing but the genuine manifest bears a good signature of its key.
pub fn manifest(input: &[u8]) {
    let Ok(text) = ManifestText::from_bytes(input) else {
        return;
    };
    if let Ok(Some(signer)) = text.signer()
        && Some(signer) == signing_key().map(|key| key.public())
    {
        assert_eq!(input, genuine_manifest());
    }
}
