//! Table: what a token can be allowed to do. Ruling T11.

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident $name:literal;)*) => {
        /// What a call does, as far as rights to it go.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $action,)* }

        impl Action {
            /// All rows, in the order of the table.
            pub const ALL: &[Action] = &[$(Action::$action,)*];

            /// What a world file calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Action::$action => $name,)* }
            }
        }
    };
}

actions! {
    /// Creates and changes profiles, their subscriptions and segments.
    Import "import";
    /// Shows profiles and what the configuration says of databases and resources.
    Read "read";
    /// Removes profiles.
    Delete "delete";
}

impl Action {
    /// The action that a world file calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}
