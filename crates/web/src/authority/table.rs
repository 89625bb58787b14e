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
    GET "/search" AUDITOR;
    GET "/users/{user}/addresses" AUDITOR;
    POST "/users/{user}/addresses" ADMIN;
    PATCH "/users/{user}/addresses/{range}" ADMIN;
    DELETE "/users/{user}/addresses/{range}" ADMIN;
    GET "/users/{user}/keys" AUDITOR;
    POST "/users/{user}/keys" ADMIN;
    DELETE "/users/{user}/keys/{fingerprint}" ADMIN;
    GET "/users/{user}/rights" AUDITOR;
    PUT "/users/{user}/rights/{right}" ADMIN;
    DELETE "/users/{user}/rights/{right}" ADMIN;
    PUT "/users/{user}/lock" OPERATOR;
    DELETE "/users/{user}/lock" OPERATOR;
    GET "/users/{user}/reach" AUDITOR;
    GET "/user-groups" AUDITOR;
    POST "/user-groups" ADMIN;
    GET "/user-groups/{group}" AUDITOR;
    PATCH "/user-groups/{group}" ADMIN;
    DELETE "/user-groups/{group}" ADMIN;
    GET "/user-groups/{group}/members" AUDITOR;
    PUT "/user-groups/{group}/members/{user}" ADMIN;
    DELETE "/user-groups/{group}/members/{user}" ADMIN;
    GET "/user-groups/{group}/rights" AUDITOR;
    PUT "/user-groups/{group}/rights/{right}" ADMIN;
    DELETE "/user-groups/{group}/rights/{right}" ADMIN;
    GET "/server-groups" AUDITOR;
    POST "/server-groups" ADMIN;
    GET "/server-groups/{group}" AUDITOR;
    PATCH "/server-groups/{group}" ADMIN;
    DELETE "/server-groups/{group}" ADMIN;
    GET "/server-groups/{group}/members" AUDITOR;
    PUT "/server-groups/{group}/members/{server}" ADMIN;
    DELETE "/server-groups/{group}/members/{server}" ADMIN;
    GET "/servers" AUDITOR;
    POST "/servers" ADMIN;
    GET "/servers/{server}" AUDITOR;
    PATCH "/servers/{server}" ADMIN;
    DELETE "/servers/{server}" ADMIN;
    PUT "/servers/{server}/lock" OPERATOR;
    DELETE "/servers/{server}/lock" OPERATOR;
    GET "/servers/{server}/who-can" AUDITOR;
    GET "/servers/{server}/hostkeys" AUDITOR;
    DELETE "/servers/{server}/hostkeys" ADMIN fresh;
    POST "/servers/{server}/hostkeys/accept" ADMIN fresh;
    GET "/servers/{server}/credentials" AUDITOR;
    POST "/servers/{server}/credentials" ADMIN fresh;
    DELETE "/servers/{server}/credentials/{login}" ADMIN fresh;
    PUT "/servers/{server}/proxy" ADMIN;
    DELETE "/servers/{server}/proxy" ADMIN;
    GET "/pool" AUDITOR;
    POST "/pool/ranges" ADMIN;
    DELETE "/pool/ranges/{range}" ADMIN;
    GET "/blocks" AUDITOR;
    POST "/blocks" OPERATOR;
    DELETE "/blocks/{range}" OPERATOR;
    POST "/check" AUDITOR;
    POST "/check/explain" AUDITOR;
}
