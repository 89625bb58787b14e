//! Nested groups: each has at most one parent, and no chain is longer than ten.

use std::fmt::Display;
use std::hash::Hash;

use super::{Lists, Map, lists};
use crate::rows::GroupRow;

/// Most levels that groups may nest, the top one included.
pub const MAX_GROUP_LEVELS: usize = 10;

/// A parent that a group cannot have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GroupError {
    /// The group would be above itself.
    #[error("this would put a group inside itself: {chain}")]
    Cycle {
        /// The names, `a → b → c → a`, each the parent of the one before.
        chain: String,
    },
    /// Too many levels.
    #[error("groups nest at most {MAX_GROUP_LEVELS} levels deep, and this would be {levels}: {chain}")]
    TooDeep {
        /// How many levels there would be.
        levels: usize,
        /// The names, the lowest first.
        chain: String,
    },
    /// The parent does not exist.
    #[error("there is no group with the id {0}")]
    NoSuchGroup(String),
}

/// Whether `child` may get `new_parent` as its parent. A `child` that is not among `groups` is one about to be made.
///
/// # Errors
/// The parent does not exist, is the child or below it, or there would be more than ten levels.
pub fn check_parent<Id>(groups: &[GroupRow<Id>], child: Id, new_parent: Id) -> Result<(), GroupError>
where
    Id: Copy + Eq + Hash + Display,
{
    let by_id: Map<Id, &GroupRow<Id>> = groups.iter().map(|group| (group.id, group)).collect();
    let name = |id: Id| {
        by_id
            .get(&id)
            .map_or_else(|| id.to_string(), |group| group.name.to_string())
    };
    if !by_id.contains_key(&new_parent) {
        return Err(GroupError::NoSuchGroup(new_parent.to_string()));
    }
    let mut above = vec![name(child)];
    let mut next = Some(new_parent);
    while let Some(id) = next {
        above.push(name(id));
        if id == child || above.len() > groups.len() + 2 {
            return Err(GroupError::Cycle {
                chain: above.join(" → "),
            });
        }
        next = by_id.get(&id).and_then(|group| group.parent);
    }
    let below = deepest_below(groups, child);
    let levels = below.len() + above.len();
    if levels > MAX_GROUP_LEVELS {
        let chain = below
            .into_iter()
            .map(name)
            .chain(above)
            .collect::<Vec<_>>()
            .join(" → ");
        return Err(GroupError::TooDeep { levels, chain });
    }
    Ok(())
}

/// The longest chain of groups below `top`, the lowest first. Existing chains are free of cycles or cut off.
fn deepest_below<Id: Copy + Eq + Hash>(groups: &[GroupRow<Id>], top: Id) -> Vec<Id> {
    let mut children: Map<Id, Vec<Id>> = Map::default();
    for group in groups {
        if let Some(parent) = group.parent {
            children.entry(parent).or_default().push(group.id);
        }
    }
    let parent_of: Map<Id, Id> = groups.iter().filter_map(|g| Some((g.id, g.parent?))).collect();
    let mut level = vec![top];
    let mut lowest = top;
    for _ in 0..groups.len() {
        level = level
            .iter()
            .flat_map(|id| children.get(id).into_iter().flatten().copied())
            .collect();
        match level.first() {
            Some(first) => lowest = *first,
            None => break,
        }
    }
    let mut chain = Vec::new();
    while lowest != top && chain.len() < groups.len() {
        chain.push(lowest);
        match parent_of.get(&lowest) {
            Some(parent) => lowest = *parent,
            None => break,
        }
    }
    chain
}

/// Groups by place, id and name, with the closure upwards of each.
pub(crate) struct Groups<Id> {
    rows: Vec<GroupRow<Id>>,
    by_id: Map<Id, u32>,
    by_name: Map<String, u32>,
    /// For each group itself and every group above, nearest first.
    above: Lists<u32>,
}

