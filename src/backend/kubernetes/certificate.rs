//! The common name of a client certificate: the user name that a server takes from it.
//!
//! Reads only the few DER elements before it (RFC 5280, section 4.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// DER of the attribute type `commonName` (2.5.4.3).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const VERSION: u8 = 0xa0;

/// Subject's common name of the first certificate in `pem`.
#[must_use]
pub fn common_name(pem: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(pem).ok()?;
    let body = text.split("-----BEGIN CERTIFICATE-----").nth(1)?.split("-----END").next()?;
    let der = STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
    let (_, certificate, _) = element(&der)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // serial number, signature, issuer, validity
    for _ in 0..4 {
        fields = element(fields)?.2;
    }
    let (_, mut subject, _) = element(fields)?;
    while let Some((_, set, rest)) = element(subject) {
        subject = rest;
        let Some((SEQUENCE, attribute, _)) = element(set) else { continue };
        if let Some((OBJECT_IDENTIFIER, COMMON_NAME, value)) = element(attribute) {
            let (_, name, _) = element(value)?;
            return String::from_utf8(name.to_vec()).ok();
        }
    }
    None
}

/// First element: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_is_read_and_not_the_issuer() {
        let pem = include_bytes!("../../../tests/fixtures/kubernetes/client.crt");
        assert_eq!(common_name(pem).as_deref(), Some("alice@example.org"));
    }

    #[test]
    fn cut_certificates_give_nothing() {
        let pem = include_str!("../../../tests/fixtures/kubernetes/client.crt");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        for cut in (0..body.len()).step_by(4) {
            let text = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", &body[..cut]);
            assert_eq!(common_name(text.as_bytes()), None, "cut at {cut}");
        }
    }
}
