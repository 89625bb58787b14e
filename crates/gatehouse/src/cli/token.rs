//! `gatehouse token`.

use clap::{Args, Subcommand};
use gatehouse_model::{AccessDuration, AddressRange, TokenScope};
use gatehouse_store::{NewToken, PageRequest};
use serde_json::{Map, Value};

use super::arguments::{after, word};
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Table, age, end};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make a token for a program; its text is shown this once
    Create(Create),
    /// List tokens, without their texts
    List(List),
    /// Take a token back
    #[command(after_long_help = examples!("gatehouse token revoke 3"))]
    Revoke(Revoke),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse token create --user alice --scope read --label monitoring",
    "gatehouse token create --user alice --scope admin --for 1h --from 10.0.0.7",
    "curl -H \"Authorization: Bearer $TOKEN\" https://jump:5000/api/v1/sessions",
))]
pub(crate) struct Create {
    /// Whose: the token never exceeds their role, and dies with a lock or when they are switched off
    #[arg(long, value_name = "USER")]
    user: String,
    /// How long it lasts, or permanent
    #[arg(long = "for", value_name = "DURATION", default_value = "90d")]
    length: AccessDuration,
    /// What it is for; for people who read the list
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// How far it reaches: own pages, read everything, operate (end sessions, lock, decide requests), admin
    #[arg(long, value_parser = word::<TokenScope>(), default_value = "read", value_name = "SCOPE")]
    scope: TokenScope,
    /// Only from this address or range
    #[arg(long, value_name = "IP|CIDR")]
    from: Option<AddressRange>,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse token list", "gatehouse token list --user alice --json"))]
pub(crate) struct List {
    /// Only those of this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// Id of the token
    id: i64,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        Verb::Create(arguments) => create(arguments, context).await,
        Verb::List(arguments) => list(&arguments, context).await,
        Verb::Revoke(Revoke { id }) => {
            context.confirm(&format!("Revoke token {id}?"))?;
            let store = &context.store;
            store.revoke_token(&context.actor, context.now, id, None).await?;
            context.done(&format!("revoked token {id}"))
        }
    }
}

async fn create(arguments: Create, context: &Context) -> Result<Answer, Failure> {
    let expires_at = match arguments.length {
        AccessDuration::Permanent => None,
        AccessDuration::For(span) => Some(after(context.now, span)?),
    };
    let new = NewToken {
        label: arguments.label,
        scope: arguments.scope,
        source: arguments.from,
        expires_at,
    };
    let (made, text) = context
        .store
        .create_token(&context.actor, context.now, &arguments.user, new)
        .await?;
    let mut value = match serde_json::to_value(&made)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    value.insert("token".to_owned(), text.clone().into());
    context.answer(&value, |_| {
        format!(
            "{text}\nThis is token {} of {}; keep it now, it is not shown again.\n",
            made.id, made.user
        )
    })
}

async fn list(arguments: &List, context: &Context) -> Result<Answer, Failure> {
    let (store, now) = (&context.store, context.now);
    let tokens = store
        .tokens(now, arguments.user.as_deref(), &PageRequest::all())
        .await?
        .items;
    context.answer(&tokens, |screen| {
        let mut table = Table::new(&["ID", "USER", "SCOPE", "LABEL", "FROM", "ENDS", "USED", "BY"]);
        for token in &tokens {
            table.row([
                token.id.to_string().into(),
                token.user.as_str().into(),
                token.scope.as_str().into(),
                token.label.as_deref().unwrap_or_default().into(),
                token
                    .from
                    .map_or_else(String::new, |range| range.to_string())
                    .into(),
                end(now, token.expires_at).into(),
                token
                    .used_at
                    .map_or_else(|| "never".to_owned(), |at| age(now, at))
                    .into(),
                token.created_by.as_str().into(),
            ]);
        }
        table.render(screen, "no tokens")
    })
}
