//! Behind a proxy: people are who the proxy says, if the proxy is one that may say so.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use gatehouse_e2e::{Client, Haproxy, LIMIT, Run, Scene, Setup, Site, Target, connect_from, wait_for};

/// The number of the proxy's address within the test's network.
const PROXY: u8 = 5;

/// A scene whose gate also listens for proxies, of which that at [`PROXY`] is trusted.
fn scene() -> Scene {
    Scene::prepared(Setup::default(), |site, _, _| behind_proxy(site))
}

fn behind_proxy(site: &Site) {
    let proxy = site.net.host(PROXY);
    site.write_config(&format!(
        "ssh.proxy_listen = \"{}:0\"\nssh.trusted_proxies = [\"{proxy}\"]\n\
         limits.stranger_denials = \"6/10m\"",
        site.net.gate()
    ));
}

fn gate(scene: &Scene) -> SocketAddr {
    scene.site.node().proxied_at(scene.site.net.gate())
}

#[test]
fn a_person_behind_haproxy_is_known_by_the_own_address_and_reaches_the_address_asked_for() {
    let scene = scene();
    let net = scene.site.net;
    let haproxy = Haproxy::start(net.proxy(1), net.host(PROXY), gate(&scene), "send-proxy-v2");
    let through = Target {
        login: scene.sshd.login(),
        addr: haproxy.addr,
    };
    assert_eq!(
        scene.alice.ssh(&through).arg("echo through").done().ok(),
        "through\n"
    );
    let session = scene.site.closed_session();
    assert_eq!(session["user"], "alice");
    assert_eq!(session["source"], net.person(1).to_string());
    assert_eq!(session["proxy"], net.proxy(1).to_string());
    assert_eq!(session["server"], "web01");
    assert_ne!(session["source_port"], 0);

    let stranger = Client::with_key(net.stranger());
    let done = stranger.ssh(&through).arg("id").done().exits(255);
    assert!(done.err().contains(&net.stranger().to_string()), "{done}");
    scene.site.audited("session.denied", |event| {
        event["reason"] == "unknown_source" && event["source"] == net.stranger().to_string()
    });
}

#[test]
fn haproxys_extras_are_skipped_and_its_health_checks_are_no_events() {
    let scene = scene();
    let net = scene.site.net;
    let options = "send-proxy-v2 proxy-v2-options crc32c,unique-id check check-send-proxy inter 100ms";
    let haproxy = Haproxy::start(net.proxy(1), net.host(PROXY), gate(&scene), options);
    let through = Target {
        login: scene.sshd.login(),
        addr: haproxy.addr,
    };
    assert_eq!(
        scene.alice.ssh(&through).arg("echo through").done().ok(),
        "through\n"
    );
    assert!(
        scene
            .site
            .list(&["audit", "list", "--action", "session.denied"])
            .is_empty()
    );
    assert!(scene.site.list(&["block", "list"]).is_empty());
}

#[test]
fn whoever_is_no_listed_proxy_is_closed_and_audited_whatever_is_sent() {
    let scene = scene();
    let net = scene.site.net;
    let claim = header(0x21, 0x11, &v4(net.person(1), net.proxy(1)));
    for sent in [&claim[..], b"SSH-2.0-x\r\n", b""] {
        assert_eq!(answer(net.host(9), gate(&scene), sent), b"");
    }
    let denied = scene
        .site
        .audited("session.denied", |event| event["reason"] == "untrusted_proxy");
    assert_eq!(denied["source"], net.host(9).to_string());
    assert!(denied["user"].is_null());
    // alice herself is no proxy either.
    scene
        .alice
        .ssh(&Target {
            login: scene.sshd.login(),
            addr: gate(&scene),
        })
        .arg("id")
        .done()
        .exits(255);
    assert!(scene.site.list(&["session", "list"]).is_empty());
}

