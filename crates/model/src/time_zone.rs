//! Which names of time zones there are.

use jiff::tz::TimeZoneDatabase;
use std::sync::LazyLock;

/// Those built in, whatever this machine has installed.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether the IANA database has a time zone of this name.
pub fn is_time_zone(name: &str) -> bool {
    ZONES.get(name).is_ok()
}
