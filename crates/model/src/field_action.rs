//! Table: the functional updates, and the types of fields each one works on. Ruling D10; dossier 3.7.

use crate::field::FieldKind;

/// What is done to a field, where more is asked for than to give it a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldAction {
    /// Gives it the value.
    Set,
    /// Clears it.
    Unset,
    /// Adds to a number; a negative value subtracts.
    Increment,
    /// Adds to a list.
    Add,
    /// Takes out of a list.
    Delete,
    /// Writes a property of an object, or of those objects of a list that have it.
    Upsert,
}

/// A row of the table.
struct Row {
    action: FieldAction,
    name: &'static str,
    /// The types of fields it works on; empty for all.
    kinds: &'static [FieldKind],
}

const ROWS: &[Row] = &[
    Row { action: FieldAction::Set, name: "set", kinds: &[] },
    Row { action: FieldAction::Unset, name: "unset", kinds: &[] },
    Row { action: FieldAction::Increment, name: "incr", kinds: &[FieldKind::Int, FieldKind::Float] },
    Row { action: FieldAction::Add, name: "add", kinds: &[FieldKind::Tags, FieldKind::Objects] },
    Row { action: FieldAction::Delete, name: "delete", kinds: &[FieldKind::Tags, FieldKind::Objects] },
    Row { action: FieldAction::Upsert, name: "upsert", kinds: &[FieldKind::Object, FieldKind::Objects] },
];

impl FieldAction {
    /// The action called `name`.
    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.action)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// Whether it works on fields of this type.
    pub fn works_on(self, kind: FieldKind) -> bool {
        self.row().is_some_and(|row| row.kinds.is_empty() || row.kinds.contains(&kind))
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.action == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_row() {
        use FieldAction::{Add, Delete, Increment, Set, Unset, Upsert};
        for action in [Set, Unset, Increment, Add, Delete, Upsert] {
            assert_eq!(FieldAction::named(action.name()), Some(action));
        }
        assert!(Set.works_on(FieldKind::Email) && !Increment.works_on(FieldKind::Text));
    }
}
