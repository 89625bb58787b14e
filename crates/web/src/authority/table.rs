//! Every operation of the API, once: who may, and whether the sign-in must be fresh.

use gatehouse_model::Role;

use super::{Freshness, Operation, Who};

const ANYONE: Who = Who::Anyone;
const SELF: Who = Who::OneSelf;
const SIGNED: Who = Who::Signed;
const AUDITOR: Who = Who::AtLeast(Role::Auditor);
const OPERATOR: Who = Who::AtLeast(Role::Operator);
const ADMIN: Who = Who::AtLeast(Role::Admin);

macro_rules! table {
    ($($method:ident $path:literal $who:ident $($fresh:ident)?;)+) => {
        /// The table.
        pub(crate) const TABLE: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            who: $who,
            freshness: table!(@ $($fresh)?),
        }),+];
    };
    (@ fresh) => { Freshness::Fresh };
    (@) => { Freshness::Any };
}

table! {
    GET "/openapi.json" ANYONE;
    GET "/session" ANYONE;
    DELETE "/session" ANYONE;
    POST "/session/password" ANYONE;
    POST "/session/totp" ANYONE;
    POST "/session/recovery" ANYONE;
    POST "/session/passkey/start" ANYONE;
    POST "/session/passkey/finish" ANYONE;
    POST "/session/setup" ANYONE;
    POST "/session/setup/look" ANYONE;
    POST "/session/confirm" SIGNED;
    GET "/me" SELF;
    PATCH "/me" SIGNED;
    GET "/me/grants" SELF;
    GET "/me/sessions" SELF;
    GET "/me/factors" SIGNED;
    POST "/me/password" SIGNED fresh;
    POST "/me/totp" SIGNED fresh;
    POST "/me/totp/confirm" SIGNED fresh;
    DELETE "/me/totp" SIGNED fresh;
    POST "/me/recovery-codes" SIGNED fresh;
    POST "/me/passkeys/start" SIGNED fresh;
    POST "/me/passkeys" SIGNED fresh;
    PATCH "/me/passkeys/{id}" SIGNED;
    DELETE "/me/passkeys/{id}" SIGNED fresh;
    GET "/me/sign-ins" SIGNED;
    DELETE "/me/sign-ins" SIGNED;
    DELETE "/me/sign-ins/{id}" SIGNED;
    GET "/me/tokens" SIGNED;
    POST "/me/tokens" SIGNED fresh;
    DELETE "/me/tokens/{id}" SIGNED;
    GET "/me/views" SIGNED;
    PUT "/me/views/{list}/{name}" SIGNED;
    DELETE "/me/views/{list}/{name}" SIGNED;
    GET "/tokens" ADMIN;
    POST "/tokens" ADMIN fresh;
    DELETE "/tokens/{id}" ADMIN;
    POST "/users/{user}/password" ADMIN fresh;
    POST "/users/{user}/setup-link" ADMIN fresh;
    GET "/users/{user}/factors" ADMIN;
    DELETE "/users/{user}/factors/{factor}" ADMIN fresh;
    GET "/users/{user}/sign-ins" ADMIN;
    DELETE "/users/{user}/sign-ins" ADMIN;
    GET "/users" AUDITOR;
    POST "/users" ADMIN;
    GET "/users/{user}" AUDITOR;
    PATCH "/users/{user}" ADMIN;
    DELETE "/users/{user}" ADMIN;
    GET "/sessions" SIGNED;
    GET "/sessions/{id}" SIGNED;
    POST "/sessions/{id}/kill" OPERATOR;
    POST "/sessions/kill" OPERATOR;
    GET "/sessions/{id}/recording" AUDITOR;
    GET "/sessions/{id}/recording/channels" AUDITOR;
    GET "/sessions/{id}/recording/verify" AUDITOR;
    GET "/sessions/{id}/transcript" AUDITOR;
    GET "/sessions/{id}/live" AUDITOR;
    GET "/forwards" AUDITOR;
    GET "/events" SIGNED;
    GET "/audit" AUDITOR;
    GET "/audit/verification" AUDITOR;
    POST "/audit/verify" AUDITOR;
    GET "/alerts" AUDITOR;
    POST "/alerts/test" ADMIN;
    GET "/nodes" AUDITOR;
    GET "/gate-keys" AUDITOR;
    GET "/recording-keys" AUDITOR;
    GET "/settings" AUDITOR;
    GET "/palette" SIGNED;
    GET "/stats" AUDITOR;
}
