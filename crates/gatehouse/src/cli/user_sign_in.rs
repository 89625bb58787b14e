//! `gatehouse user setup-link`, `user factor`, `user signin`: how people sign in to the pages.

use clap::{Args, Subcommand, ValueEnum};
use gatehouse_store::SignInLimits;
use gatehouse_web::PublicUrl;
use serde_json::json;

use super::user::One;
use super::{Answer, Context, examples};
use crate::failure::{Failure, sentence};
use crate::terminal::{Fields, Table, age};

#[derive(Subcommand)]
pub(crate) enum FactorVerb {
    /// Which ways to sign in a person has
    #[command(after_long_help = examples!("gatehouse user factor list alice"))]
    List(One),
    /// Take one away, such as that of a lost telephone
    Remove(RemoveFactor),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse user factor remove alice totp",
    "gatehouse user factor remove alice passkeys --yes",
))]
pub(crate) struct RemoveFactor {
    /// Name or id of the person
    name: String,
    /// What is taken away
    factor: Factor,
}

/// A way to sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Factor {
    /// Codes of an authenticator, with the recovery codes
    Totp,
    /// Recovery codes
    Recovery,
    /// All passkeys
    Passkeys,
    /// The password; sign-ins end
    Password,
}

#[derive(Subcommand)]
pub(crate) enum SignInVerb {
    /// Where a person is signed in
    #[command(after_long_help = examples!("gatehouse user signin list alice"))]
    List(One),
    /// End one sign-in of a person, or all
    End(EndSignIn),
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse user signin end alice", "gatehouse user signin end alice 7"))]
pub(crate) struct EndSignIn {
    /// Name or id of the person
    name: String,
    /// Id of the sign-in; without it, all
    id: Option<i64>,
}

/// Makes a link by which a person sets a password or registers a passkey.
pub(super) async fn setup_link(arguments: &One, context: &Context) -> Result<Answer, Failure> {
    let url = PublicUrl::parse(&context.config.web.public_url)
        .map_err(|error| Failure::refused(sentence(&error)))?;
    let made = context
        .store
        .make_setup_link(&context.actor, context.now, &arguments.name)
        .await?;
    let link = url.setup_link(&made.secret);
    let value = json!({ "link": link, "expires_at": made.expires_at });
    context.answer(&value, |_| {
        format!("{link}\nIt works once, within 24 hours; one made before is void.\n")
    })
}

pub(super) async fn factor(verb: FactorVerb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        FactorVerb::List(one) => {
            let factors = store.factors(&one.name).await?;
            let yes = |there: bool| if there { "yes" } else { "no" };
            context.answer(&factors, |screen| {
                let passkeys: Vec<_> = factors.passkeys.iter().map(|key| key.label.as_str()).collect();
                let passkeys = if passkeys.is_empty() {
                    "none".to_owned()
                } else {
                    passkeys.join(", ")
                };
                Fields::new()
                    .with("Password", yes(factors.password))
                    .with("Codes", yes(factors.totp))
                    .with("Recovery codes", factors.recovery_codes_left.to_string())
                    .with("Passkeys", passkeys)
                    .render(screen)
            })
        }
        FactorVerb::Remove(RemoveFactor { name, factor }) => {
            let what = match factor {
                Factor::Totp => "codes",
                Factor::Recovery => "recovery codes",
                Factor::Passkeys => "passkeys",
                Factor::Password => "password",
            };
            context.confirm(&format!("Take away the {what} of {name}?"))?;
            match factor {
                Factor::Totp => store.remove_totp(actor, now, &name).await?,
                Factor::Recovery => store.remove_recovery_codes(actor, now, &name).await?,
                Factor::Passkeys => store.remove_passkey(actor, now, &name, None).await?,
                Factor::Password => store.remove_user_password(actor, now, &name).await?,
            }
            context.done(&format!("took away the {what} of {name}"))
        }
    }
}

pub(super) async fn sign_in(verb: SignInVerb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        SignInVerb::List(one) => {
            let web = &context.config.web;
            let limits = SignInLimits {
                idle: web.idle_timeout,
                length: web.session_timeout,
            };
            let sign_ins = store.sign_ins(now, &one.name, limits).await?;
            context.answer(&sign_ins, |screen| {
                let mut table = Table::new(&["ID", "FROM", "BY", "SINCE", "USED", "BROWSER"]);
                for sign_in in &sign_ins {
                    table.row([
                        sign_in.id.to_string().into(),
                        sign_in.source.to_string().into(),
                        sign_in.method.as_str().into(),
                        age(now, sign_in.created_at).into(),
                        age(now, sign_in.seen_at).into(),
                        sign_in.agent.as_deref().unwrap_or_default().into(),
                    ]);
                }
                table.render(screen, "not signed in")
            })
        }
        SignInVerb::End(EndSignIn { name, id: Some(id) }) => {
            context.confirm(&format!("End the sign-in {id} of {name}?"))?;
            store.end_sign_in(actor, now, &name, id).await?;
            context.done(&format!("ended the sign-in {id} of {name}"))
        }
        SignInVerb::End(EndSignIn { name, id: None }) => {
            context.confirm(&format!("End all sign-ins of {name}?"))?;
            let ended = store.end_sign_ins(actor, now, &name, None).await?;
            context.done(&format!("ended {ended} sign-ins of {name}"))
        }
    }
}
