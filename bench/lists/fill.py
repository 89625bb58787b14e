"""Fills an empty store with a long history: `fill.py DATABASE SESSIONS SERVERS LINES INDEXED`, where DATABASE is a path
(SQLite) or a URL (PostgreSQL, through psql). INDEXED sessions, the newest, wait to be indexed. Everything ends a minute before the moment that it is run at, over 100 days."""

import csv
import datetime
import io
import random
import sqlite3
import subprocess
import sys

USERS = 1000
NODES = 3
POLICIES = 2000
SPAN = 100 * 86_400

database, sessions, servers, lines, indexed = sys.argv[1], *map(int, sys.argv[2:6])
postgres = database.startswith("postgres")
dice = random.Random(7)
end = int(datetime.datetime.now(datetime.timezone.utc).timestamp()) - 60


def instant(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def uuid(number):
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" if postgres else bytes.fromhex(text)


def node(number):
    return uuid((1 << 76) | number)


def session_id(at, number):
    return uuid((int(at * 1000) << 80) | (7 << 76) | (2 << 62) | number)


def few(most):
    """Small numbers far more often than large ones, as people and servers are in use."""
    return min(int(dice.paretovariate(0.8)), most)


def the_users():
    for i in range(1, USERS + 1):
        yield i, f"user{i}", f"user{i}", f"user{i}\n\n", "user", True, False, instant(end - SPAN)


def the_servers():
    for i in range(1, servers + 1):
        name, address = f"server{i}", f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
        system = ("linux", "windows", None)[i % 3]
        yield i, name, name, address, system, f"{name}\n{address}\n", i % 50 != 0, False, "off", instant(end - SPAN)


def the_services():
    for i in range(1, servers + 1):
        yield i, "ssh", 22
        if i % 5 == 0:
            yield i, "rdp", 3389


def the_sessions():
    reasons = ["normal"] * 90 + ["timeout"] * 5 + ["killed", "error", "expired", "revoked", "service_restart"]
    for i in range(sessions):
        at = end - SPAN + SPAN * i / sessions
        user, server = few(USERS), few(servers)
        active = i >= sessions - 200
        lasted = dice.expovariate(1 / 600)
        sent, got = int(dice.expovariate(1 / 4000)), int(dice.expovariate(1 / 90000))
        source = f"10.{user % 4}.{user // 256}.{user % 256}"
        octets = [int(part) for part in source.split(".")]
        key = "0" * 20 + "ffff" + "".join(f"{octet:02x}" for octet in octets)
        yield (
            session_id(at, i), user, f"user{user}", f"user{user}", server, f"server{server}", f"server{server}",
            "rdp" if dice.random() < 0.02 else "ssh", "active" if active else "closed", node(i % NODES), source, 50000,
            "10.0.0.1:22", ("root", "admin", "deploy", f"user{user}")[i % 4], False, f"[{1 + i % POLICIES}]",
            instant(at), None if active else instant(at + lasted), None if active else dice.choice(reasons),
            sent, got, "recordings/x", 2**63 - 1 if active else int(lasted * 1e6), 2**63 - 1 if active else sent + got,
            key,
        )


def the_session_policies():
    for i in range(sessions):
        at = end - SPAN + SPAN * i / sessions
        yield session_id(at, i), 1 + i % POLICIES, instant(at)


def the_states():
    for i in range(sessions - indexed, sessions):
        at = end - SPAN + SPAN * i / sessions
        yield session_id(at, i), node(i % NODES), "{}", 0, False, 0


def the_lines():
    actions = ["session.opened"] * 40 + ["session.closed"] * 40 + ["session.denied"] * 15 + ["session.failed"] * 3
    actions += ["policy.granted", "recording.viewed"]
    for i in range(1, lines + 1):
        action, user, server = dice.choice(actions), few(USERS), few(servers)
        outcome = {"session.denied": "denied", "session.failed": "failed"}.get(action, "ok")
        reason = dice.choice(["unknown_source", "outside_schedule", "no_policy"]) if outcome == "denied" else None
        yield (
            i, instant(end - SPAN + SPAN * i / lines), action, f"user{user}", f"10.{user % 4}.0.{user % 256}",
            f"user{user}", f"user{user}", f"server{server}", f"server{server}", None, outcome, reason,
            '{"count":%d,"protocol":"ssh","sentence":"what was said of it, some sixty characters"}' % (1 + i % 3),
            "\\x" + "00" * 32 if postgres else bytes(32),
        )


TABLES = [
    ("users", "id name folded search role active locked created_at", the_users),
    ("servers", "id name folded address os search active locked legacy_algorithms created_at", the_servers),
    ("server_services", "server_id protocol port", the_services),
    (
        "sessions",
        "id user_id user_name user_folded server_id server_name server_folded protocol state node_id source source_port"
        " backend login agent_used policies started_at ended_at end_reason bytes_in bytes_out recording_path"
        " duration_micros bytes_total source_key",
        the_sessions,
    ),
    ("session_policies", "session_id policy_id started_at", the_session_policies),
    ("search_states", "session_id node_id progress lines complete attempts", the_states),
    (
        "audit",
        "seq time action actor source user_name user_folded server_name server_folded session outcome reason detail hash",
        the_lines,
    ),
]


def fill_sqlite():
    db = sqlite3.connect(database)
    db.execute("PRAGMA synchronous = OFF")
    for table, columns, rows in TABLES:
        indexes = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", [table]
        ).fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        names = columns.split()
        places = ", ".join("?" * len(names))
        db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows())
        for _, sql in indexes:
            db.execute(sql)
        db.commit()
    db.close()


def fill_postgres():
    for table, columns, rows in TABLES:
        copy = f"COPY {table} ({', '.join(columns.split())}) FROM STDIN (FORMAT csv)"
        psql = subprocess.Popen(["psql", "-q", "-v", "ON_ERROR_STOP=1", database, "-c", copy], stdin=subprocess.PIPE)
        with io.TextIOWrapper(psql.stdin, encoding="utf-8", newline="") as text:
            csv.writer(text).writerows(rows())
        if psql.wait() != 0:
            sys.exit(f"{table} could not be filled")
    subprocess.run(["psql", "-q", database, "-c", "VACUUM ANALYZE"], check=True)


fill_postgres() if postgres else fill_sqlite()
