//! What the configuration accepts and what it says of what it does not.

use std::path::Path;

use super::*;

const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    assemble(Some((Path::new("gatehouse.toml"), text)), variables).map_err(|error| error.to_string())
}

#[test]
fn every_key_is_known_and_every_known_key_is_there() {
    let mut config = Config::default();
    let list = || Some(vec!["x".to_owned()]);
    let lists = [
        &mut config.ssh.ciphers,
        &mut config.ssh.kex,
        &mut config.ssh.macs,
        &mut config.ssh.host_keys,
    ];
    lists.into_iter().for_each(|field| *field = list());
    (config.web.cert, config.web.key) = (Some("c".into()), Some("k".into()));
    let alerts = &mut config.alerts;
    (alerts.webhook, alerts.webhook_secret) = (Some("https://h/x".into()), Some("s".repeat(16)));
    (alerts.webhook_secret_file, alerts.webhook_ca) = (Some("s".into()), Some("c".into()));
    let mail = &mut config.mail;
    (mail.host, mail.port, mail.ca) = (Some("mail".to_owned()), Some(587), Some("c".into()));
    (mail.user, mail.password_file) = (Some("u".to_owned()), Some("p".into()));
    mail.from = Some("gate@example.com".to_owned());
    config.policy.contact = Some("ops".to_owned());
    config.store.key_file = Some("k".into());
    config.log.file = Some("l".into());
    config.node.address = Some("jump:7022".to_owned());
    let mut there = Vec::new();
    for (key, value) in toml::Table::try_from(&config).unwrap() {
        match value {
            toml::Value::Table(section) => there.extend(section.keys().map(|name| format!("{key}.{name}"))),
            _ => there.push(key),
        }
    }
    there.sort();
    let mut known: Vec<_> = keys::KEYS.to_vec();
    known.sort_unstable();
    assert_eq!(there, known);
    // One of the two is enough, and more is an error.
    config.alerts.webhook_secret_file = None;
    assert_eq!(
        read(&toml::to_string(&config).unwrap(), &[]),
        Ok(config),
        "what is shown is read back"
    );
}

#[test]
fn the_environment_stands_over_the_file_and_the_file_over_the_defaults() {
    let config = read(
        "data_dir = \"/tmp/a\"\n[ssh]\nlisten = \"127.0.0.1:0\"\nchannels = 5\n",
        &[
            ("GATEHOUSE_SSH__CHANNELS", "7"),
            ("GATEHOUSE_METRICS__LISTEN", "[]"),
            ("GATEHOUSE_RDP__LISTEN", "[::1]:0"),
            ("GATEHOUSE_WEB__LISTEN", "[\"127.0.0.1:1\", \"[::1]:2\"]"),
            ("GATEHOUSE_EXPIRY__WARNINGS", "10m, 30s"),
            ("GATEHOUSE_RECORDING__RECIPIENTS", RECIPIENT),
            ("GATEHOUSE_RECORDING__KEEP_SEALED_KEY", "false"),
            ("GATEHOUSE_POLICY__CONTACT", "5551234"),
            ("GATEHOUSE_DATA_DIR", "/tmp/b"),
            ("GATEHOUSE_CONFIG", "x"),
            ("GATEHOUSE_BIN", "somebody else's"),
        ],
    )
    .unwrap();
    assert_eq!(config.data_dir, Path::new("/tmp/b"));
    assert_eq!((config.ssh.channels, config.ssh.listen.addresses().len()), (7, 1));
    assert!(config.metrics.listen.is_off());
    assert_eq!(config.recording.recipients, [RECIPIENT.parse().unwrap()]);
    assert!(!config.recording.keep_sealed_key);
    assert_eq!(config.rdp.listen.addresses(), &["[::1]:0".parse().unwrap()]);
    assert_eq!(config.web.listen.addresses().len(), 2);
    assert_eq!(
        config
            .expiry
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["10m", "30s"]
    );
    assert_eq!(config.policy.contact.as_deref(), Some("5551234"));
    assert_eq!(config.recordings(), Path::new("/tmp/b/recordings"));
}

