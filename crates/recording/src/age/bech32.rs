//! Bech32 (BIP 173), the form in which age writes keys, without that paper's limit of 90 characters.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM: usize = 6;
/// Longer texts are no keys.
const LONGEST: usize = 200;

/// Writes bytes in lower case.
pub(super) fn encode(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let mut values = regroup(bytes, 8, 5, Padding::Added).unwrap_or_default();
    let sum = checksum(prefix, &values);
    values.extend_from_slice(&sum);
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 1 + values.len()));
    text.push_str(prefix);
    text.push('1');
    let letters = values
        .iter()
        .filter_map(|value| ALPHABET.get(usize::from(*value)));
    text.extend(letters.map(|letter| char::from(*letter)));
    text
}

/// Reads a text in one case, lower or upper. The prefix comes in lower case.
pub(super) fn decode(text: &str) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let mixed = text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase());
    if mixed || text.len() > LONGEST || !text.bytes().all(|b| (33..=126).contains(&b)) {
        return None;
    }
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let (prefix, data) = text.rsplit_once('1')?;
    if prefix.is_empty() {
        return None;
    }
    let value = |letter| ALPHABET.iter().position(|known| *known == letter);
    let values = data.bytes().map(|letter| u8::try_from(value(letter)?).ok());
    let values = Zeroizing::new(values.collect::<Option<Vec<u8>>>()?);
    let (payload, sum) = values.split_at_checked(values.len().checked_sub(CHECKSUM)?)?;
    if checksum(prefix, payload) != sum {
        return None;
    }
    let bytes = regroup(payload, 5, 8, Padding::Checked)?;
    Some((prefix.to_owned(), bytes))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// What is left over is filled up with zeros.
    Added,
    /// What is left over is less than a group and zero.
    Checked,
}

fn regroup(values: &[u8], from: u32, to: u32, padding: Padding) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(values.len() * 8 / 5 + 1));
    let (mut held, mut bits) = (0u32, 0);
    for value in values {
        held = ((held << from) | u32::from(*value)) & 0xffff;
        bits += from;
        while bits >= to {
            bits -= to;
            out.push(u8::try_from((held >> bits) & ((1 << to) - 1)).ok()?);
        }
    }
    let left = held & ((1 << bits) - 1);
    match padding {
        Padding::Added if bits > 0 => out.push(u8::try_from(left << (to - bits)).ok()?),
        Padding::Checked if bits >= from || left != 0 => return None,
        _ => {}
    }
    Some(out)
}

fn checksum(prefix: &str, values: &[u8]) -> [u8; CHECKSUM] {
    let high = prefix.bytes().map(|b| b >> 5);
    let low = prefix.bytes().map(|b| b & 31);
    let all = high
        .chain([0])
        .chain(low)
        .chain(values.iter().copied())
        .chain([0; CHECKSUM]);
    let sum = all.fold(1u32, |sum, value| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ u32::from(value);
        [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| (top >> bit) & 1 == 1)
            .fold(next, |next, (_, generator)| next ^ generator)
    }) ^ 1;
    [25, 20, 15, 10, 5, 0].map(|shift| ((sum >> shift) & 31) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_bip_173_are_told_apart() {
        for good in [
            "A12UEL5L",
            "a12uel5l",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
            "?1ezyfcl",
        ] {
            assert!(decode(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "pzry9x0s0muk",
            "1pzry9x0s0muk",
            "x1b4n0q5v",
            "li1dgmt3",
            "A1G7SGD8",
            "10a06t8",
            "1qzzfhee",
            "A12UEl5L",
            "a12uel5m",
            "\u{80}1eym55h",
        ] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for length in 0..80u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37)).collect();
            let text = encode("age", &bytes);
            let (prefix, read) = decode(&text).unwrap();
            assert_eq!((prefix.as_str(), &**read), ("age", bytes.as_slice()));
            assert_eq!(*decode(&text.to_uppercase()).unwrap().1, bytes);
        }
    }
}
