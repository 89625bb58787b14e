//! `-D`: a SOCKS proxy at the client, each destination decided as it comes.

use gatehouse_e2e::{Echo, LIMIT, Run, wait_for};

use super::{interrupted, own_port, scene, without_session};

#[test]
fn each_destination_of_a_dynamic_forward_is_decided_and_written_down() {
    let scene = scene(&["--forwarding=local", "--block-port", "25"]);
    let first = Echo::start(scene.site.net.server(8), "HTTP/1.0 200 first");
    let second = Echo::start(scene.site.net.server(9), "HTTP/1.0 200 second");
    let own = own_port(&scene);
    let client = without_session(&scene.alice, &scene.web01(), &["-D", &own.to_string()]);
    let curl = |to: String| {
        let proxy = format!("socks5h://{own}");
        let curl = Run::new("curl").args(["-s", "-S", "-i", "--max-time", "20", "--http0.9", "-x", &proxy]);
        curl.arg(format!("telnet://{to}")).stdin("hello").done()
    };
    wait_for("the SOCKS proxy", LIMIT, || {
        curl(first.addr.to_string()).out().contains("first").then_some(())
    });
    assert!(curl(second.addr.to_string()).out().contains("second"));
    let refused = curl(format!("{}:25", scene.site.net.server(9)));
    assert_ne!(refused.code, Some(0), "{refused}");
    interrupted(client);
    let session = scene.site.closed_session();
    let mut destinations: Vec<_> = session["forwards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["destination"].as_str().unwrap().to_owned())
        .collect();
    destinations.sort();
    let mut wanted = [first.addr.to_string(), second.addr.to_string()];
    wanted.sort();
    assert_eq!(destinations, wanted, "{session}");
    scene.site.audited("forward.denied", |event| {
        event["detail"]["sentence"].to_string().contains("port 25")
    });
}