/// A file, variables of the environment, and what the sentence must hold.
type Wrong = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const WRONG: &[Wrong] = &[
    (
        "[shh]\nlisten = []\n",
        &[],
        &["gatehouse.toml has an unknown key: shh"],
    ),
    (
        "[ssh]\nlisen = []\nfoo = 1\n",
        &[],
        &["unknown keys", "ssh.lisen (did you mean ssh.listen?)", "ssh.foo"],
    ),
    ("datadir = \"x\"\n", &[], &["datadir (did you mean data_dir?)"]),
    (
        "contact = \"x\"\n",
        &[],
        &["contact (did you mean policy.contact?)"],
    ),
    ("[demo]\nx = 1\n", &[], &["unknown key: demo"]),
    ("[ssh]\nlisten = [\n", &[], &["gatehouse.toml, line "]),
    (
        "[ssh]\nlisten = \"22\"\n",
        &[],
        &[
            "ssh.listen in gatehouse.toml",
            "\"22\" is not an address with a port",
        ],
    ),
    (
        "[ssh]\nlisten = 22\n",
        &[],
        &[
            "ssh.listen in gatehouse.toml must be an address with a port",
            "not 22",
        ],
    ),
    (
        "[ssh]\nlisten = [\"[::1]:5\", \"[::1]:5\"]\n",
        &[],
        &["[::1]:5 is listed twice"],
    ),
    (
        "[ssh]\nchannels = \"many\"\n",
        &[],
        &["ssh.channels in gatehouse.toml must be a number", "\"many\""],
    ),
    (
        "[ssh]\nchannels = 0\n",
        &[],
        &["ssh.channels in gatehouse.toml is 0"],
    ),
    (
        "[ssh]\nlogin_grace = \"5x\"\n",
        &[],
        &["ssh.login_grace", "\"5x\""],
    ),
    (
        "[ssh]\nfirst_use = \"yes\"\n",
        &[],
        &["ssh.first_use", "accept, ask"],
    ),
    ("ssh = 3\n", &[], &["ssh in gatehouse.toml must be a section"]),
    (
        "[recording]\nmode = \"lax\"\n",
        &[],
        &["recording.mode", "strict, best_effort"],
    ),
    (
        "[recording]\nrecipients = [\"age1xyz\"]\n",
        &[],
        &["recording.recipients", "\"age1xyz\" is not an age recipient"],
    ),
    (
        "[recording]\nrecipients = [\"AGE-SECRET-KEY-1GFPYYSJZ\"]\n",
        &[],
        &["recording.recipients", "is the secret key of an identity"],
    ),
    (
        "[policy]\ntimezone = \"Mars/Base\"\n",
        &[],
        &["policy.timezone in gatehouse.toml", "Mars/Base"],
    ),
    ("[log]\nlevel = \"a=b=c\"\n", &[], &["log.level"]),
    ("[web]\ntls = \"files\"\n", &[], &["web.tls", "web.cert"]),
    (
        "[limits]\ndenials = \"30\"\n",
        &[],
        &[
            "limits.denials in gatehouse.toml",
            "\"30\" is not a rate",
            "30/10m",
        ],
    ),
    (
        "[limits]\nstrangers = 1000\n",
        &[],
        &[
            "limits.strangers in gatehouse.toml is 1000",
            "limits.unauthenticated (1000)",
        ],
    ),
    (
        "[limits]\nexempt = [\"10.0.0.7/24\"]\n",
        &[],
        &["limits.exempt", "did you mean 10.0.0.0/24?"],
    ),
    (
        "[limits]\nblock = [\"1m\", \"0\"]\n",
        &[],
        &["limits.block", "\"0\""],
    ),
    (
        "[ssh]\nproxy_listen = \"127.0.0.1:0\"\n",
        &[],
        &["ssh.proxy_listen in gatehouse.toml", "ssh.trusted_proxies"],
    ),
    (
        "[ssh]\ntrusted_proxies = [\"10.0.0.1\", \"::/0\"]\n",
        &[],
        &["ssh.trusted_proxies in gatehouse.toml", "::/0"],
    ),
    (
        "[alerts]\ncommand = [\"mail\", \"root\"]\n",
        &[],
        &["alerts.command in gatehouse.toml", "\"mail\"", "whole path"],
    ),
    (
        "[alerts]\nkinds = [\"deny\"]\n",
        &[],
        &["alerts.kinds", "\"deny\"", "denied, host_key_changed"],
    ),
    (
        "[alerts]\nwebhook = \"https://h/hunter2\"\n",
        &[],
        &["alerts.webhook in gatehouse.toml", "alerts.webhook_secret_file"],
    ),
    (
        "[alerts]\nwebhook = \"http://h/hunter2\"\nwebhook_secret = \"hunter2-hunter2-hunter2\"\n",
        &[],
        &["alerts.webhook in gatehouse.toml is not https"],
    ),
    (
        "[alerts]\nwebhook_secret = \"hunter2\"\n",
        &[],
        &["alerts.webhook_secret in gatehouse.toml is shorter than 16"],
    ),
    (
        "[alerts]\nwebhook_secret = [\"hunter2\"]\n",
        &[],
        &["alerts.webhook_secret in gatehouse.toml must be text in quotes"],
    ),
    (
        "[alerts]\nwebhook_secret = \"hunter2-hunter2-hunter2\"\nwebhook_secret_file = \"s\"\n",
        &[],
        &["alerts.webhook_secret in gatehouse.toml", "one of them"],
    ),
    (
        "[alerts]\ntimeout = \"1h\"\n",
        &[],
        &["alerts.timeout in gatehouse.toml", "300 seconds"],
    ),
    (
        "database_url = \"mysql://u:hunter2@h/d\"\n",
        &[],
        &["database_url in gatehouse.toml is not understood"],
    ),
    (
        "",
        &[("GATEHOUSE_SSH__LISTN", "x")],
        &["the environment", "GATEHOUSE_SSH__LISTN", "GATEHOUSE_SSH__LISTEN"],
    ),
    (
        "",
        &[("GATEHOUSE_DATADIR", "x")],
        &["GATEHOUSE_DATADIR (did you mean GATEHOUSE_DATA_DIR?)"],
    ),
    (
        "",
        &[("GATEHOUSE_SSH__CHANNELS", "x")],
        &["ssh.channels in the environment (GATEHOUSE_SSH__CHANNELS)"],
    ),
    ("", &[("GATEHOUSE_SSH__LISTEN", "[a")], &["ssh.listen"]),
    (
        "",
        &[("GATEHOUSE_SSH__LISTEN", "[a]")],
        &["ssh.listen", "is not a list"],
    ),
];

