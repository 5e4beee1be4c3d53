//! Chance that repeats itself: everything random in a simulated world is a function of its seed.

/// Letters Kubernetes makes names of (`k8s.io/apimachinery/pkg/util/rand`).
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A sequence of pseudo-random numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A sequence that begins at `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// The next number in `low..=high`.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low).saturating_add(1)
    }

    /// The next number in `0.0..1.0`.
    pub fn share(&mut self) -> f64 {
        unit(self.roll())
    }

    /// A name's suffix of `len` letters.
    pub fn suffix(&mut self, len: usize) -> String {
        (0..len)
            .map(|_| {
                let letter = usize::try_from(self.roll() % LETTERS.len() as u64).unwrap_or(0);
                char::from(LETTERS[letter])
            })
            .collect()
    }

    /// A UID.
    pub fn uid(&mut self) -> String {
        let (a, b) = (self.roll(), self.roll());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xFFFF,
            a & 0xFFF,
            b >> 52,
            b & 0xFFFF_FFFF_FFFF
        )
    }

    /// 64 hexadecimal digits.
    pub fn id(&mut self) -> String {
        let [a, b, c, d] = std::array::from_fn(|_| self.roll());
        format!("{a:016x}{b:016x}{c:016x}{d:016x}")
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number of 53 bits as a share of one.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
fn unit(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number for `text`.
pub fn hash(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed), |sum, byte| mix(sum ^ u64::from(byte)))
}

/// A curve between -1 and 1 over `seconds`, of slow and fast waves: what load looks like.
pub fn wave(seed: u64, seconds: f64) -> f64 {
    let mut dice = Dice::new(seed);
    let mut sum = 0.0;
    for (period, weight) in [(420.0, 0.5), (95.0, 0.3), (17.0, 0.15), (3.1, 0.05)] {
        let stretch = 0.8 + 0.4 * dice.share();
        let turn = dice.share() + seconds / (period * stretch);
        sum += weight * (turn * std::f64::consts::TAU).sin();
    }
    sum
}
