//! Ansible, which is a crowd of ssh, sftp and scp commands over one shared connection.

use std::fs;

use gatehouse_e2e::{LIMIT, Scene, noise};

use super::at_home;

#[test]
fn ansible_pings_copies_and_fetches() {
    let scene = Scene::new();
    let target = scene.web01();
    let folder = scene.alice.folder();
    let inventory = folder.join("hosts");
    let line = format!(
        "web ansible_host={} ansible_port={} ansible_user={} ansible_python_interpreter=/usr/bin/python3 \
         ansible_ssh_common_args='-F {}' ansible_remote_tmp={}/tmp\n",
        target.addr.ip(),
        target.addr.port(),
        target.login,
        scene.alice.config().display(),
        scene.sshd.files().display(),
    );
    fs::write(&inventory, line).unwrap();
    fs::write(folder.join("payload"), noise(100_000)).unwrap();
    let ansible = |module: &str, arguments: &str, pipelining: &str| {
        let ansible = at_home(&scene, "ansible")
            .env("ANSIBLE_PIPELINING", pipelining)
            .env("ANSIBLE_LOCAL_TEMP", folder.join("local"))
            .env("LC_ALL", "C.UTF-8");
        let ansible = ansible
            .arg("-i")
            .arg(&inventory)
            .args(["web", "-m", module, "-a", arguments]);
        ansible.within(LIMIT * 2).done().ok()
    };
    assert!(ansible("ping", "", "no").contains("pong"));
    assert!(ansible("ping", "", "yes").contains("pong"));
    let (here, there) = (folder.join("payload"), scene.sshd.files().join("payload"));
    let copy = format!("src={} dest={} mode=0640", here.display(), there.display());
    assert!(ansible("copy", &copy, "no").contains("CHANGED"));
    assert!(fs::read(&there).unwrap() == noise(100_000));
    assert!(ansible("copy", &copy, "no").contains("SUCCESS"));
    let fetch = format!(
        "src={} dest={}/ flat=yes",
        there.display(),
        folder.join("fetched").display()
    );
    ansible("fetch", &fetch, "no");
    assert!(fs::read(folder.join("fetched/payload")).unwrap() == noise(100_000));
    assert!(ansible("shell", "echo $((6 * 7))", "yes").contains("42"));
}
