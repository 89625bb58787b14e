//! `gatehouse group` and `gatehouse server-group`: the same verbs on people and on servers.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use gatehouse_model::Name;
use gatehouse_store::{Edit, Group, GroupEdit, GroupKind, NewGroup, PageRequest};
use serde::Serialize;

use super::user::edited;
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Fields, Table, age, clean};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make a group
    Add(Add),
    /// List groups
    #[command(after_long_help = examples!("gatehouse group list", "gatehouse group list --json"))]
    List,
    /// Show how groups nest, with their members
    #[command(after_long_help = examples!("gatehouse group tree"))]
    Tree,
    /// Show a group
    #[command(after_long_help = examples!("gatehouse group show ops"))]
    Show(One),
    /// Change a group
    Edit(Change),
    /// Delete a group; its members stay
    #[command(after_long_help = examples!("gatehouse group remove ops"))]
    Remove(One),
    /// Members of a group
    #[command(subcommand)]
    Member(MemberVerb),
}

#[derive(Args)]
pub(crate) struct One {
    /// Name or id of the group
    name: String,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse group add ops",
    "gatehouse group add ops-night --parent ops --description 'night shift'",
))]
pub(crate) struct Add {
    /// Name of the group
    name: Name,
    /// The group above; what is granted to it holds for this one too
    #[arg(long, value_name = "GROUP")]
    parent: Option<String>,
    /// What the group is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse group edit ops-night --parent ops",
    "gatehouse group edit ops-night --no-parent --name night",
))]
pub(crate) struct Change {
    /// Name or id of the group
    group: String,
    /// A new name
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<Name>,
    /// Another group above
    #[arg(long, value_name = "GROUP", conflicts_with = "no_parent")]
    parent: Option<String>,
    /// No group above
    #[arg(long)]
    no_parent: bool,
    /// What the group is for; empty: nothing
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum MemberVerb {
    /// Put a person into a group
    #[command(after_long_help = examples!("gatehouse group member add ops alice"))]
    Add(Membership),
    /// Take a person out of a group
    #[command(after_long_help = examples!("gatehouse group member remove ops alice"))]
    Remove(Membership),
}

#[derive(Args)]
pub(crate) struct Membership {
    /// Name or id of the group
    group: String,
    /// Name or id of the person
    member: String,
}

pub(super) async fn run(kind: GroupKind, verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::Add(arguments) => {
            let new = NewGroup {
                name: arguments.name,
                parent: arguments.parent,
                description: arguments.description.filter(|text| !text.is_empty()),
            };
            let group = store.add_group(actor, now, kind, new).await?;
            context.done_with(
                &group,
                &format!("made the group {} (id {})", group.path.join(" > "), group.id),
            )
        }
        Verb::List => list(kind, context).await,
        Verb::Tree => tree(kind, context).await,
        Verb::Show(one) => show(kind, &one.name, context).await,
        Verb::Edit(arguments) => edit(kind, arguments, context).await,
        Verb::Remove(one) => {
            let group = store.group(kind, &one.name).await?;
            context.confirm(&format!("Remove the group {}?", group.name))?;
            store.remove_group(actor, now, kind, &one.name).await?;
            context.done(&format!("removed the group {}", group.name))
        }
        Verb::Member(MemberVerb::Add(it)) => {
            store
                .add_group_member(actor, now, kind, &it.group, &it.member)
                .await?;
            context.done(&format!("{} is now in {}", it.member, it.group))
        }
        Verb::Member(MemberVerb::Remove(it)) => {
            context.confirm(&format!("Take {} out of {}?", it.member, it.group))?;
            store
                .remove_group_member(actor, now, kind, &it.group, &it.member)
                .await?;
            context.done(&format!("{} is no longer in {}", it.member, it.group))
        }
    }
}

async fn list(kind: GroupKind, context: &Context) -> Result<Answer, Failure> {
    let groups = context.store.groups(kind, &PageRequest::all()).await?.items;
    context.answer(&groups, |screen| {
        let mut table = Table::new(&["NAME", "PATH", "MEMBERS", "DESCRIPTION"]);
        for group in &groups {
            table.row([
                group.name.as_str().into(),
                group.path.join(" > ").into(),
                group.members.join(", ").into(),
                group.description.as_deref().unwrap_or_default().into(),
            ]);
        }
        table.render(screen, "no groups")
    })
}

async fn show(kind: GroupKind, name: &str, context: &Context) -> Result<Answer, Failure> {
    let group = context.store.group(kind, name).await?;
    let listed = |names: &[String]| Some(names.join(", ")).filter(|text| !text.is_empty());
    context.answer(&group, |screen| {
        Fields::new()
            .with("Name", group.name.as_str())
            .with("Id", group.id.to_string())
            .with("Path", group.path.join(" > "))
            .maybe("Description", group.description.as_deref())
            .maybe("Members", listed(&group.members))
            .maybe("Groups below", listed(&group.children))
            .with("Made", age(context.now, group.created_at))
            .render(screen)
    })
}

async fn edit(kind: GroupKind, arguments: Change, context: &Context) -> Result<Answer, Failure> {
    let parent = match (arguments.no_parent, arguments.parent) {
        (true, _) => Edit::Clear,
        (false, Some(parent)) => Edit::Set(parent),
        (false, None) => Edit::Keep,
    };
    let edit = GroupEdit {
        name: arguments.new_name,
        parent,
        description: edited(arguments.description),
        ..GroupEdit::default()
    };
    let (actor, now) = (&context.actor, context.now);
    let group = context
        .store
        .edit_group(actor, now, kind, &arguments.group, edit)
        .await?;
    context.done_with(&group, &format!("changed the group {}", group.path.join(" > ")))
}

/// A group with all that is below it.
#[derive(Serialize)]
struct Branch {
    name: String,
    members: Vec<String>,
    children: Vec<Branch>,
}

async fn tree(kind: GroupKind, context: &Context) -> Result<Answer, Failure> {
    let groups = context.store.groups(kind, &PageRequest::all()).await?.items;
    let mut below: BTreeMap<Option<String>, Vec<&Group>> = BTreeMap::new();
    for group in &groups {
        below.entry(group.parent.clone()).or_default().push(group);
    }
    let branches = branches(None, &below, 0);
    context.answer(&branches, |_| {
        let mut text = String::new();
        draw(&branches, "", &mut text);
        if text.is_empty() {
            "no groups\n".to_owned()
        } else {
            text
        }
    })
}

/// Deeper than the store lets groups nest; a damaged store must not make this endless.
const DEEPEST: usize = 32;

fn branches(
    parent: Option<&str>,
    below: &BTreeMap<Option<String>, Vec<&Group>>,
    depth: usize,
) -> Vec<Branch> {
    let children = below.get(&parent.map(str::to_owned)).filter(|_| depth < DEEPEST);
    let children = children.into_iter().flatten().map(|group| Branch {
        name: group.name.to_string(),
        members: group.members.clone(),
        children: branches(Some(group.name.as_str()), below, depth + 1),
    });
    children.collect()
}

fn draw(branches: &[Branch], indent: &str, text: &mut String) {
    for (n, branch) in branches.iter().enumerate() {
        let last = n + 1 == branches.len();
        let (stem, deeper) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        let members = match branch.members.as_slice() {
            [] => String::new(),
            members => format!(": {}", members.join(", ")),
        };
        text.push_str(&format!(
            "{indent}{stem}{}\n",
            clean(&format!("{}{members}", branch.name))
        ));
        draw(&branch.children, &format!("{indent}{deeper}"), text);
    }
}
