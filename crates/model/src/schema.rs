//! How the types of this crate are described in OpenAPI: those that are text in JSON, with an example of it.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    AddressRange, DestinationRule, Login, Name, PortRange, ProxyAddr, SourceAddr, SpanSeconds, TargetHost,
};

macro_rules! texts {
    ($($name:ident: $description:literal, $example:literal;)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::String))
                    .description(Some($description))
                    .examples([$example])
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

texts! {
    Name: "The name of a person, a group or a server", "web01";
    Login: "A login at a server", "root";
    SourceAddr: "The address that a person connects from", "10.0.0.7";
    ProxyAddr: "An address of the pool", "10.9.0.12";
    AddressRange: "An address or a CIDR range", "10.0.0.0/24";
    TargetHost: "The address of a server: an IP address or a host name", "10.1.0.5";
    SpanSeconds: "A length of time", "1h30m";
    PortRange: "A port, or a range of ports", "8000-8099";
    DestinationRule: "Where a forward may lead: address, CIDR, name or glob, with ports", "10.0.0.0/24:5432";
}
