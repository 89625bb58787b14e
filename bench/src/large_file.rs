//! `bench large-file`: one file of 4 GiB by OpenSSH's `sftp`, to the server and back, with the gate and without it.
//!
//! The file is sparse and goes to `/dev/null`, so that the disk is not what is measured. Too long for `./test`, which
//! proves the border of 32 bits with copies that are gone on with there.

use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use gatehouse_e2e::{Scene, Target};

use crate::effort::{Effort, Length};

/// Bytes of the file.
const BYTES: Effort<u64> = Effort {
    full: 4 * 1024 * 1024 * 1024,
    quick: 64 * 1024 * 1024,
};
/// Time in which a busy machine copies it.
const LIMIT: Duration = Duration::from_secs(900);

/// Measures and prints markdown.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    let scene = Scene::new();
    let bytes = BYTES.at(length);
    let file = scene.sshd.files().join("large");
    File::create(&file)?.set_len(bytes)?;
    writeln!(
        out,
        "| {bytes} bytes by sftp | direct, s | gate, s | gate ÷ direct |\n| --- | --- | --- | --- |"
    )?;
    for (words, verb) in [("up", "put"), ("down", "get")] {
        let batch = format!("{verb} {} /dev/null\n", file.display());
        let direct = seconds(&scene, &scene.direct(), &batch);
        let gate = seconds(&scene, &scene.web01(), &batch);
        writeln!(
            out,
            "| {words} | {direct:.1} | {gate:.1} | {:.2} |",
            gate / direct
        )?;
    }
    for session in scene.all_closed(2) {
        let field = |name: &str| session.pointer(&format!("/transfers/0/{name}"));
        let whole = field("bytes").and_then(|value| value.as_u64()) == Some(bytes);
        let ok = field("result").and_then(|value| value.as_str()) == Some("ok");
        if !(whole && ok) {
            return Err(io::Error::other(format!("the row of a copy is wrong: {session}")));
        }
    }
    Ok(())
}

fn seconds(scene: &Scene, target: &Target, batch: &str) -> f64 {
    let sftp = scene.alice.copier("sftp", target).args(["-b", "-"]);
    let sftp = sftp.arg(target.addr.ip().to_string()).stdin(batch).within(LIMIT);
    let begin = Instant::now();
    sftp.done().ok();
    begin.elapsed().as_secs_f64()
}
