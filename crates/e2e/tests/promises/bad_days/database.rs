//! The database is stopped, killed, held still or slow: running sessions go on, new ones are refused with a sentence,
//! and the rows are completed afterwards.

use std::time::Duration;

use gatehouse_e2e::{Client, Cluster, Database, LIMIT, Scene, Setup, wait_for};
use nix::sys::signal::Signal;

use super::{Bystander, all_is_well, ids};

/// Longest time in which a new session is refused: what the gate waits for an answer, on a busy machine.
const REFUSAL: Duration = Duration::from_secs(60);

/// A scene on a cluster of its own.
fn scene(cluster: &Cluster) -> Scene {
    let url = cluster.database("gatehouse");
    Scene::with(Setup {
        database: Database::At(&url),
        config: "shutdown.grace = \"2s\"",
        ..Setup::default()
    })
}

/// What must hold while the database does not answer.
#[track_caller]
fn without_a_database(scene: &Scene, bystander: &mut Bystander) {
    bystander.works();
    let told = scene.ssh("echo never").within(REFUSAL).done().exits(255);
    assert!(told.stdout.is_empty(), "{told}");
    assert!(told.err().contains("database cannot be reached"), "{told}");
    let stranger = Client::with_key(scene.site.net.stranger());
    let denied = stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    assert!(
        denied.err().contains("Permission denied (publickey)."),
        "{denied}"
    );
    bystander.works();
}

/// Waits until sessions are let in again.
fn access_comes_back(scene: &Scene) {
    wait_for("access to come back", REFUSAL, || {
        (scene.ssh("true").done().code == Some(0)).then_some(())
    });
}

#[test]
fn with_the_database_killed_sessions_go_on_and_their_rows_are_completed_afterwards() {
    let mut cluster = Cluster::own();
    let scene = scene(&cluster);
    let mut stays = Bystander::begin(&scene);
    let mut leaves = Bystander::begin(&scene);
    let known = ids(&scene);
    cluster.stop();
    without_a_database(&scene, &mut stays);
    // One ends while nothing can be written of it.
    leaves.works();
    leaves.terminal.types("exit\n");
    assert_eq!(leaves.terminal.ends(), 0);
    let refused = scene.site.cli(&["session", "list"]).done().exits(1);
    assert_eq!(refused.err().trim_end().lines().count(), 1, "{refused}");
    cluster.start_again();
    let row = scene.closed(&leaves.id);
    assert_eq!(row["end_reason"], "normal", "{row}");
    leaves.is_recorded(&scene);
    access_comes_back(&scene);
    scene
        .site
        .audited("session.denied", |event| event["reason"] == "unknown_source");
    assert!(ids(&scene).is_superset(&known), "a row was lost");
    stays.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn with_the_database_held_still_sessions_go_on_and_new_ones_are_refused_in_time() {
    let cluster = Cluster::own();
    let scene = scene(&cluster);
    let mut stays = Bystander::begin(&scene);
    let mut leaves = Bystander::begin(&scene);
    cluster.hold();
    without_a_database(&scene, &mut stays);
    leaves.works();
    leaves.terminal.types("exit\n");
    assert_eq!(leaves.terminal.ends(), 0);
    cluster.go_on();
    assert_eq!(scene.closed(&leaves.id)["end_reason"], "normal");
    leaves.is_recorded(&scene);
    access_comes_back(&scene);
    // What was refused has left nothing open, whatever the database did with it later.
    let opening = "select count(*) from sessions where state = 'opening'";
    wait_for("no row to be left opening", REFUSAL, || {
        (cluster.sql("gatehouse", opening).trim() == "0").then_some(())
    });
    stays.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn an_order_to_end_that_the_database_kept_is_carried_out_when_it_is_back() {
    let mut cluster = Cluster::own();
    let mut scene = scene(&cluster);
    let mut bystander = Bystander::begin(&scene);
    // Given while the node cannot look, and the database is gone when it can.
    scene.site.node().signal(Signal::SIGSTOP);
    let order = scene
        .site
        .cli(&["session", "kill", &bystander.id, "--reason", "enough"]);
    let ordered = order.within(REFUSAL).done().exits(1);
    assert!(ordered.out().contains("as soon as"), "{ordered}");
    cluster.stop();
    scene.site.node().signal(Signal::SIGCONT);
    bystander.works();
    cluster.start_again();
    assert_eq!(bystander.terminal.ends(), 255);
    assert!(bystander.terminal.all().contains("enough"));
    let row = scene.closed(&bystander.id);
    assert_eq!(row["end_reason"], "killed", "{row}");
    bystander.is_recorded(&scene);
    access_comes_back(&scene);
    all_is_well(&scene);
    assert!(scene.site.take_node().terminate().success());
}

#[test]
fn a_slow_database_delays_new_sessions_and_nothing_else() {
    let cluster = Cluster::own();
    let scene = scene(&cluster);
    let mut bystander = Bystander::begin(&scene);
    std::thread::scope(|scope| {
        let slow = "begin; lock table sessions in access exclusive mode; select pg_sleep(6); commit";
        scope.spawn(|| cluster.sql("gatehouse", slow));
        wait_for("the table to be held", LIMIT, || {
            let held = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted";
            (cluster.sql("gatehouse", held).trim() != "0").then_some(())
        });
        let late = scene.ssh("echo late but served").within(REFUSAL).start();
        bystander.works();
        assert_eq!(late.done().ok(), "late but served\n");
    });
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_node_stops_in_time_while_its_database_is_held_still() {
    let cluster = Cluster::own();
    let mut scene = scene(&cluster);
    let mut bystander = Bystander::begin(&scene);
    cluster.hold();
    let status = scene.site.take_node().terminate_within(Duration::from_secs(120));
    assert!(status.success(), "{status}");
    assert_eq!(bystander.terminal.ends(), 255);
    cluster.go_on();
    scene.site.serve();
    let row = scene.closed(&bystander.id);
    assert_eq!(row["end_reason"], "service_restart", "{row}");
    bystander.is_recorded(&scene);
    all_is_well(&scene);
}
