//! What a hook is told.

use gatehouse_model::format_time;
use gatehouse_store::DueAlert;
use serde_json::json;

/// The alert as one JSON object on one line.
pub(crate) fn payload(alert: &DueAlert, node: &str) -> Vec<u8> {
    let value = json!({
        "id": alert.id,
        "kind": alert.kind,
        "time": format_time(alert.time),
        "sentence": alert.sentence,
        "node": node,
        "event": alert.event,
    });
    value.to_string().into_bytes()
}

/// The alert as a message of Slack, and of those that take what Slack takes.
pub(crate) fn slack(alert: &DueAlert, node: &str) -> Vec<u8> {
    let (time, kind) = (format_time(alert.time), alert.kind.as_str());
    let text = format!(
        "{} ({kind} #{}, {time}, told by {node})",
        alert.sentence, alert.id
    );
    // The three characters that have a meaning there.
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!({ "text": text }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use gatehouse_model::Timestamp;
    use gatehouse_store::AlertKind;

    use super::*;

    #[test]
    fn slack_is_told_a_text_in_which_nothing_has_a_meaning() {
        let text = String::from_utf8(slack(&alert("<!channel> & co"), "jump")).unwrap();
        assert_eq!(
            text,
            r#"{"text":"&lt;!channel&gt; &amp; co (host_key_changed #7, 1970-01-01T00:00:00Z, told by jump)"}"#
        );
    }

    fn alert(sentence: &str) -> DueAlert {
        DueAlert {
            id: 7,
            kind: AlertKind::HostKeyChanged,
            time: Timestamp::UNIX_EPOCH,
            sentence: sentence.to_owned(),
            event: json!({"seq": 12}),
            attempt: 3,
        }
    }

    #[test]
    fn an_alert_is_one_line_of_json() {
        let alert = alert("web01 showed\nanother key");
        let text = String::from_utf8(payload(&alert, "jump")).unwrap();
        assert!(!text.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["kind"], "host_key_changed");
        assert_eq!(value["time"], "1970-01-01T00:00:00Z");
        assert_eq!((&value["id"], &value["event"]["seq"]), (&json!(7), &json!(12)));
        assert_eq!(value["node"], "jump");
    }
}