impl<Id: Copy + Eq + Hash + Display> Groups<Id> {
    /// # Errors
    /// A parent that does not exist, a cycle, or too many levels.
    pub(crate) fn build(rows: Vec<GroupRow<Id>>) -> Result<Self, GroupError> {
        let by_id: Map<Id, u32> = (0u32..).zip(&rows).map(|(place, row)| (row.id, place)).collect();
        let by_name = (0u32..)
            .zip(&rows)
            .map(|(place, row)| (row.name.folded(), place))
            .collect();
        let mut above = Lists::default();
        for (place, row) in rows.iter().enumerate() {
            let mut chain = vec![lists::place(place)];
            let mut next = row.parent;
            while let Some(id) = next {
                let parent = *by_id
                    .get(&id)
                    .ok_or_else(|| GroupError::NoSuchGroup(id.to_string()))?;
                let cycle = chain.contains(&parent);
                chain.push(parent);
                if cycle || chain.len() > MAX_GROUP_LEVELS {
                    let name = |place: u32| {
                        rows.get(place as usize)
                            .map_or_else(String::new, |r| r.name.to_string())
                    };
                    let levels = chain.len();
                    let chain = chain.into_iter().map(name).collect::<Vec<_>>().join(" → ");
                    return Err(if cycle {
                        GroupError::Cycle { chain }
                    } else {
                        GroupError::TooDeep { levels, chain }
                    });
                }
                next = rows.get(parent as usize).and_then(|row| row.parent);
            }
            above.push(chain);
        }
        Ok(Self {
            rows,
            by_id,
            by_name,
            above,
        })
    }

    pub(crate) fn at(&self, place: u32) -> Option<&GroupRow<Id>> {
        self.rows.get(place as usize)
    }

    pub(crate) fn place(&self, id: Id) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(crate) fn by_id(&self, id: Id) -> Option<&GroupRow<Id>> {
        self.at(self.place(id)?)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&GroupRow<Id>> {
        self.at(*self.by_name.get(&name.to_lowercase())?)
    }

    /// The group at `place` and all above it, nearest first.
    pub(crate) fn above(&self, place: u32) -> &[u32] {
        self.above.of(place)
    }

    pub(crate) fn rows(&self) -> &[GroupRow<Id>] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_model::UserGroupId;

    use super::*;

    fn groups(pairs: &[(i64, &str, i64)]) -> Vec<GroupRow<UserGroupId>> {
        let row = |&(id, name, parent): &(i64, &str, i64)| GroupRow {
            id: UserGroupId(id),
            name: name.parse().unwrap(),
            parent: (parent != 0).then_some(UserGroupId(parent)),
        };
        pairs.iter().map(row).collect()
    }

    #[test]
    fn a_cycle_is_refused_and_the_chain_shown() {
        let rows = groups(&[(1, "a", 2), (2, "b", 3), (3, "c", 0)]);
        let error = check_parent(&rows, UserGroupId(3), UserGroupId(1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this would put a group inside itself: c → a → b → c"
        );
        let own = check_parent(&rows, UserGroupId(3), UserGroupId(3)).unwrap_err();
        assert_eq!(
            own,
            GroupError::Cycle {
                chain: "c → c".into()
            }
        );
        assert_eq!(check_parent(&rows, UserGroupId(1), UserGroupId(3)), Ok(()));
        assert!(check_parent(&rows, UserGroupId(1), UserGroupId(9)).is_err());
    }

    #[test]
    fn ten_levels_are_enough() {
        let chain: Vec<_> = (1..=9).map(|n| (n, format!("g{n}"), n - 1)).collect();
        let chain: Vec<_> = chain
            .iter()
            .map(|(n, name, parent)| (*n, name.as_str(), *parent))
            .collect();
        let mut rows = groups(&chain);
        rows.extend(groups(&[(20, "x", 0), (21, "y", 20)]));
        assert_eq!(
            check_parent(&rows, UserGroupId(21), UserGroupId(9)),
            Ok(()),
            "a tenth level"
        );
        assert_eq!(
            check_parent(&rows, UserGroupId(99), UserGroupId(9)),
            Ok(()),
            "a new group as the tenth"
        );
        let error = check_parent(&rows, UserGroupId(20), UserGroupId(9)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "groups nest at most 10 levels deep, and this would be 11: \
             y → x → g9 → g8 → g7 → g6 → g5 → g4 → g3 → g2 → g1"
        );
    }

    #[test]
    fn building_refuses_what_the_check_refuses() {
        assert!(matches!(
            Groups::build(groups(&[(1, "a", 2), (2, "b", 1)])),
            Err(GroupError::Cycle { .. })
        ));
        assert!(matches!(
            Groups::build(groups(&[(1, "a", 2)])),
            Err(GroupError::NoSuchGroup(_))
        ));
        let eleven: Vec<_> = (1..=11).map(|n| (n, format!("g{n}"), n - 1)).collect();
        let eleven: Vec<_> = eleven
            .iter()
            .map(|(n, name, parent)| (*n, name.as_str(), *parent))
            .collect();
        assert!(matches!(
            Groups::build(groups(&eleven)),
            Err(GroupError::TooDeep { levels: 11, .. })
        ));
        let built = Groups::build(groups(&eleven[..10])).unwrap();
        assert_eq!(built.above(9), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }
}
