//! Kubernetes quantities and how amounts are shown.

/// Reads a Kubernetes quantity (`250m`, `1.5`, `64Mi`, `1e3`, `123456789n`) as a plain number.
/// Suffixes as in apimachinery `pkg/api/resource`; `None` when it is not a quantity.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, factor) = match text.as_bytes() {
        [.., b'K', b'i'] => (&text[..text.len() - 2], 1024.0),
        [.., b'M', b'i'] => (&text[..text.len() - 2], 1024.0_f64.powi(2)),
        [.., b'G', b'i'] => (&text[..text.len() - 2], 1024.0_f64.powi(3)),
        [.., b'T', b'i'] => (&text[..text.len() - 2], 1024.0_f64.powi(4)),
        [.., b'P', b'i'] => (&text[..text.len() - 2], 1024.0_f64.powi(5)),
        [.., b'E', b'i'] => (&text[..text.len() - 2], 1024.0_f64.powi(6)),
        [.., b'n'] => (&text[..text.len() - 1], 1e-9),
        [.., b'u'] => (&text[..text.len() - 1], 1e-6),
        [.., b'm'] => (&text[..text.len() - 1], 1e-3),
        [.., b'k'] => (&text[..text.len() - 1], 1e3),
        [.., b'M'] => (&text[..text.len() - 1], 1e6),
        [.., b'G'] => (&text[..text.len() - 1], 1e9),
        [.., b'T'] => (&text[..text.len() - 1], 1e12),
        [.., b'P'] => (&text[..text.len() - 1], 1e15),
        [.., b'E'] => (&text[..text.len() - 1], 1e18),
        _ => (text, 1.0),
    };
    number.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n * factor)
}

/// Cores as millicores, rounded: `0.25` is `250m`, `12` is `12000m` shortened to `12.0`.
#[must_use]
pub fn cores(value: f64) -> String {
    if value < 10.0 { format!("{:.0}m", value * 1000.0) } else { format!("{value:.1}") }
}

/// Bytes in binary units with at most three digits: `512Mi`, `1.5Gi`.
#[must_use]
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 6] = ["B", "Ki", "Mi", "Gi", "Ti", "Pi"];
    let mut value = value.max(0.0);
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit > 0 && value < 9.95 { format!("{value:.1}{}", UNITS[unit]) } else { format!("{value:.0}{}", UNITS[unit]) }
}

/// Whole percent of `part` in `whole`; `None` when there is no whole.
#[must_use]
pub fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suffix_is_read() {
        let cases = [
            ("250m", 0.25),
            ("2", 2.0),
            ("1.5", 1.5),
            ("64Mi", 67_108_864.0),
            ("1Gi", 1_073_741_824.0),
            ("1e3", 1000.0),
            ("5k", 5000.0),
            ("1500000000n", 1.5),
            ("3u", 3e-6),
            ("2M", 2e6),
            ("1E", 1e18),
            ("1Ei", 1_152_921_504_606_846_976.0),
        ];
        for (text, want) in cases {
            let got = parse(text).unwrap_or(f64::NAN);
            assert!((got - want).abs() <= want * 1e-12, "{text}: {got}");
        }
        for bad in ["", "Mi", "abc", "1Xi", "--1", "inf", "NaN"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn amounts_stay_short() {
        assert_eq!(cores(0.0004), "0m");
        assert_eq!(cores(0.25), "250m");
        assert_eq!(cores(16.0), "16.0");
        assert_eq!(bytes(0.0), "0B");
        assert_eq!(bytes(1023.0), "1.0Ki");
        assert_eq!(bytes(67_108_864.0), "64Mi");
        assert_eq!(bytes(1_610_612_736.0), "1.5Gi");
    }
}
