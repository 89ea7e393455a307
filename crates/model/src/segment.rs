//! Static segments: named groups that profiles are put into and taken out of. Ruling D12.

/// The number of a segment, unique within its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u32);

/// A static segment of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its number.
    pub id: SegmentId,
    /// What people call it.
    pub name: Box<str>,
}