#[test]
fn a_header_means_nothing_where_people_connect_by_themselves() {
    let scene = scene();
    let net = scene.site.net;
    let claim = header(0x21, 0x11, &v4(net.person(1), net.proxy(1)));
    let got = answer(
        net.host(PROXY),
        scene.web01().addr,
        &[&claim[..], b"SSH-2.0-x\r\n"].concat(),
    );
    // It is greeted like anybody, and its bytes are no SSH.
    assert!(got.is_empty() || got.starts_with(b"SSH-2.0-"), "{got:?}");
    assert!(scene.site.list(&["session", "list"]).is_empty());
}

#[test]
fn what_a_proxy_must_not_send_is_refused_and_said() {
    let scene = scene();
    let net = scene.site.net;
    let proxy = net.host(PROXY);
    let good = v4(net.person(1), net.proxy(1));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            b"PROXY TCP4 10.0.0.7 10.9.0.1 50000 22\r\n".to_vec(),
            "version 1 of the PROXY protocol",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            "does not begin with a PROXY header",
        ),
        (vec![0xff; 100], "does not begin with a PROXY header"),
        (header(0x31, 0x11, &good), "version 3"),
        (header(0x2f, 0x11, &good), "command 15"),
        (header(0x21, 0x00, &[]), "0x00"),
        (header(0x21, 0x12, &good), "0x12"),
        (header(0x21, 0x31, &[0; 216]), "0x31"),
        (header(0x21, 0x11, &good[..11]), "ends before its addresses"),
        (header(0x21, 0x11, &[1; 60_000]), "60016 bytes"),
        (
            header(0x21, 0x11, &v4(Ipv4Addr::UNSPECIFIED, net.proxy(1))),
            "0.0.0.0",
        ),
    ];
    for (sent, said) in cases {
        assert_eq!(answer(proxy, gate(&scene), &sent), b"", "{said}");
        wait_for(&format!("{said:?} in the log"), LIMIT, || {
            scene.site.node().log().contains(said).then_some(())
        });
    }
    scene.site.audited("session.denied", |event| {
        event["reason"] == "bad_proxy_header" && event["source"] == proxy.to_string()
    });
    assert!(scene.site.list(&["session", "list"]).is_empty());
    assert!(
        scene.site.list(&["block", "list"]).is_empty(),
        "a proxy is never blocked"
    );
}

#[test]
fn a_header_that_does_not_come_is_waited_for_a_few_seconds_only() {
    let scene = scene();
    let proxy = scene.site.net.host(PROXY);
    let start = Instant::now();
    let begun = header(0x21, 0x11, &v4(scene.site.net.person(1), scene.site.net.proxy(1)));
    assert_eq!(answer(proxy, gate(&scene), &begun[..20]), b"");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(start.elapsed() > Duration::from_secs(4), "{:?}", start.elapsed());
    wait_for("the log to say so", LIMIT, || {
        let log = scene.site.node().log();
        log.contains("no PROXY header came within 5 seconds")
            .then_some(())
    });
}

#[test]
fn addresses_of_both_families_and_ipv4_in_ipv6_clothes_are_understood() {
    let scene = scene();
    let net = scene.site.net;
    let of_alice: Ipv6Addr = "2001:db8:77::7".parse().unwrap();
    let of_gate: Ipv6Addr = "fd00:77::1".parse().unwrap();
    scene
        .site
        .ok(&["user", "address", "add", "alice", &of_alice.to_string()]);
    let plain = scene.sshd.login();
    let named = format!("{plain}@web01");
    let person = net.person(1).to_string();
    let mapped = |ip: Ipv4Addr| ip.to_ipv6_mapped();
    for (bytes, login, source, proxy) in [
        (
            header(0x21, 0x21, &v6(of_alice, of_gate)),
            &named,
            of_alice.to_string(),
            None,
        ),
        (
            header(0x21, 0x21, &v6(mapped(net.person(1)), mapped(net.proxy(1)))),
            &plain,
            person.clone(),
            Some(net.proxy(1)),
        ),
        (
            header(
                0x21,
                0x11,
                &[&v4(net.person(1), net.proxy(1))[..], &[0x04, 0, 2, 1, 2]].concat(),
            ),
            &plain,
            person,
            Some(net.proxy(1)),
        ),
    ] {
        let word = source.replace([':', '.'], "x");
        let done = with_header(&scene, &bytes, login, &format!("echo {word}")).done();
        assert_eq!(done.ok().trim(), word);
        let session = scene.site.session("one from that address", |session| {
            session["source"] == source
                && session["proxy"] == serde_json::json!(proxy.map(|ip| ip.to_string()))
        });
        assert_eq!(session["user"], "alice");
        assert_eq!(session["source_port"], 50_000);
    }
}

