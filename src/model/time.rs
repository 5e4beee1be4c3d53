//! Points in time as every pane shows them: a wall-clock stamp from a server, and the pair of
//! clocks one turn of the loop works with.

use std::fmt::Write as _;
use std::time::Duration;

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp(pub i64);

/// The time one turn of the loop takes place, read once by `clock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Wall clock, for ages of things that servers stamped.
    pub wall: Stamp,
    /// Monotonic time since the program started, for deadlines and pacing.
    pub tick: Duration,
}

impl Stamp {
    /// Reads an RFC 3339 time such as `2026-08-24T10:11:12.5Z`; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }

    /// RFC 3339 in UTC with second precision, `-` when out of range.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| "-".to_owned(), |t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// Clock time of day in UTC, `HH:MM:SS`.
    #[must_use]
    pub fn clock(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| "-".to_owned(), |t| t.strftime("%H:%M:%S").to_string())
    }

    /// Whole time from `self` to `now`, zero when `self` lies in the future (clock skew).
    #[must_use]
    pub fn since(self, now: Self) -> Duration {
        Duration::from_millis(u64::try_from(now.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Age as kubectl prints it (`HumanDuration` of apimachinery `pkg/util/duration`).
    #[must_use]
    pub fn age(self, now: Self) -> String {
        human_duration(self.since(now))
    }

    /// The stamp this long after.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// kubectl's `HumanDuration`: two significant units below ten of the larger one, then one.
#[must_use]
pub fn human_duration(d: Duration) -> String {
    let seconds = d.as_secs();
    let mut out = String::with_capacity(8);
    let mut two = |a: u64, ua: char, b: u64, ub: char| {
        let _ = write!(out, "{a}{ua}");
        if b > 0 {
            let _ = write!(out, "{b}{ub}");
        }
    };
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    match () {
        () if seconds < 120 => two(seconds, 's', 0, 's'),
        () if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        () if minutes < 180 => two(minutes, 'm', 0, 'm'),
        () if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        () if hours < 48 => two(hours, 'h', 0, 'h'),
        () if hours < 192 => two(days, 'd', hours % 24, 'h'),
        () if days < 365 * 2 => two(days, 'd', 0, 'd'),
        () if days < 365 * 8 => two(days / 365, 'y', days % 365, 'd'),
        () => two(days / 365, 'y', 0, 'y'),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_prints_them() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_000, "3h3m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_288_000, "8y"),
        ];
        for (seconds, want) in cases {
            assert_eq!(human_duration(Duration::from_secs(seconds)), want, "{seconds} s");
        }
    }

    #[test]
    fn a_stamp_from_the_future_has_age_zero() {
        assert_eq!(Stamp(5_000).age(Stamp(1_000)), "0s");
    }

    #[test]
    fn rfc3339_round_trips_to_the_second() {
        let stamp = Stamp::parse("2026-08-24T10:11:12.987Z").expect("a valid time");
        assert_eq!(stamp.rfc3339(), "2026-08-24T10:11:12Z");
        assert_eq!(Stamp::parse("yesterday"), None);
    }
}
