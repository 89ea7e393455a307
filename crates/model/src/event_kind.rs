//! Table: what can become of a profile that triggers ask for. Ruling D13.

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $kind,)* }

        impl EventKind {
            /// All rows, in the order of the table.
            pub const ALL: &[EventKind] = &[$(EventKind::$kind,)*];

            /// What a world file and a webhook's body call it.
            pub const fn name(self) -> &'static str {
                match self { $(EventKind::$kind => $name,)* }
            }
        }
    };
}

event_kinds! {
    /// A profile was created.
    ProfileCreated "profile_created";
    /// A profile that was there is not as it was.
    ProfileUpdated "profile_updated";
    /// A field of a profile that was there got another value, or lost it.
    FieldChanged "field_changed";
    /// A profile has a subscription that it did not have.
    SubscriptionAdded "subscription_added";
    /// The status of a subscription is another one.
    StatusChanged "status_changed";
    /// A profile came into a static segment.
    SegmentEntered "segment_entered";
    /// A profile went out of a static segment.
    SegmentLeft "segment_left";
}

impl EventKind {
    /// The kind that a world file calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