#[test]
fn wrong_input_is_named_in_one_sentence() {
    for (text, variables, want) in WRONG {
        let error = read(text, variables).map(|_| ()).unwrap_err();
        for part in *want {
            assert!(error.contains(part), "{text:?} {variables:?}: {error}");
        }
        assert!(!error.contains('\n'), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn passwords_are_not_shown() {
    for (url, want) in [
        ("sqlite", "sqlite"),
        ("postgres://u:p@ss/w@h/d", "postgres://u:***@h/d"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        (
            "postgres://h/d?user=u&password=x&a=b",
            "postgres://h/d?user=u&password=***&a=b",
        ),
    ] {
        let config = Config {
            database_url: url.to_owned(),
            ..Config::default()
        };
        assert_eq!(config.without_secrets().database_url, want);
    }
}

#[test]
fn a_webhooks_secret_and_path_are_not_shown() {
    let config = read(
        "[alerts]\nwebhook = \"https://h.example:8443/T0/path-secret\"\n",
        &[("GATEHOUSE_ALERTS__WEBHOOK_SECRET", "hunter2-hunter2-hunter2")],
    )
    .unwrap();
    let shown = toml::to_string(&config.without_secrets()).unwrap();
    assert!(shown.contains("https://h.example:8443/***"), "{shown}");
    assert!(
        !shown.contains("path-secret") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = load(Some(Path::new("/nonexistent/gatehouse.toml")), [])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the configuration file /nonexistent/gatehouse.toml cannot be read"),
        "{error}"
    );
}

#[test]
fn a_node_that_listens_everywhere_must_say_where_it_is_reached() {
    for (lines, right) in [
        ("node.listen = \"0.0.0.0:7022\"", false),
        (
            "node.listen = \"0.0.0.0:7022\"\nnode.address = \"jump:7022\"",
            true,
        ),
        ("node.listen = \"10.9.0.1:7022\"", true),
        ("node.address = \"jump\"", false),
        ("node.address = \":7022\"", false),
        ("node.address = \"jump:0\"", false),
        ("node.address = \"[fd00::1]:7022\"", true),
    ] {
        let read = read(lines, &[]);
        assert_eq!(read.is_ok(), right, "{lines}: {read:?}");
        if let Err(sentence) = read {
            assert!(sentence.contains("node.address"), "{sentence}");
        }
    }
}

#[test]
fn login_records_are_those_of_the_machine_unless_named_or_emptied() {
    let files = |lines: &str| {
        let records = read(&format!("data_dir = \"/data\"\n{lines}"), &[])
            .unwrap()
            .login_records();
        let shown = |path: Option<PathBuf>| path.map(|path| path.display().to_string());
        (shown(records.utmp), shown(records.wtmp))
    };
    let some = |path: &str| Some(path.to_owned());
    assert_eq!(files(""), (some("/run/utmp"), some("/var/log/wtmp")));
    assert_eq!(
        files("utmp.utmp = \"\"\nutmp.wtmp = \"wtmp\""),
        (None, some("/data/wtmp"))
    );
}
