use axum::http::HeaderName;

use super::*;

const READER: &str = "reader-0123456789";
const OPERATOR: &str = "operator-0123456789";

fn judge(access: &Access, path: &str, headers: &[(&str, &str)]) -> Result<Scope, u16> {
    let headers = headers.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    let mut map = HeaderMap::new();
    headers.for_each(|(name, value)| {
        map.append(name, value);
    });
    let judged = access.judge(Via::Tcp, path, &map, &Counters::default());
    judged.map_err(|refusal| refusal.status().as_u16())
}

#[test]
fn a_host_is_an_address_or_one_of_our_names() {
    let access = Access::new(None, vec!["node-1".to_owned()]);
    let check = |host: &str, allowed: bool| {
        let judged = judge(&access, "/", &[("host", host)]);
        assert_eq!(
            judged,
            if allowed { Ok(Scope::Read) } else { Err(403) },
            "{host}"
        );
    };
    check("127.0.0.1:4040", true);
    check("[::1]:4040", true);
    check("10.0.0.7", true);
    check("localhost:4040", true);
    check("NODE-1:4040", true);
    check("evil.example:4040", false);
    check("127.0.0.1.evil.example", false);
    check("localhost.evil.example", false);
    check("", false);
    check("127.0.0.1:4040@evil.example", false);
    assert_eq!(judge(&access, "/", &[]), Err(403));
    let twice = [("host", "localhost"), ("host", "evil.example")];
    assert_eq!(judge(&access, "/", &twice), Err(403));
}

#[test]
fn a_page_elsewhere_gets_nothing() {
    let access = Access::default();
    let check = |name: &str, value: &str, allowed: bool| {
        let judged = judge(&access, "/", &[("host", "127.0.0.1:4040"), (name, value)]);
        assert_eq!(judged.is_ok(), allowed, "{name}: {value}");
    };
    check("origin", "http://127.0.0.1:4040", true);
    check("origin", "http://127.0.0.1:8080", false);
    check("origin", "https://evil.example", false);
    check("origin", "null", false);
    check("sec-fetch-site", "same-origin", true);
    check("sec-fetch-site", "none", true);
    check("sec-fetch-site", "cross-site", false);
    check("sec-fetch-site", "same-site", false);
}

#[test]
fn behind_tls_our_own_pages_are_so_too() {
    let foreign = |via, origin: &'static str| {
        let mut headers = HeaderMap::new();
        headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        is_foreign(&headers, via, "node-1:4040")
    };
    assert!(!foreign(Via::Tls, "https://node-1:4040"));
    assert!(foreign(Via::Tls, "http://node-1:4040"));
    assert!(foreign(Via::Tcp, "https://node-1:4040"));
}

#[test]
fn a_token_opens_what_its_line_says() {
    let text = format!("# two\n\n{READER}\n{OPERATOR} read arguments\n");
    let access = Access::new(Some(tokens::parse(&text).unwrap()), Vec::new());
    let check = |authorization: &str, expected: Result<Scope, u16>| {
        let headers = [("host", "10.0.0.7"), ("authorization", authorization)];
        assert_eq!(
            judge(&access, "/api/v1/graph", &headers),
            expected,
            "{authorization}"
        );
    };
    check(&format!("Bearer {READER}"), Ok(Scope::Read));
    check(&format!("Bearer {OPERATOR}"), Ok(Scope::Arguments));
    check(&format!("Basic {READER}"), Err(401));
    check(&format!("Bearer {READER}0"), Err(401));
    check("Bearer ", Err(401));
    check("Bearer #", Err(401));
    assert_eq!(
        judge(&access, "/healthz", &[("host", "10.0.0.7")]),
        Ok(Scope::Read)
    );
    assert_eq!(
        judge(&access, "/healthz", &[("host", "evil.example")]),
        Err(403)
    );
}

#[test]
fn a_token_file_that_cannot_be_meant_is_refused() {
    let check = |text: &str, line: usize| {
        let refused = tokens::parse(text).map(|_| ()).unwrap_err();
        assert_eq!(refused.0, line, "{refused:?}");
    };
    check("short", 1);
    check(&format!("# x\n{READER} write"), 2);
    check(&format!("{READER}\n").repeat(65), 65);
}

#[test]
fn fuzz_tokens() {
    let seeds = [
        format!("# two\n\n{READER}\n{OPERATOR} read arguments\n"),
        format!("{READER} # read"),
        "short\n".to_owned(),
    ];
    crate::fuzz::run(&seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let tokens = tokens::parse(&text).map_err(|(line, _)| line)?;
        Ok::<_, usize>((tokens.scope(READER), tokens.scope("")))
    });
}
