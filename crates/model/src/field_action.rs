//! Table: the functional updates, and the types of fields each one works on. Ruling D10; dossier 3.7.

use crate::field::FieldKind;

macro_rules! field_actions {
    ($($(#[$doc:meta])* $action:ident $name:literal [$($kind:ident),*];)*) => {
        /// What is done to a field, where more is asked for than to give it a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FieldAction { $($(#[$doc])* $action,)* }

        impl FieldAction {
            /// All rows, in the order of the table.
            pub const ALL: &[FieldAction] = &[$(FieldAction::$action,)*];

            /// What it is called.
            pub const fn name(self) -> &'static str {
                match self { $(FieldAction::$action => $name,)* }
            }

            /// The types of fields it works on; empty for all.
            const fn kinds(self) -> &'static [FieldKind] {
                match self { $(FieldAction::$action => &[$(FieldKind::$kind,)*],)* }
            }
        }
    };
}

field_actions! {
    /// Gives it the value.
    Set "set" [];
    /// Clears it.
    Unset "unset" [];
    /// Adds to a number; a negative value subtracts.
    Increment "incr" [Int, Float];
    /// Adds to a list.
    Add "add" [Tags, Objects];
    /// Takes out of a list.
    Delete "delete" [Tags, Objects];
    /// Writes a property of an object, or of those objects of a list that have it.
    Upsert "upsert" [Object, Objects];
}

impl FieldAction {
    /// The action called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }

    /// Whether it works on fields of this type.
    pub fn works_on(self, kind: FieldKind) -> bool {
        self.kinds().is_empty() || self.kinds().contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_row() {
        for &action in FieldAction::ALL {
            assert_eq!(FieldAction::named(action.name()), Some(action));
        }
    }

    #[test]
    fn an_action_works_on_the_types_of_its_row() {
        assert!(FieldAction::Set.works_on(FieldKind::Email));
        assert!(FieldAction::Increment.works_on(FieldKind::Float) && !FieldAction::Increment.works_on(FieldKind::Text));
    }
}
