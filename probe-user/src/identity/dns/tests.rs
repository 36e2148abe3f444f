use proptest::prelude::*;

use super::{Answer, answer};

/// A message as name servers write it: names in answers point to the question's.
fn message(name: &str, kind: u16, records: &[(u16, u32, &[u8])]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0];
    message.push(u8::try_from(records.len()).unwrap());
    message.extend([0; 4]);
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    for (kind, lives, data) in records {
        message.extend([0xc0, 12]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        message.extend(lives.to_be_bytes());
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(*data);
    }
    message
}

fn says(name: &str, addresses: &[(&str, u32)]) -> Answer {
    Answer {
        name: name.to_owned(),
        addresses: addresses
            .iter()
            .map(|(address, lives)| (address.parse().unwrap(), *lives))
            .collect(),
    }
}

#[test]
fn addresses_bear_the_name_that_was_asked_for() {
    let alias = b"\x03cdn\x07example\x00";
    let records: &[(u16, u32, &[u8])] = &[
        (5, 300, alias),
        (1, 60, &[192, 0, 2, 1]),
        (1, 30, &[192, 0, 2, 2]),
    ];
    let expected = says("www.shop.example", &[("192.0.2.1", 60), ("192.0.2.2", 30)]);
    let whole = message("WWW.shop.Example", 1, records);
    assert_eq!(answer(&whole), Some(expected));
    // Cut within the last record.
    let cut = answer(&whole[..whole.len() - 1]);
    assert_eq!(cut, Some(says("www.shop.example", &[("192.0.2.1", 60)])));

    let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let expected = says("a_b", &[("2001:db8::7", 1)]);
    assert_eq!(answer(&message("a_b", 28, &[(28, 1, &v6)])), Some(expected));
}

#[test]
fn what_names_no_address_says_nothing() {
    let good = message("a.example", 1, &[(1, 60, &[192, 0, 2, 1])]);
    let with = |at: usize, byte: u8| {
        let mut message = good.clone();
        message[at] = byte;
        answer(&message)
    };
    assert!(answer(&good).is_some());
    assert_eq!(with(2, 0x01), None); // a question
    assert_eq!(with(3, 0x83), None); // no such name
    assert_eq!(with(5, 2), None); // two questions
    assert_eq!(with(7, 0), None); // no answer
    assert_eq!(with(12, 0xc0), None); // a question that points
    assert_eq!(with(13, b'\n'), None);
    assert_eq!(with(24, 16), None); // a question for text
    assert_eq!(answer(&message("a", 1, &[(1, 60, &[192, 0, 2])])), None);
    assert_eq!(
        answer(&message(
            &["x".repeat(63).as_str(); 5].join("."),
            1,
            &[(1, 1, &[1; 4])]
        )),
        None
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_some_end(bytes: Vec<u8>) {
        drop(answer(&bytes));
    }

    #[test]
    fn nor_does_a_message_with_errors_trip_it(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = message("www.shop.example", 1, &[(5, 9, b"\x03cdn\xc0\x10"), (1, 60, &[192, 0, 2, 1])]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Some(said) = answer(&bytes) {
            prop_assert!(said.name.len() <= 253 && said.name.is_ascii());
            prop_assert!(!said.name.is_empty() && said.addresses.len() <= 2);
        }
    }
}

#[test]
fn fuzz_dns() {
    let address: &[u8] = &[192, 0, 2, 1];
    let seeds = [
        message("a", 1, &[(1, 60, address)]),
        message(
            "www.shop.example",
            1,
            &[(5, 9, b"\x03cdn\xc0\x10"), (1, 60, address)],
        ),
        message("six.example", 28, &[(28, 60, &[0x20; 16])]),
    ];
    crate::fuzz::run(&seeds, |bytes| {
        let said = answer(bytes)?;
        assert!(said.name.len() <= 253 && said.name.is_ascii() && !said.name.is_empty());
        Some((said.name.len(), said.addresses.len()))
    });
}
