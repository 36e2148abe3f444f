use bytes::Bytes;

use super::{payload, redact};

fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    payload::text(bytes, &mut text);
    text
}

#[test]
fn what_does_not_print_is_a_dot() {
    assert_eq!(
        text(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET / HTTP/1.1\nHost: a\n\n"
    );
    assert_eq!(text(b"\x1b[31mred\x07\x9b\0"), ".[31mred...\n");
    assert_eq!(text("\u{9b}2J\u{202e}é\tü\r".as_bytes()), ".2J.é\tü.\n");
    assert_eq!(text(&"é".as_bytes()[..1]), ".\n");
    assert_eq!(text(b""), "");
}

#[test]
fn hexadecimal_has_its_text_beside() {
    let mut hex = String::new();
    payload::hex(b"GET / HTTP/1.1\r\n\r\n", &mut hex);
    insta::assert_snapshot!(hex);
}

#[test]
fn secrets_are_covered_and_nothing_else() {
    let check = |from: &str, expected: &str| {
        let (redacted, count) = redact(&Bytes::copy_from_slice(from.as_bytes()));
        assert_eq!(redacted, expected, "{from}");
        assert_eq!(count > 0, from != expected);
    };
    check(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    check(
        "authorization: Basic Zm9v\r\nA: b\r\n",
        "authorization: **********\r\nA: b\r\n",
    );
    check("X: y\nSet-Cookie:a=b; c\n", "X: y\nSet-Cookie:******\n");
    check("Cookie: cut", "Cookie: ***");
    check("a=b&password=hush&c=d", "a=b&password=****&c=d");
    check("GET /?token=t0&x=1 HTTP/1.1", "GET /?token=**&x=1 HTTP/1.1");
    check("mypassword=open", "mypassword=open");
    check("password=", "password=");
    check(
        r#"{"user":"u","password" : "a\"b","z":1}"#,
        r#"{"user":"u","password" : "****","z":1}"#,
    );
    check(r#"b","password":"cut"#, r#"b","password":"***"#);
    check("The cookie: is eaten", "The cookie: is eaten");
}

proptest::proptest! {
    #[test]
    fn any_payload_can_be_redacted_and_printed(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let payload = Bytes::from(bytes);
        let (redacted, _) = redact(&payload);
        proptest::prop_assert_eq!(redacted.len(), payload.len());
        let safe = |char: char| !char.is_control() || matches!(char, '\n' | '\t');
        proptest::prop_assert!(text(&payload).chars().all(safe));
    }

    #[test]
    fn words_of_secrets_in_any_order_can_be_too(words in proptest::collection::vec(proptest::sample::select(vec!["\"", "password", ":", "=", "\\", " ", "\n", "cookie", "é", "&"]), 0..30)) {
        let payload = Bytes::from(words.concat());
        proptest::prop_assert_eq!(redact(&payload).0.len(), payload.len());
    }
}