#[test]
fn a_proxys_own_connection_counts_as_its_own() {
    let scene = scene();
    let proxy = scene.site.net.host(PROXY);
    let greeting = answer(
        proxy,
        gate(&scene),
        &[&header(0x20, 0, &[])[..], b"SSH-2.0-check\r\n"].concat(),
    );
    assert!(
        greeting.starts_with(b"SSH-2.0-"),
        "a health check is greeted: {greeting:?}"
    );
    let local = header(0x20, 0x11, &v4(scene.site.net.person(1), scene.site.net.proxy(1)));
    let done = with_header(&scene, &local, "root", "id").done().exits(255);
    assert!(
        done.err().contains(&proxy.to_string()),
        "whatever the header says besides: {done}"
    );
    scene.site.audited("session.denied", |event| {
        event["reason"] == "unknown_source" && event["source"] == proxy.to_string()
    });
}

/// Version 2 of the PROXY protocol: version and command, family, and what follows.
fn header(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [
        &b"\r\n\r\n\0\r\nQUIT\n"[..],
        &[version_command, family],
        &length,
        body,
    ]
    .concat()
}

const PORTS: [u8; 4] = [0xc3, 0x50, 0, 22];

fn v4(source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    [&source.octets()[..], &destination.octets(), &PORTS].concat()
}

fn v6(source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    [&source.octets()[..], &destination.octets(), &PORTS].concat()
}

/// What the gate answers to these bytes before it closes the connection, or within a quarter of a minute.
fn answer(source: Ipv4Addr, gate: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = connect_from(source, gate).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    // It may have been closed before all of it was sent.
    let _ = stream.write_all(sent);
    let mut got = Vec::new();
    let mut some = [0; 1_024];
    while let Ok(count @ 1..) = stream.read(&mut some) {
        got.extend_from_slice(&some[..count]);
        if got.contains(&b'\n') {
            break;
        }
    }
    got
}

/// `ssh` by way of a little proxy that sends this header first.
fn with_header(scene: &Scene, header: &[u8], login: &str, command: &str) -> Run {
    const RELAY: &str = "import socket, sys, threading, os\n\
        source, host, port, header = sys.argv[1:]\n\
        s = socket.create_connection((host, int(port)), source_address=(source, 0))\n\
        s.sendall(bytes.fromhex(header))\n\
        def up():\n    \
            while data := os.read(0, 65536): s.sendall(data)\n    \
            s.shutdown(socket.SHUT_WR)\n\
        threading.Thread(target=up, daemon=True).start()\n\
        while data := s.recv(65536): os.write(1, data)\n";
    let gate = gate(scene);
    let script = scene.site.folder().join("relay.py");
    std::fs::write(&script, RELAY).unwrap();
    let hex: String = header.iter().map(|byte| format!("{byte:02x}")).collect();
    let proxy_command = format!(
        "ProxyCommand=python3 {} {} {} {} {hex}",
        script.display(),
        scene.site.net.host(PROXY),
        gate.ip(),
        gate.port()
    );
    let target = Target {
        login: login.to_owned(),
        addr: gate,
    };
    scene
        .alice
        .ssh_with(&target, &["-o", &proxy_command, "-o", "StrictHostKeyChecking=no"])
        .arg(command)
}
